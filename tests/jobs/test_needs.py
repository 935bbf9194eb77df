"""Tasks that need threads, memory and GPUs: test_needs.py NEEDS-JOB [JOBS-FOLDER [NAME...]]

Each task says what it was given and when; here is checked that nobody had what another one had at that time, and
that no executor gave more than it has.
"""

import functools
import os
import re
import sys

import harness
import outputs
import shapes

ROWS, PARTITIONS = 1000, 12  # as in needs_job.c
LIMIT_SECONDS = 60
SHAPES = [shapes.PLAIN, shapes.Shape(executors=2)] + [shapes.Shape(ranks=n) for n in (1, 2, 3)]


def executors(shape):
    return max(1, shape.ranks - 1, shape.executors)


def require(condition, text, ended):
    if not condition:
        raise outputs.Wrong(f"{text}\n{ended.describe()}")


def run(program, shape, mode, folder, options, threads=0, mebibytes=0, resources="", environment=None):
    arguments = [mode, str(threads), str(mebibytes), resources, *options]
    variables = [f"{name}={value}" for name, value in (environment or {}).items()]
    command = ["env", *variables, *shape.command(program, arguments)]
    return shapes.finish(shapes.start(command, folder), LIMIT_SECONDS)


def told(ended, tasks=PARTITIONS):
    require(ended.status == 0, "it failed", ended)
    rows = [[int(word) for word in line.split()] for line in ended.stdout.decode().splitlines()
            if not line.startswith("busy")]
    require(len(rows) == tasks and sum(row[7] for row in rows) == ROWS * (ROWS - 1) // 2, "the rows are wrong", ended)
    return rows


def at_once(rows, weight):
    """The most that runs at one time, by moments at which something begins."""
    return max(sum(weight(other) for other in rows if other[1] <= row[1] < other[2]) for row in rows)


def units(row):
    return [unit for unit in row[5:7] if unit >= 0]


def check_units(rows, needed, allowed, ended):
    for row in rows:
        require(row[4] == needed and len(set(units(row))) == needed and set(units(row)) <= allowed,
                f"{row} was given something else than {needed} of {allowed}", ended)
        for other in rows:
            overlap = other is not row and other[1] < row[2] and row[1] < other[2]
            require(not (overlap and set(units(row)) & set(units(other))), f"{row} and {other} have the same", ended)


def gpus(mode, shape, program, folder):
    options = ["--barks-workers=3", "--barks-resources=gpu:2,licence:4"]
    ended = run(program, shape, mode, folder, options, resources="gpu:1 licence:1")
    tasks = 2 if mode == "together" else PARTITIONS
    check_units(told(ended, tasks), 1, set(range(2 * executors(shape))), ended)


def pairs(shape, program, folder):
    ended = run(program, shape, "plain", folder, ["--barks-workers=3", "--barks-resources=gpu:2"], resources="gpu:2")
    rows = told(ended)
    check_units(rows, 2, set(range(2 * executors(shape))), ended)
    require({len({unit // 2 for unit in units(row)}) for row in rows} == {1}, "of two executors", ended)


def found(variable, value, allowed, shape, program, folder):
    ended = run(program, shape, "plain", folder, ["--barks-workers=3"], resources="gpu:1", environment={variable: value})
    rows = told(ended)
    check_units(rows, 1, allowed, ended)
    require({row[5] for row in rows} <= allowed, "other devices", ended)


def threads(shape, program, folder):
    ended = run(program, shape, "plain", folder, ["--barks-workers=3"], threads=2)
    rows = told(ended)
    require({row[3] for row in rows} == {2}, "other threads", ended)
    for executor in {row[0] for row in rows}:
        most = at_once([row for row in rows if row[0] == executor], lambda row: row[3])
        require(most <= 3, f"{most} threads at once on executor {executor}", ended)


def memory(shape, program, folder):
    ended = run(program, shape, "plain", folder, ["--barks-workers=3", "--barks-memory=256m"], mebibytes=80)
    rows = told(ended)
    for executor in {row[0] for row in rows}:
        most = at_once([row for row in rows if row[0] == executor], lambda row: 80)
        require(most <= 192, f"{most} MiB at once on executor {executor}", ended)


def flaky(shape, program, folder):
    ended = run(program, shape, "flaky", folder, ["--barks-workers=3", "--barks-resources=gpu:2"], resources="gpu:1")
    check_units(told(ended), 1, set(range(2 * executors(shape))), ended)


def beside(shape, program, folder):
    ended = run(program, shape, "beside", folder, ["--barks-workers=2", "--barks-resources=gpu:1"], threads=2,
                resources="gpu:1")
    check_units(told(ended), 1, set(range(executors(shape))), ended)
    require(b"busy 1000" in ended.stdout, "the other action failed", ended)


def refused(mode, sentence, options, needs, shape, program, folder):
    ended = run(program, shape, mode, folder, ["--barks-workers=2", "--barks-memory=256m", *options], **needs)
    require(ended.status == (2 if b"NAME:COUNT" in sentence else 4), "not that status", ended)
    require(re.search(sentence, ended.stderr), f"no sentence {sentence}", ended)
    require(b"a task runs" not in ended.stderr, "it was refused late", ended)


REFUSED = {
    "threads": (rb"needs_job\.c:\d+: a task needs 9 threads, and no executor has more than 2 workers", [],
                {"threads": 9}),
    "memory": (rb"needs_job\.c:\d+: a task needs 200 MiB of memory, and no executor gives tasks more than 192", [],
               {"mebibytes": 200}),
    "a resource": (rb"a task needs 'gpu:3', and no executor has more than 2.*--barks-resources",
                   ["--barks-resources=gpu:2"], {"resources": "gpu:3"}),
    "one that is not there": (rb"a task needs 'licence:1', and no executor has more than 0",
                              ["--barks-resources=none"], {"resources": "licence:1"}),
    "no count": (rb"set_needs at .*: .*'gpu' has no such count: an entry is NAME:COUNT", [], {"resources": "gpu"}),
    "a bad setting": (rb"--barks-resources: 'gpu:x' has no such count: an entry is NAME:COUNT",
                      ["--barks-resources=gpu:x"], {}),
}


# Two tasks run at once, and of what each needs one executor has enough for one.
REFUSED_TOGETHER = {
    "a GPU for one of two": ([], {"resources": "gpu:1"}),
    "threads for one of two": ([], {"threads": 2}),
    "memory for one of two": ([], {"mebibytes": 120}),
}


def all_calls(program):
    def in_folder(call, *arguments):
        return functools.partial(harness.in_folder, functools.partial(call, *arguments), program)

    three = shapes.Shape(ranks=3)
    for shape in SHAPES:
        for mode in ("plain", "shuffled", "cached", "together"):
            yield f"gpus, {mode}, {shape.name}", in_folder(gpus, mode, shape)
        yield f"two of a pair, {shape.name}", in_folder(pairs, shape)
        yield f"threads, {shape.name}", in_folder(threads, shape)
        yield f"memory, {shape.name}", in_folder(memory, shape)
        yield f"a task fails once, {shape.name}", in_folder(flaky, shape)
        yield f"another action beside, {shape.name}", in_folder(beside, shape)
    for shape in (shapes.Shape(executors=2), three):
        for variable, value, allowed in (("CUDA_VISIBLE_DEVICES", "4,GPU-a", {0, 1}),
                                         ("ROCR_VISIBLE_DEVICES", "7,6,5", {0, 1, 2}),
                                         ("SLURM_STEP_GPUS", "2-3", {2, 3}), ("SLURM_GPUS_ON_NODE", "2", {0, 1})):
            yield f"{variable}, {shape.name}", in_folder(found, variable, value, allowed, shape)
    for name, (sentence, options, needs) in REFUSED.items():
        for shape in (shapes.PLAIN, three):
            yield f"refused: {name}, {shape.name}", in_folder(refused, "plain", sentence, options, needs, shape)
    sentence = (rb"set_needs at .*needs_job\.c:\d+: 2 tasks run at once \(map_partitions_together\), and executors "
                rb"have what each needs for only 1 of them; barks_coalesce")
    for name, (options, needs) in REFUSED_TOGETHER.items():
        for mode in ("together", "sorted"):
            for shape in (shapes.PLAIN, shapes.Shape(ranks=2)):
                yield (f"refused: {name}, {mode}, {shape.name}",
                       in_folder(refused, mode, sentence, ["--barks-resources=gpu:1", *options], needs, shape))


def main():
    program, wanted = os.path.abspath(sys.argv[1]), sys.argv[3:]
    sys.exit(harness.run_all([(name, call) for name, call in all_calls(program)
                              if not wanted or any(word in name for word in wanted)]))


if __name__ == "__main__":
    main()
