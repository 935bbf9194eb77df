"""Jobs side by side, by pools, groups and tags, their limits, and who listens: test_schedule.py JOB JOBS-FOLDER [NAME...]

Answers are held against sums made here, events against the event log, ends against the clock.
"""

import functools
import os
import re
import subprocess
import sys
import time

import event_log
import harness
import outputs
import shapes

ROWS, KEYS, ACTIONS = 20000, 7, 1500  # as in schedule_job.c
CANCELLED, OF_LIMIT = 8, 5  # barks_codes
LIMIT, LOST, OUT_OF_TIME = 4, 7, 75
SHAPES = [shapes.PLAIN, shapes.Shape(executors=3)] + [shapes.Shape(ranks=n) for n in (1, 2, 3, 5)]


def expect(what, ended):
    if not what:
        raise outputs.Wrong(ended.describe())


def run(program, arguments, shape, folder, seconds=60):
    began = time.monotonic()
    ended = shapes.run(shape, program, arguments, folder, seconds)
    return ended, time.monotonic() - began


def threads(program, shape, folder):
    count = 6
    ended, _ = run(program, ["threads", str(count), "--barks-pools=even:fair,weight=2 odd:min=1"], shape, folder, 120)
    total = sum(range(ROWS))
    line = f"1 {5 * (total + ROWS)} {total} {KEYS}\n"
    expect(ended.status == 0 and ended.stdout.decode() == count * line, ended)


def order(program, shape, folder):
    for pools, wanted in (("quick", "short"), ("quick:weight=5", "short"), ("quick:min=1", "short")):
        ended, _ = run(program, ["order", f"--barks-pools={pools}", "--barks-workers=1"], shape, folder)
        lines = ended.stdout.decode().split("\n")
        expect(ended.status == 0 and lines[0] == f"{wanted} 1" and len(lines) == 3, ended)


def cancelled(mode, program, shape, folder):
    ended, seconds = run(program, [mode, "--barks-workers=2"], shape, folder)
    expect(ended.status == 0 and ended.stdout.decode() == f"{ROWS} 0 0 1 0 {CANCELLED}\n0\n" and
           seconds < 30 * shapes.SLOWNESS, ended)


def end_part(what, program, shape, folder):
    """One attempt is all that a task has, and one that is ended must not be it."""
    ended, _ = run(program, ["end", what, "--barks-attempts=1"], shape, folder)
    lines = ended.stdout.decode().split("\n")
    if what == "task":
        expect(ended.status == 0 and lines == [f"{ROWS} 0 1000", f"{ROWS} {ROWS}", ""], ended)
        return
    words = "was cancelled: its stage 1 was" if what == "stage" else "was cancelled"
    expect(ended.status == 0 and lines[0] == f"-1 {CANCELLED} 1000" and lines[1].endswith(words) and
           lines[1].startswith("count at "), ended)


def deadline(program, shape, folder):
    ended, _ = run(program, ["deadline"], shape, folder)
    lines = ended.stdout.decode().split("\n")
    expect(ended.status == 0 and lines[0].startswith(f"1 -1 {OF_LIMIT} count at ") and
           lines[0].endswith("was not done in 0.5 s (barks_set_deadline)") and lines[1] == f"{ROWS} 0 00", ended)
    expect(b"-1 is no time" in ended.stderr, ended)


def named(program, shape, folder):
    log = os.path.join(folder, "log")
    ended, _ = run(program, ["named", f"--barks-event-log={log}"], shape, folder)
    expect(ended.status == 0 and b"nightly report: count at " in ended.stderr, ended)
    (name,) = os.listdir(log)
    (started,) = event_log.of_kind(event_log.read(os.path.join(log, name)), "action_started")
    expect((started["pool"], started["group"], started["description"], started["tags"]) ==
           ("default", "night", "nightly report", "one,two"), ended)
    expect(started["priority"] == 2**64 - 3, ended)


