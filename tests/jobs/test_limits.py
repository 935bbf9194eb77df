"""Jobs whose rows are far larger than their memory: test_limits.py LIMIT-JOB JOBS-FOLDER [MODE...]

They end with the right rows, or with one sentence that says what was asked, what is used and what raises the
budget, with the exit status of a limit and nothing left behind. What no disk helps must end in the latter way.
"""

import functools
import os
import re
import sys

import harness
import outputs
import shapes

ROWS, KEYS, FEW = 1_200_000, 1000, 3  # as in limit_job.c
EXPECTED = {"distinct": ROWS, "reduce": ROWS, "sort": ROWS, "join": ROWS, "zip": ROWS, "repartition": ROWS,
            "group": KEYS, "cogroup": KEYS, "cartesian": FEW * ROWS, "transposed": FEW * ROWS,
            "collect": None, "row": None}
ON_DISK = {"distinct", "reduce", "sort", "repartition"}  # what is not in memory alone must not fail
SHAPES = [shapes.PLAIN, shapes.Shape(executors=2), shapes.Shape(ranks=3)]
LIMIT_STATUS = 4
SENTENCE = re.compile(rb"^barks: .*--barks-(memory|collect-bytes-max)\b.*$", re.MULTILINE)


def count_rows(folder):
    return sum(part.count(b"\n") - 1 for part in outputs.parts(folder, ".csv"))


def check_failed(ended, folder):
    errors = [line for line in ended.stderr.split(b"\n") if re.match(rb"barks: (?!done in|failed in|stage )", line)]
    if ended.status != LIMIT_STATUS or len(errors) != 1 or not SENTENCE.fullmatch(errors[0]):
        raise outputs.Wrong(f"no sentence about a limit\n{ended.describe()}")
    if os.listdir(folder):
        raise outputs.Wrong(f"it left {os.listdir(folder)}\n{ended.describe()}")


def run(program, mode, shape, folder):
    output = os.path.join(folder, "output")
    ended = shapes.run(shape, program, [mode, output, "--barks-memory=64m"], folder, 120)
    if EXPECTED[mode] is None or (ended.status != 0 and mode not in ON_DISK):
        check_failed(ended, folder)
    elif ended.status != 0 or count_rows(output) != EXPECTED[mode]:
        raise outputs.Wrong(f"not {EXPECTED[mode]} rows\n{ended.describe()}")


def run_often(program, shape, folder):
    """Whatever is on its way in which round when memory is used up."""
    for i in range(8):
        where = os.path.join(folder, str(i))
        os.mkdir(where)
        run(program, "repartition", shape, where)


def main():
    program, wanted = os.path.abspath(sys.argv[1]), sys.argv[3:]
    calls = []
    for mode in EXPECTED:
        for shape in SHAPES if not wanted or mode in wanted else []:
            calls.append((f"{mode}, {shape.name}", functools.partial(harness.in_folder, run, program, mode, shape)))
    if not wanted:
        calls.append(("many whose memory is used up amid an exchange, np 3",
                      lambda: harness.in_folder(run_often, program, shapes.Shape(ranks=3))))
    sys.exit(harness.run_all(calls))


if __name__ == "__main__":
    main()
