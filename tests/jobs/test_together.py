"""Tasks that run together: test_together.py TOGETHER-JOB [JOBS-FOLDER [NAME...]]

The job's tasks meet, gather, and call MPI; what each of them must have is computed here from the partitions of the
input. Then the same with tasks that fail, are late, or do not come.
"""

import functools
import os
import re
import sys
import time

import harness
import outputs
import shapes

ROWS = 1000  # as in together_job.c
LIMIT_SECONDS = 60
WORKERS = "--barks-workers=2"
PLAIN, TWO_LOCAL = shapes.PLAIN, shapes.Shape(executors=2)
RANKS = [shapes.Shape(ranks=n) for n in (1, 2, 3, 5)]


def executors(shape):
    return max(1, shape.ranks - 1, shape.executors)


def require(condition, text, ended):
    if not condition:
        raise outputs.Wrong(f"{text}\n{ended.describe()}")


def run(program, shape, mode, partitions, folder, *options):
    arguments = [mode, str(partitions), WORKERS, *options]
    return shapes.run(shape, program, arguments, folder, LIMIT_SECONDS)


def expected(partitions, attempt=0):
    """What each task must print: the oracle."""
    bounds = [i * ROWS // partitions for i in range(partitions + 1)]
    own = [sum(range(bounds[i], bounds[i + 1])) for i in range(partitions)]
    return [[i, partitions, own[i], sum(own), sum(own[:i]), attempt, partitions] for i in range(partitions)]


def printed(ended):
    return [[int(word) for word in line.split()] for line in ended.stdout.decode().splitlines()
            if not line.startswith("busy")]


def check_sums(program, mode, shape, folder):
    partitions = executors(shape) if mode == "mpi" else 2 * executors(shape)
    ended = run(program, shape, mode, partitions, folder)
    require(ended.status == 0, "it failed", ended)
    rows = printed(ended)
    if mode == "shuffled":  # rows lie where the hash of their value says
        owns = [row[2] for row in rows]
        want = [[i, partitions, owns[i], ROWS * (ROWS - 1) // 2, sum(owns[:i]), 0, partitions]
                for i in range(partitions)]
        require(rows == want and sum(owns) == want[0][3], "the sums are wrong", ended)
    else:
        require(rows == expected(partitions, 0), f"not {expected(partitions, 0)}", ended)


def check_take(program, folder):
    ended = run(program, shapes.Shape(ranks=3), "take", 4, folder)
    require(ended.status == 0 and printed(ended) == expected(4)[:1], "the first row is wrong", ended)


def check_again(program, shape, folder):
    partitions = 2 * executors(shape)
    ended = run(program, shape, "flaky", partitions, folder)
    require(ended.status == 0, "it failed", ended)
    require(printed(ended) == expected(partitions, 1), "not all tasks were started anew", ended)


def check_refused(program, mode, shape, partitions, status, sentence, folder, *options):
    ended = run(program, shape, mode, partitions, folder, *options)
    require(ended.status == status, f"not status {status}", ended)
    require(re.search(sentence, ended.stderr), f"no sentence {sentence}", ended)


def check_no_mpi(program, shape, folder):
    check_refused(program, "mpi", shape, 1, 2, rb"driver and executors run in this one process", folder)


def check_stuck(program, folder):
    begin = time.monotonic()
    ended = run(program, shapes.Shape(ranks=4), "stuck", 3, folder, "--barks-lost-deadline=2s")
    require(ended.status not in (0, None), "it ended well, or not at all", ended)
    require(b"has not come back from MPI" in ended.stderr, "no sentence", ended)
    seconds = time.monotonic() - begin
    require(seconds < 30 * shapes.SLOWNESS, f"it took {seconds:.0f} s", ended)


def check_held(program, folder):
    """Tasks of the job that came first end, and then all workers are there."""
    ended = run(program, shapes.Shape(ranks=3), "held", 4, folder)
    require(ended.status == 0 and printed(ended) == expected(4), "it failed", ended)
    require(b"busy 1000" in ended.stdout, "the other action failed", ended)


def check_late_room(program, folder):
    check_refused(program, "crowded", shapes.Shape(ranks=2), 2, 4, rb"were not idle together for 0\.0 s "
                  rb"\(--barks-together-wait\)", folder, "--barks-together-wait=1ms")


def all_calls(program):
    def in_folder(call, *arguments):
        return functools.partial(harness.in_folder, call, program, *arguments)

    three = shapes.Shape(ranks=3)
    for shape in [PLAIN, TWO_LOCAL] + RANKS:
        for mode in ("gather", "shuffled", "cached"):
            yield f"{mode}, {shape.name}", in_folder(check_sums, mode, shape)
    for shape in RANKS[1:]:
        yield f"mpi, {shape.name}", in_folder(check_sums, "mpi", shape)
    for shape in (PLAIN, RANKS[0]):
        yield f"mpi where there is none, {shape.name}", in_folder(check_no_mpi, shape)
    for shape in (TWO_LOCAL, three):
        yield f"a task fails once, {shape.name}", in_folder(check_again, shape)
    yield "the first row alone", in_folder(check_take)
    for name, mode, partitions, status, sentence in (
            ("a task fails always", "failing", 4, 6, rb"failed in task 1 after 3 attempts"),
            ("too many partitions", "gather", 5, 4, rb"its 5 partitions run at once, and there are only 4 workers"),
            ("too many for an executor each", "mpi", 3, 4, rb"on an executor each \(\.spread\), and there are only 2"),
            ("a task is late", "late", 4, 4, rb"has waited 0\.3 s at a barrier"),
            ("a task ends before", "left", 4, 6, rb"task 0 of the stage has ended without coming to a barrier"),
            ("tasks call different things", "mixed", 4, 6, rb"all tasks that run together must call the same"),
            ("a task that runs alone", "outside", 4, 2, rb"barks_barrier is for bodies of tasks that run together")):
        yield name, in_folder(check_refused, mode, three, partitions, status, sentence)
    yield "a task fails while others wait in MPI", in_folder(check_stuck)
    yield "another action has the workers", in_folder(check_held)
    yield "another action has them for too long", in_folder(check_late_room)


def main():
    program, wanted = os.path.abspath(sys.argv[1]), sys.argv[3:]
    sys.exit(harness.run_all([(name, call) for name, call in all_calls(program)
                              if not wanted or any(word in name for word in wanted)]))


if __name__ == "__main__":
    main()