def wrong(program, shape, folder):
    ended, _ = run(program, ["wrong", "--barks-pools=even:fair odd"], shape, folder)
    expect(ended.status == 0 and ended.stdout == b"0000001\n", ended)
    for text in (b"there is no pool 'evn', only default, even, odd; --barks-pools makes pools",
                 b"40000 is no priority: these are -32767 to 32767", b"a group has at most 127 bytes, and this one 299",
                 b"a description has at most 255 bytes", b"'a,b' cannot be added"):
        expect(text in ended.stderr, ended)


def bad_pools(program, shape, folder):
    for text, words in (("a:fiar", b"has an unknown word or number"), ("a a", b"is there twice"),
                        ("a:weight=0", b"has an unknown word"), ("a:min=70000", b"has an unknown word"),
                        (":fair", b"has no name of letters")):
        ended, _ = run(program, ["named", f"--barks-pools={text}"], shape, folder)
        expect(ended.status == 2 and words in ended.stderr and b"--barks-pools: '" in ended.stderr, ended)


def listeners(program, shape, folder):
    log, heard = os.path.join(folder, "log"), os.path.join(folder, "heard")
    ended, _ = run(program, ["listen", heard, f"--barks-event-log={log}", "--barks-workers=2"], shape, folder, 180)
    count, slow, lost, has_ended = [int(word) for word in ended.stdout.split()]
    expect(ended.status == 0 and count == 10 * ACTIONS, ended)
    with open(heard, encoding="utf-8") as file:
        events = [line.rstrip("\n").split("\t") for line in file]
    (name,) = os.listdir(log)
    records = event_log.read(os.path.join(log, name))
    names = {"action_started": "job started", "action_ended": "job ended", "stage_started": "stage started",
             "stage_ended": "stage ended", "task_started": "task started", "task_ended": "task ended",
             "executor": "executor"}
    for kind, event in names.items():
        told = [(record.get("action", 0), record.get("stage", 0), record.get("task", 0))
                for record in event_log.of_kind(records, kind)]
        got = [(int(words[1]), int(words[2]), int(words[3])) for words in events if words[0] == event]
        if told != got:
            raise outputs.Wrong(f"{kind}: {len(told)} in the log, {len(got)} heard\n{ended.describe()}")
    expect(sum(words[0] == "job started" and words[7] == "heard" for words in events) == ACTIONS, ended)
    expect(events[-1][0] == "end" and not any(words[0] == "lost" for words in events), ended)
    # The slow one hears as much as has room, and of the rest how much it was.
    others = len(events) - sum(words[0] == "memory" for words in events)
    if has_ended and not others - 5 <= slow + lost <= len(events) + 5:
        raise outputs.Wrong(f"{slow} heard and {lost} lost of {len(events)} events\n{ended.describe()}")
    expect(has_ended or b"is left to itself" in ended.stderr, ended)
    if lost > 0:
        expect(b"listener 2 of 2 lost" in ended.stderr, ended)


def heard(mode, kind, options, program, shape, folder):
    """(how it ended, what the listener wrote of the kind, line by line, records of the log, its path)."""
    log, path = os.path.join(folder, "log"), os.path.join(folder, "heard")
    ended, _ = run(program, [mode, path, f"--barks-event-log={log}", *options], shape, folder, 120)
    expect(ended.status == 0, ended)
    with open(path, encoding="utf-8") as file:
        lines = [line.split(" ", 1)[1] for line in file.read().splitlines() if line.startswith(kind + " ")]
    (name,) = os.listdir(log)
    return ended, lines, event_log.read(os.path.join(log, name)), os.path.join(log, name)


def keep(program, shape, folder):
    ended, lines, records, _ = heard("keep", "block", ["--barks-kept-bytes-max=12m"], program, shape, folder)
    fields = ("is_kept", "executor", "dataset", "partition", "row_count", "memory_bytes", "disk_bytes")
    blocks = event_log.of_kind(records, "block")
    expect([" ".join(str(block[field]) for field in fields) for block in blocks] == lines, ended)
    kept = [block for block in blocks if block["is_kept"] == 1]
    expect(sum(block["row_count"] for block in kept) == 5 * 1000000 - 10 and
           all(block["memory_bytes"] >= 8 * block["row_count"] for block in kept), ended)
    now = {}
    for block in blocks:  # what is evicted was kept, by the same one
        name = (block["executor"], block["dataset"], block["partition"])
        expect(block["is_kept"] == 1 or now.get(name), ended)
        now[name] = block["is_kept"] == 1
    expect(not all(now.values()), ended)


