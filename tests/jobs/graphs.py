"""Random graphs as CSV of two numbers."""

import inputs


def edges_file(header, node_count, edge_count):
    def make(folder, rng):
        lines = [b"%d,%d" % (rng.randrange(node_count), rng.randrange(node_count)) for _ in range(edge_count)]
        return [inputs.write(folder, "edges.csv", header + b"\n" + b"".join(line + b"\n" for line in lines))]
    return make


def edges(named):
    with open(named[0], "rb") as file:
        return [tuple(map(int, line.split(b","))) for line in file.read().splitlines()[1:]]
