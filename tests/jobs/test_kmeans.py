"""kmeans POINTS OUTPUT K ROUNDS: the centers that a loop over lists finds, and each point's."""

import math

import harness
import inputs
import outputs
import tables

K, ROUNDS = 5, 4


def make(folder, rng):
    points = [(rng.gauss(5 * (i % K), 1), rng.gauss(3 * (i % K), 1)) for i in range(6000)]
    return [inputs.write(folder, "points.csv", b"x,y\n" + b"".join(b"%r,%r\n" % point for point in points))]


def solve(points):
    centers = points[:K]

    def nearest(point):
        return min(range(len(centers)), key=lambda i: ((point[0] - centers[i][0]) ** 2 + (point[1] - centers[i][1]) ** 2, i))

    for _ in range(ROUNDS):
        near = [[] for _ in centers]
        for point in points:
            near[nearest(point)].append(point)
        centers = [tuple(math.fsum(axis) / len(some) for axis in zip(*some)) if some else center
                   for some, center in zip(near, centers)]
    return centers, [nearest(point) for point in points]


def numbers(rows):
    return [tuple(map(float, row)) for row in rows]


def points_of(named):
    return numbers(tables.read(named[0], ["x", "y"]))


def check(named, output):
    points = points_of(named)
    rows = numbers(tables.written(output, ["x", "y", "center"]))
    if [row[:2] for row in rows] != points or [int(row[2]) for row in rows] != solve(points)[1]:
        raise outputs.Wrong("other centers of points")


def check_stdout(named, stdout):
    if stdout != b"".join(b"%.6f,%.6f\n" % center for center in solve(points_of(named))[0]):
        raise outputs.Wrong("other centers")


if __name__ == "__main__":
    harness.main("kmeans", ".csv", [harness.Case("five heaps", make, check, check_stdout=check_stdout,
                                                 arguments=lambda named, output: named + [output, str(K), str(ROUNDS)])])
