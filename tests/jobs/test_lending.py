"""Tasks of a slow executor begin elsewhere: test_lending.py JOBS-FOLDER [PART-OF-A-NAME...]

Jobs run with one executor that takes forty times as long as the others, which take over tasks whose input was sent to it,
and partitions that tasks of its have not begun; or with one on which they fail. What they write must be, byte for byte, what
a quiet run writes; also where who is slow or who helps is killed meanwhile.
BARKS_TEST_SEED=n repeats a run.
"""

import functools
import os
import re
import subprocess
import sys
import tempfile

import event_log
import harness
import inputs
import kills
import outputs
import shapes
import test_recovery
from test_recovery import Place, need

LENT = re.compile(rb": task \d+ of stage \d+ begins on executor \d+, which gets what it reads from executor \d+")
CUT = re.compile(rb": task \d+ of stage \d+ gives up partitions (\d+) to (\d+) of executor (\d)")
TOLD = re.compile(rb"executor (\d) on \S+ is slow: others take tasks over that it has not begun")
LIMIT_SECONDS = 120
SLOW = 2  # the executor
FAULT = f"slow:executor={SLOW},factor=40"
OPTIONS = ["--barks-workers=1", "--barks-speculation-min=5ms"]
RECOVERS = tuple(kills.survival_options())

# {job: whether some of its tasks must be lent}: those of others may end too soon, or share their input
JOBS = {"terasort": True, "join_csv": True, "wordcount": False, "pagerank": False}
# {job that combines in as many tasks as there are workers: whether these read what was sent to them}
COMBINING = {"wordcount": False, "sent": True}
CUT_PARTITIONS_MIN = {3: 20, 5: 10}  # of 80; by ranks

# Where who lends, or one that borrows, dies; each with the other faults of its run.
DEATHS = [("loan.taken", 1, SLOW), ("loan.told", 1, SLOW), ("loan.told", 2, SLOW), ("commit.taken", 2, 1),
          ("commit.taken", 3, 3), ("shuffle.told", 2, 4), ("attempt.begun", 14, 1)]
# The same where partitions are given up: before, while and after the driver is told, and before what was given up counts.
CUT_DEATHS = [("cut.taken", 1, SLOW), ("cut.told", 1, SLOW), ("attempt.ended", 1, SLOW), ("attempt.told", 1, SLOW),
              ("attempt.begun", 2, 1), ("attempt.ended", 2, 3), ("attempt.told", 2, 4), ("commit.taken", 1, SLOW)]


def given_up_count(ended):
    """Partitions that the slow executor has given up."""
    return sum(int(last) - int(first) + 1 for first, last, executor in CUT.findall(ended.stderr) if int(executor) == SLOW)


def run(place, fault, launcher, ranks=test_recovery.RANKS, options=OPTIONS):
    started = place.start(fault, list(options), launcher, ranks)
    ended = started.finish(LIMIT_SECONDS)
    lent_count = len(LENT.findall(ended.stderr))
    print(f"# {place.job}, {ranks} ranks, {fault}: {lent_count} lent, {given_up_count(ended)} given up; {test_recovery.tell(ended)}",
          flush=True)
    place.check(started, ended)
    told = TOLD.findall(ended.stderr)
    need(len(set(told)) == len(told) <= lent_count, "told twice, or of nothing", ended)
    return ended, lent_count


def lends(programs, job, seed, folder):
    """With and without recovery, with one other executor and with three."""
    place = Place.of(programs, job, seed, folder)
    for ranks in (3, 5):
        for launcher in ((), RECOVERS):
            ended, lent_count = run(place, FAULT, launcher, ranks)
            need(lent_count > 0 or not JOBS[job], "nothing was lent", ended)


def is_logged(programs, seed, folder):
    """The event log has, of each attempt that was lent something and was sent, who lent it."""
    place = Place.of(programs, "terasort", seed, folder)
    with tempfile.TemporaryDirectory(prefix="barks-log-") as log:
        ended, lent_count = run(place, FAULT, (), options=OPTIONS + [f"--barks-event-log={log}"])
        (name,) = os.listdir(log)
        begun = event_log.of_kind(event_log.read(os.path.join(log, name)), "task_started")
    lent = [one for one in begun if one["lender"] != 0]
    need(0 < len(lent) <= lent_count and all(one["lender"] != one["executor"] for one in lent), "other loans", ended)


def gives_up(programs, job, seed, folder):
    """Of a stage that combines, with one worker and with two that share what they read."""
    place = Place.of(programs, job, seed, folder)
    for ranks, least in CUT_PARTITIONS_MIN.items():
        for launcher in ((), RECOVERS):
            for workers in (1, 2):
                options = OPTIONS + [f"--barks-workers={workers}"]
                ended, lent_count = run(place, FAULT, launcher, ranks, options)
                count = given_up_count(ended)
                need(lent_count > 0 or not COMBINING[job], "nothing was lent", ended)
                need(count >= least, f"only {count} partitions were given up", ended)


def gives_up_and_one_dies(programs, job, seed, folder):
    """Who gives up or who gets it; the others go on."""
    place, struck_count, cut_count = Place.of(programs, job, seed, folder), 0, 0
    for workers in (1, 2):
        for point, n, executor in CUT_DEATHS:
            options = OPTIONS + [f"--barks-workers={workers}"]
            ended, _ = run(place, f"{FAULT};kill:at={point}:{n},executor={executor}", RECOVERS, options=options)
            struck_count += f"signal 9 at {point}".encode() in ended.stderr
            cut_count += CUT.search(ended.stderr) is not None
    need(struck_count > len(CUT_DEATHS), f"only {struck_count} were killed", ended)
    need(cut_count > len(CUT_DEATHS) / 2, f"only {cut_count} times something was given up", ended)