def table_of(report, log, name):
    page = subprocess.run([report, "report", "-o", "-", log], stdout=subprocess.PIPE, check=True).stdout
    return page.split(b'id="' + name + b'"')[1].split(b"</table>")[0]


def skip(report, program, shape, folder):
    """The second count reads what the first has kept, and a join of few rows of each key has none to copy."""
    ended, lines, records, log = heard("skip", "skipped", [], program, shape, folder)
    expect(ended.stdout.decode() == f"{2 * KEYS + ROWS}\n", ended)
    told = event_log.of_kind(records, "stage_skipped")
    expect([f"{one['action']} {one['stage'] if one['stage'] < 2**32 - 1 else -1} {one['reason']}" for one in told] == lines,
           ended)
    expect(lines[0] == "2 -1 what is read of it is kept, or is not asked for" and len(lines) == 2 and
           re.fullmatch(r"3 \d+ the join has no hot keys, whose rows it would copy", lines[1]), ended)
    begun = {(one["action"], one["stage"]) for one in event_log.of_kind(records, "stage_started")}
    expect(not any((one["action"], one["stage"]) in begun for one in told), ended)
    expect(records[-1]["skipped_count"] == 2 and b", 2 stages skipped\n" in ended.stderr, ended)
    skipped = table_of(report, log, b"skipped")
    expect(skipped.count(b"no hot keys") == 1 and skipped.count(b"not planned") == 1, ended)


def exclude(report, program, shape, folder):
    ended, lines, records, log = heard("exclude", "excluded", ["--barks-workers=2", "--barks-attempts=9"], program, shape, folder)
    expect(ended.stdout.decode() == f"{ROWS}\n", ended)
    told = event_log.of_kind(records, "excluded")
    expect(told and [(one["executor"], one["action"], one["error"]) for one in told] ==
           [(2, 1, "tasks keep failing on it")] * len(told), ended)
    expect([f"2 1 {-1 if one['whole_action'] else one['stage']} 1 tasks keep failing on it" for one in told] == lines,
           ended)
    failures = table_of(report, log, b"failures")
    expect(failures.count(b"is left out of action 1") == len(told) and b"executor 2 (" in failures, ended)


def overrun(program, shape, folder):
    ended, _ = run(program, ["overrun", "1", "--barks-task-time-limit=500ms"], shape, folder)
    expect(ended.status == 0 and ended.stdout.decode() == f"{ROWS}\n" and b"runs longer than 0.5 s" in ended.stderr,
           ended)
    ended, _ = run(program, ["overrun", "99", "--barks-task-time-limit=300ms", "--barks-attempts=3"], shape, folder)
    expect(ended.status == LIMIT and ended.stdout == b"-1\n" and b"after 3 attempts" in ended.stderr and
           b"it ran longer than 0.3 s (--barks-task-time-limit)" in ended.stderr, ended)


def shows_deaf_task(ended):
    return re.search(rb"^barks: the calls of task \d+ of stage 1 on executor \d, which was told to end [0-9.]+ s ago, the "
                     rb"last one first:\n.*\(", ended.stderr, re.MULTILINE)


def stuck(program, shape, folder):
    """In all attempts: the job fails as with any error, without waiting for them."""
    ended, seconds = run(program, ["stuck", "--barks-task-time-limit=300ms", "--barks-time-reserve=1s",
                                   "--barks-attempts=2"], shape, folder)
    expect(ended.status == LIMIT and b"after 2 attempts" in ended.stderr and b"ends without task" in ended.stderr and
           shows_deaf_task(ended) and seconds < 20 * shapes.SLOWNESS, ended)


