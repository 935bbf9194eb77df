"""Every operation by every number of ranks, against a model of it: test_ops.py OPS JOBS-FOLDER [OPERATION...]

All cases of one number of ranks run in one job. BARKS_TEST_SEED=n repeats a run. Results are TAP on stdout.
"""

import inspect
import os
import random
import shutil
import sys
import tempfile

import ops_a
import ops_b
import ops_c
import ops_large
import ops_files
import ops_order
import ops_rows
import ops_custom
import ops_samples
import ops_words
import outputs
import shapes

ALL = [shapes.Shape(ranks=n) for n in (1, 2, 3, 5)]
MODULES = [
    ops_a,
    ops_b,
    ops_c,
    ops_large,
    ops_files,
    ops_order,
    ops_custom,
    ops_samples,
    ops_words,
]
LIMIT_SECONDS = 300


def operations(wanted):
    found = {}
    for module in MODULES:
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not name.startswith("_"):
                found[name] = function
    return {name: function for name, function in sorted(found.items()) if not wanted or name in wanted}


def written_lines(folder):
    """The lines of all parts, in order, without their headers."""
    lines = []
    for part in outputs.parts(folder, ".csv"):
        lines += part.decode().splitlines()[1:]
    return lines


def check_rows(folder, expected):
    lines, wanted = written_lines(folder), ops_rows.lines_of(expected)
    if not isinstance(expected, ops_rows.ordered):
        lines, wanted = sorted(lines), sorted(wanted)
    if lines != wanted:
        at = next((i for i, (a, b) in enumerate(zip(lines, wanted)) if a != b), min(len(lines), len(wanted)))
        raise outputs.Wrong(f"row {at} of {len(lines)}, not {len(wanted)}: {lines[at:at + 2]}, not {wanted[at:at + 2]}")


class Test:
    def __init__(self, program, wanted):
        seed = int(os.environ.get("BARKS_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
        print(f"# BARKS_TEST_SEED={seed}", flush=True)
        self.rng = random.Random(seed)
        self.program = program
        self.operations = operations(wanted)
        self.folder = tempfile.mkdtemp(prefix="barks-ops-")
        self.data = ops_rows.Data(
            ops_rows.make_rows(self.rng, self.rng.choice([300, 9000]), self.rng.choice([3, 200, 100000])),
            ops_rows.make_rows(self.rng, self.rng.choice([0, 40, 5000]), self.rng.choice([3, 200, 100000])))
        ops_rows.write_rows(self.folder, "left", self.data.left)
        ops_rows.write_rows(self.folder, "right", self.data.right)
        self.partitions = {name: self.rng.choice([1, 2, 5, 16]) for name in self.operations}
        with open(os.path.join(self.folder, "cases"), "w", encoding="utf-8") as file:
            for name in self.operations:
                file.write(f"{name} {name} {self.partitions[name]}\n")

    def output(self, shape):
        return os.path.join(self.folder, shape.name.replace(" ", "-"))

    def run(self, shape):
        os.mkdir(self.output(shape))
        arguments = [self.folder, self.output(shape), os.path.join(self.folder, "cases")]
        return shapes.run(shape, self.program, arguments, self.folder, LIMIT_SECONDS)

    def check(self, name, ended, shape):
        folder = os.path.join(self.output(shape), name)
        if not os.path.isdir(folder):
            raise outputs.Wrong(ended.describe())
        check_rows(folder, self.operations[name](self.data, self.partitions[name]))
        if shape is not ALL[0]:
            outputs.check_same(folder, os.path.join(self.output(ALL[0]), name), ".csv")


def main():
    test = Test(os.path.abspath(sys.argv[1]), sys.argv[3:])
    number = failed = 0
    print(f"1..{len(test.operations) * len(ALL)}", flush=True)
    for shape in ALL:
        ended = test.run(shape)
        for name in test.operations:
            number += 1
            try:
                test.check(name, ended, shape)
                print(f"ok {number} - {name} {shape.name}", flush=True)
            except outputs.Wrong as wrong:
                failed += 1
                print(f"# {wrong}".replace("\n", "\n# "))
                print(f"not ok {number} - {name} {shape.name}", flush=True)
    if failed == 0:
        shutil.rmtree(test.folder)
    else:
        print(f"# the inputs and outputs are in {test.folder}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