def in_little_memory(programs, seed, folder):
    """What is lent may lie on the disk of who lends it."""
    place = Place.of(programs, "terasort", seed, folder)
    ended, lent_count = run(place, FAULT, (), options=OPTIONS + ["--barks-memory=64M"])
    need(lent_count > 0 and b" spilled " in ended.stderr, "nothing was lent, or nothing spilled", ended)


def without_speculation(programs, seed, folder):
    """Nothing is lent or given up where nothing is to be copied."""
    for job in ("terasort", "wordcount"):
        place = Place.of(programs, job, seed, folder)
        ended, lent_count = run(place, "slow:executor=2,factor=4", (), options=OPTIONS + ["--barks-speculation=off"])
        need(lent_count == 0 and CUT.search(ended.stderr) is None, "something was lent or given up", ended)


def copies_begin_early(programs, _seed, folder):
    """Six tasks for six workers, of which three are slow: what they read tells it when just the others are done."""
    folder = os.path.join(folder, "early")
    os.makedirs(folder)
    text = b"".join(b"the quick brown fox jumps over the lazy dog %d\n" % i for i in range(540000))
    command = shapes.MPIRUN + ["3", os.path.join(programs, "grep"), "fox", inputs.write(folder, "text", text), "out",
                               "--barks-split-bytes=5m", "--barks-workers=3", "--barks-speculation-min=5ms",
                               "--barks-event-log=log", f"--barks-fault={FAULT}"]
    ended = subprocess.run(command, cwd=folder, env=shapes.environment(), stdin=subprocess.DEVNULL, capture_output=True,
                           timeout=LIMIT_SECONDS * shapes.SLOWNESS, check=False)
    if ended.returncode != 0 or b"".join(outputs.parts(os.path.join(folder, "out"), ".txt")) != text:
        raise outputs.Wrong(f"status {ended.returncode}, or not all lines\n{ended.stderr.decode(errors='replace')}")
    records = event_log.read(os.path.join(folder, "log", os.listdir(os.path.join(folder, "log"))[0]))
    tasks = {one["task"] for one in event_log.of_kind(records, "task_started")}
    copies = [one for one in event_log.of_kind(records, "task_started") if one["attempt"] > 0]
    done = {one["task"] for one in event_log.of_kind(records, "task_ended")
            if copies and one["time_ns"] <= copies[0]["time_ns"]}
    print(f"# {len(tasks)} tasks, {len(copies)} copies, the first when {len(done)} were done", flush=True)
    if not copies or len(done) >= 0.75 * len(tasks):
        raise outputs.Wrong(f"{len(copies)} copies, the first when {len(done)} of {len(tasks)} tasks were done")


def one_cannot_write(programs, seed, folder):
    """Tasks that fail where their rows were sent, since no part can be written there, are lent to others."""
    place = Place.of(programs, "terasort", seed, folder)
    ended, lent_count = run(place, f"fail:call=write,error=EROFS,n=1+,executor={SLOW}", (),
                            options=OPTIONS + ["--barks-speculation=off"])
    need(lent_count > 0 and b"write 1 fails" in ended.stderr, "nothing was lent, or nothing failed", ended)


def one_dies(programs, job, seed, folder):
    """Who lends or who borrows; the others go on."""
    place, struck_count = Place.of(programs, job, seed, folder), 0
    for point, n, executor in DEATHS:
        ended, _ = run(place, f"{FAULT};kill:at={point}:{n},executor={executor}", RECOVERS)
        struck_count += f"signal 9 at {point}".encode() in ended.stderr
    need(struck_count > len(DEATHS) / 2, f"only {struck_count} were killed", ended)


def main():
    programs, names, seed = os.path.abspath(sys.argv[1]), sys.argv[2:], harness.seed_of_run()
    cases = [(f"{job}: a slow executor lends", functools.partial(lends, programs, job, seed)) for job in JOBS]
    cases += [(f"{job}: one dies", functools.partial(one_dies, programs, job, seed)) for job in ("terasort", "join_csv")]
    for job in COMBINING:
        cases += [(f"{job}: a slow executor gives up what it has not begun", functools.partial(gives_up, programs, job, seed)),
                  (f"{job}: who gives up or gets it dies", functools.partial(gives_up_and_one_dies, programs, job, seed))]
    cases += [("loans are in the event log", functools.partial(is_logged, programs, seed)),
              ("what is lent lies on disk", functools.partial(in_little_memory, programs, seed)),
              ("a slow attempt is copied by what it has read", functools.partial(copies_begin_early, programs, seed)),
              ("what fails where its rows are is lent", functools.partial(one_cannot_write, programs, seed)),
              ("no speculation, no loans", functools.partial(without_speculation, programs, seed))]
    chosen = [(name, call) for name, call in cases if not names or any(part in name for part in names)]
    with tempfile.TemporaryDirectory(prefix="barks-test-", ignore_cleanup_errors=True) as folder:
        sys.exit(harness.run_all([(name, functools.partial(call, folder)) for name, call in chosen]))


if __name__ == "__main__":
    main()