def stuck_everywhere(program, shape, folder):
    """Where no worker is left, starting it again may help."""
    ended, seconds = run(program, ["stuck", "--barks-task-time-limit=500ms", "--barks-time-reserve=1s",
                                   "--barks-attempts=100"], shape, folder)
    expect(ended.status == LOST and ended.stdout == b"-1\n" and shows_deaf_task(ended) and
           re.search(rb"was lost: task \d+ of stage 1 of count at \S+ has not ended [0-9.]+ s after it was told to, for it "
                     rb"ran longer than 0.5 s \(--barks-task-time-limit\)", ended.stderr) and
           seconds < 30 * shapes.SLOWNESS, ended)


def stuck_once(program, shape, folder):
    """A copy has its answer, and the job ends with it."""
    ended, seconds = run(program, ["stuck", "1", "--barks-time-reserve=1s"], shape, folder)
    expect(ended.status == 0 and ended.stdout.decode() == f"{ROWS}\n" and shows_deaf_task(ended) and
           b"ends without task" in ended.stderr and seconds < 30 * shapes.SLOWNESS, ended)


def stuck_driver(program, shape, folder):
    """A driver that is inside of MPI when the time is over leaves all the same."""
    ended, seconds = run(program, ["overrun", "0", "--barks-fault=stall:at=report.taken:2,rank=0", "--barks-time-limit=1s",
                                   "--barks-time-reserve=2s"], shape, folder)
    expect(ended.status == OUT_OF_TIME and b"out of time, and a call of MPI does not return" in ended.stderr and
           b"the calls of the thread that is stuck" in ended.stderr and seconds < 20 * shapes.SLOWNESS, ended)


def is_forced(ended, shape):
    """Either the driver or the executor is first, or mpirun."""
    return b"is ended by force" in ended.stderr or b"leaves amid a task" in ended.stderr or shape.ranks > 1


def time_limit(mode, program, shape, folder):
    ended, seconds = run(program, [mode, "--barks-time-limit=1s", "--barks-time-reserve=2s"], shape, folder)
    by_force = b"is ended by force" in ended.stderr
    expect(ended.status == OUT_OF_TIME and (is_forced(ended, shape) if mode == "stuck" else by_force == (mode == "idle")) and
           (mode == "idle" or b"out of time: 0 s are left until the end that --barks-time-limit has set" in
            ended.stderr) and seconds < 20 * shapes.SLOWNESS, ended)


def main():
    program, wanted = os.path.abspath(sys.argv[1]), sys.argv[3:]
    report = os.path.join(os.path.abspath(sys.argv[2]), os.pardir, "src", "cli", "barks")
    few = [shapes.PLAIN, shapes.Shape(ranks=3)]
    cases = [("threads", threads, SHAPES), ("order", order, few),
             ("group", functools.partial(cancelled, "group"), SHAPES),
             ("tag", functools.partial(cancelled, "tag"), few), ("named", named, few),
             *((f"end {what}", functools.partial(end_part, what), SHAPES) for what in ("job", "stage", "task")),
             ("deadline", deadline, few), ("wrong", wrong, few),
             ("bad pools", bad_pools, [shapes.PLAIN]), ("listeners", listeners, few), ("keep", keep, few),
             ("skip", functools.partial(skip, report), few), ("exclude", functools.partial(exclude, report), [shapes.Shape(executors=2), shapes.Shape(ranks=3)]),
             ("overrun", overrun, SHAPES),
             ("stuck", stuck, few), ("stuck everywhere", stuck_everywhere, few),
             ("stuck once", stuck_once, [shapes.Shape(executors=2), shapes.Shape(ranks=3)]),
             ("stuck driver", stuck_driver, [shapes.Shape(ranks=3)]), ("endless", functools.partial(time_limit, "endless"), SHAPES),
             ("deaf", functools.partial(time_limit, "stuck"), few), ("idle", functools.partial(time_limit, "idle"), few)]
    calls = [(f"{name}, {shape.name}", functools.partial(harness.in_folder, call, program, shape))
             for name, call, those in cases for shape in those if not wanted or name in wanted]
    sys.exit(harness.run_all(calls))


if __name__ == "__main__":
    main()
