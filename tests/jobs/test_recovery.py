"""A job goes on without executors that are lost: test_recovery.py [--full] [--count N] JOBS-FOLDER [PART-OF-A-NAME...]

Jobs of several kinds run under mpirun --enable-recovery (Open MPI 4) or --with-ft ulfm (5), and some of their executors
are killed: at random moments, and at points of the protocol. What they write must be, byte for byte, what a quiet run
writes. --count N: so many random runs, one after the other, instead of a few; --full: every point. BARKS_TEST_SEED=n
repeats a run.
"""

import argparse
import functools
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import graphs
import harness
import inputs
import kills
import outputs
import shapes
import test_join_csv
import test_kmeans

RANKS = 5
RECOVERS = kills.survival_options()
LIMIT_SECONDS = 60
WENT_ON = re.compile(rb"^barks: went on ([0-9.]+) s after (\d+) executor", re.MULTILINE)
LOST = re.compile(rb"executor (\d) on \S+ (?:\(process \d+\) )?was lost")
STAGES = re.compile(rb"^barks: done in .*?(\d+) stages", re.MULTILINE)
REUSED = re.compile(rb"^barks: resumed: (\d+) of \d+ stages", re.MULTILINE)
SLOW = "slow:factor=4"  # so that there is time to kill something


def words(folder, rng):
    return [inputs.write(folder, "words", 10 * inputs.words_text(rng, inputs.MIB // 2))]


def nothing(_folder, _rng):
    return []


def records(folder, rng):
    return [inputs.write(folder, "records", rng.randbytes(100 * 60000))]


def tables(folder, rng, id_count=60):
    """One that needs many splits, and one that does not."""
    left, right = test_join_csv.make(folder, rng, id_count)
    with open(left, "rb") as file:
        header, _, rows = file.read().partition(b"\n")
    with open(left, "wb") as file:
        file.write(header + b"\n" + 10 * rows)
    return [left, right]


def points(folder, rng):
    """Of which a kept dataset has several partitions on each executor."""
    named = test_kmeans.make(folder, rng)
    with open(named[0], "rb") as file:
        header, _, rows = file.read().partition(b"\n")
    with open(named[0], "wb") as file:
        file.write(header + b"\n" + 5 * rows)
    return named


# {job, or its first word: (input, arguments after it and the output, suffix)}
JOBS = {
    "wordcount": (words, lambda named, output: named + [output], ".csv"),
    "terasort": (records, lambda named, output: named + [output], ".bin"),
    "join_csv": (tables, lambda named, output: named + ["id, day", output, "--kind", "full",
                                                        "--barks-broadcast-join-bytes=0"], ".csv"),
    "join_csv without what has no partner": (
        functools.partial(tables, id_count=1000),
        lambda named, output: named + ["id, day", output, "--barks-broadcast-join-bytes=0", "--barks-join-filter=on"],
        ".csv"),
    "kmeans": (points, lambda named, output: named + [output, "5", "4"], ".csv"),
    "pagerank": (graphs.edges_file(b"page,target", 3000, 60000), lambda named, output: named + [output, "4"], ".csv"),
}

# {mode of recover_job: runs, each a list of (point, n, executor)}
MODES = {
    "counted": [[("commit.taken", 1, 2)], [("attempt.told", 3, 1)], [("commit.taken", 2, 3)]],
    "sent": [[("commit.taken", 2, 2)], [("attempt.told", 6, 1)]],
    "thrown": [[("commit.taken", 1, 2)], [("attempt.told", 2, 3)]],
    "hot": [[("commit.taken", 1, 2)], [("attempt.told", 3, 1)], [("commit.taken", 2, 4)]],
    "hot_late": [[("commit.taken", 1, 3)], [("attempt.told", 3, 2)], [("commit.taken", 2, 1)]],
    "large": [[("attempt.begun", 6, 3)], [("attempt.told", 6, 3)], [("attempt.told", 6, 1)]],
    "shipped": [[("file.taken", 2, 2)], [("file.taken", 4, 1)], [("file.taken", 1, 4), ("file.taken", 8, 3)]],
    "broadcast": [[("partition.ended", 1, 2)], [("partition.ended", 2, 1)]],
}
# Partitions are shared by the workers of an executor, which has but one where it has one core.
MODE_OPTIONS = {"large": ["--barks-workers=3"]}
THROWN_ROWS = 60000  # as in recover_job.c

# An executor dies the n-th time it passes a point; n is small, so that it does.
POINTS = {"stage.taken": 1, "task.taken": 2, "attempt.begun": 2, "partition.begun": 3, "partition.ended": 3,
          "attempt.ended": 1, "attempt.told": 1, "burst.wanted": 1, "burst.begun": 1, "round.begun": 2,
          "round.payload": 1, "round.ended": 2, "burst.ended": 1, "commit.taken": 1, "shuffle.told": 1,
          "release.taken": 1}
# And these, of a recovery, while another has died before.
LATER_POINTS = {"epoch.taken": 1, "epoch.ready": 1, "holders.taken": 1}


class Place:
    """An input, and what a quiet run makes of it."""

    made = {}

    @classmethod
    def of(cls, programs, job, seed, folder):
        """The one of the job, made once in the folder of all."""
        if job not in cls.made:
            os.makedirs(os.path.join(folder, job))
            cls.made[job] = cls(programs, job, seed, os.path.join(folder, job))
        return cls.made[job]

    def __init__(self, programs, job, seed, folder):
        self.folder, self.job, self.program = folder, job, os.path.join(programs, job.split()[0])
        if job in MODES:
            self.program = os.path.join(programs, os.pardir, "tests", "jobs", "recover_job")
            make, self.arguments, self.suffix = nothing, lambda named, output: [job, output], ".csv"
        else:
            make, self.arguments, self.suffix = JOBS[job]
        os.makedirs(os.path.join(folder, "in"))
        self.named = make(os.path.join(folder, "in"), inputs.generator(seed, job))
        self.quiet = os.path.join(folder, "quiet")
        ended = shapes.run(shapes.Shape(ranks=RANKS), self.program, self.arguments(self.named, self.quiet), folder)
        need(ended.status == 0, "the quiet run failed", ended)
        self.printed = ended.stdout

    def start(self, fault=None, options=(), launcher=tuple(RECOVERS), ranks=RANKS):
        self.output = os.path.join(self.folder, "out")
        shutil.rmtree(self.output, ignore_errors=True)
        return kills.Run(ranks, self.program, self.arguments(self.named, self.output) + list(options), self.folder,
                         launcher, fault)

    def check(self, run, ended):
        """All is well, and nothing is left."""
        need(ended.status == 0, "it failed", ended)
        # mpirun of Open MPI 5 sometimes passes on as stdout what was the beginning of a line of stderr.
        is_more = RECOVERS != ["--enable-recovery"] and ended.stdout.endswith(self.printed)
        need(ended.stdout == self.printed or is_more, f"it printed something else than {self.printed!r}", ended)
        try:
            self.check_rows()
        except (outputs.Wrong, OSError) as wrong:
            raise outputs.Wrong(f"{wrong}\n{ended.describe()}") from wrong
        need(not run.left_behind(), f"ranks {run.left_behind()} still live", ended)
        strange = set(os.listdir(self.folder)) - {"in", "quiet", "out"}
        need(not strange, f"it left {sorted(strange)}", ended)


    def check_rows(self):
        if self.job == "thrown":
            check_thrown(self.output)
        else:
            outputs.check_same(self.output, self.quiet, self.suffix)


def check_thrown(output):
    """Each row is there once; where, is another matter each time."""
    lines = [line for part in outputs.parts(output, ".csv") for line in part.split()[1:]]
    if sorted(map(int, lines)) != list(range(THROWN_ROWS)):
        raise outputs.Wrong(f"{len(lines)} rows, {len(set(lines))} of them different, of {THROWN_ROWS}")


def need(holds, text, ended):
    if not holds:
        raise outputs.Wrong(f"{text}\n{ended.describe()}")


def lost_count(ended):
    return sum(int(count) for _, count in WENT_ON.findall(ended.stderr))


def killed_at_random(programs, job, seed, rounds, kill_count, folder):
    """Some executors, at random moments of a run that is as long as a quiet one."""
    place = Place.of(programs, job, seed, folder)
    run = place.start(SLOW)
    ended = run.finish(LIMIT_SECONDS)
    place.check(run, ended)
    need(lost_count(ended) == 0, "nobody was killed, but somebody was lost", ended)
    seconds = run.seconds
    rng = inputs.generator(seed, f"{job} {kill_count}")
    for number in range(rounds):
        victims = rng.sample(range(1, RANKS), min(kill_count, RANKS - 2))
        moments = [(rng.uniform(0, 0.6 * seconds), rank) for rank in victims]
        run = place.start(SLOW)
        killed = run.kill_at(moments)
        ended = run.finish(LIMIT_SECONDS)
        print(f"# {job} {number}: killed {killed} of {[(round(s, 3), r) for s, r in moments]}; {tell(ended)}", flush=True)
        place.check(run, ended)
        need(lost_count(ended) <= len(killed), "more were lost than were killed", ended)


def killed_in_mode(programs, mode, seed, folder):
    """Each of the runs, all of which must meet what the mode is there for."""
    place, again_count = Place.of(programs, mode, seed, folder), 0
    scratch = os.path.join(folder, "scratch of " + mode)
    os.mkdir(scratch)
    for deaths in MODES[mode]:
        run = place.start(";".join(f"kill:at={point}:{n},executor={executor}" for point, n, executor in deaths),
                          list(MODE_OPTIONS.get(mode, ())) + [f"--barks-scratch={scratch}"])
        ended = run.finish(LIMIT_SECONDS)
        print(f"# {mode}: {deaths}; {tell(ended)}", flush=True)
        place.check(run, ended)
        need(lost_count(ended) == len(deaths), "some were to be lost", ended)
        until = time.monotonic() + 10 * shapes.SLOWNESS  # a process beside the killed one cleans up after it
        while os.listdir(scratch) and time.monotonic() < until:
            time.sleep(0.02)
        need(not os.listdir(scratch), f"{os.listdir(scratch)} are left in scratch", ended)
        need(mode != "large" or b"tasks share it" in ended.stderr, "no partition was shared", ended)
        need(not mode.startswith("hot") or b"has a hot key" in ended.stderr, "no key was hot", ended)
        again_count += int(STAGES.search(ended.stderr).group(1)) > 2
    need(mode != "thrown" or again_count > 0, "nothing began again", ended)


def stored_stages(work):
    """The names of the stages that a job has stored."""
    return sorted(os.path.basename(os.path.dirname(path)) for path in glob.glob(os.path.join(work, "*", "manifest")))


def with_stages_stored(programs, seed, folder):
    """With losses all is stored that is stored without, and is used by a job that is started again."""
    place, quiet_work = Place.of(programs, "pagerank", seed, folder), os.path.join(folder, "work")
    run = place.start(None, [f"--barks-work={quiet_work}"])
    place.check(run, run.finish(LIMIT_SECONDS))
    expected = stored_stages(quiet_work)
    for point in ("commit.taken:1", "commit.taken:2", "shuffle.told:1", "shuffle.told:3", "attempt.told:3"):
        path = os.path.join(folder, "work " + point)
        work = [f"--barks-work={path}"]
        run = place.start(f"kill:at={point},executor=2", work)
        ended = run.finish(LIMIT_SECONDS)
        place.check(run, ended)
        need(lost_count(ended) == 1, "one was killed", ended)
        need(stored_stages(path) == expected, f"{len(stored_stages(path))} stages were stored, not {len(expected)}",
             ended)
        run = place.start(None, work)
        ended = run.finish(LIMIT_SECONDS)
        place.check(run, ended)
        found = REUSED.search(ended.stderr)
        need(found and int(found.group(1)) > 0, "nothing was reused", ended)


def tell(ended):
    return "; ".join(line.decode(errors="replace") for line in ended.stderr.splitlines()
                     if line.startswith(b"barks: went on")) or "no loss"


def killed_at_points(programs, job, seed, chosen, folder):
    """chosen: lists of (point, n, executor), each a run. Whether one is passed may be a matter of who is first (a
    burst is asked for by whoever has waited longest)."""
    place, struck_count = Place.of(programs, job, seed, folder), 0
    for deaths in chosen:
        run = place.start(";".join(f"kill:at={point}:{n},executor={executor}" for point, n, executor in deaths))
        ended = run.finish(LIMIT_SECONDS)
        print(f"# {job}: {deaths}; {tell(ended)}", flush=True)
        place.check(run, ended)
        struck = f"signal 9 at {deaths[0][0]}".encode() in ended.stderr
        struck_count += struck
        need(lost_count(ended) <= len(deaths) and (struck or lost_count(ended) == 0),
             "others were lost than were killed", ended)
    need(struck_count > 0, "no point was passed in any run", ended)


def two_at_once(programs, seed, folder):
    """Two are lost together: where one would be the heir of the other, a third one is."""
    place = Place.of(programs, "wordcount", seed, folder)
    for first, second in [(2, 1), (3, 1), (3, 2), (4, 2), (1, 2)]:
        run = place.start(f"kill:at=attempt.told:1,executor={first};kill:at=epoch.taken:1,executor={second}")
        ended = run.finish(LIMIT_SECONDS)
        place.check(run, ended)
        need(lost_count(ended) == 2, "two were killed", ended)


def all_but_one(programs, seed, folder):
    """A single executor is left, and does it all; the last one takes the job with it."""
    place = Place.of(programs, "terasort", seed, folder)
    run = place.start("kill:at=partition.begun:2,executor=1;kill:at=round.begun:1,executor=3;"
                      "kill:at=epoch.taken:1,executor=4")
    ended = run.finish(LIMIT_SECONDS)
    place.check(run, ended)
    need(lost_count(ended) == 3, "three were killed", ended)
    run = place.start("kill:at=task.taken:1", launcher=RECOVERS)
    ended = run.finish(LIMIT_SECONDS)
    need(b"it was the last one" in ended.stderr and b"did not start" not in ended.stderr, "not told", ended)
    outputs.check_nothing_visible(place.output)


def executors_with_tasks(programs, logs):
    """The ranks, by the one log of the directory."""
    (name,) = os.listdir(logs)
    command = [os.path.join(programs, os.pardir, "src", "cli", "barks"), "trace", name, f"--dir={logs}", "-o", "-"]
    events = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)["traceEvents"]
    return {event["pid"] for event in events if event["ph"] == "X" and event["pid"] > 0}


# (job, how many are spare, deaths, who takes whose place)
REPLACED = [
    ("wordcount", 1, [("attempt.told", 1, 2)], [(4, 2)]),
    ("terasort", 1, [("partition.begun", 2, 1), ("round.begun", 1, 2), ("epoch.taken", 1, 3)], [(4, 1)]),
    ("pagerank", 2, [("commit.taken", 1, 1), ("epoch.taken", 1, 3)], [(4, 1)]),
    ("pagerank", 2, [("commit.taken", 1, 1), ("commit.taken", 2, 2)], [(3, 1), (4, 2)]),
]


def spare_executors(programs, seed, folder):
    """Executors that are spare do nothing until one is lost, and then its tasks."""
    for number, (job, spare_count, deaths, replaced) in enumerate(REPLACED):
        place, logs = Place.of(programs, job, seed, folder), os.path.join(folder, f"logs {number}")
        options = [f"--barks-spares={spare_count}", f"--barks-event-log={logs} quiet"]
        run = place.start(None, options)
        ended = run.finish(LIMIT_SECONDS)
        place.check(run, ended)
        need(executors_with_tasks(programs, logs + " quiet") == set(range(1, RANKS - spare_count)), "others worked", ended)
        options[1] = f"--barks-event-log={logs}"
        run = place.start(";".join(f"kill:at={point}:{n},executor={executor}" for point, n, executor in deaths), options)
        ended = run.finish(LIMIT_SECONDS)
        print(f"# {job}: {deaths}; {tell(ended)}", flush=True)
        place.check(run, ended)
        found = re.findall(rb"executor (\d+) on \S+, which was spare, takes the place of executor (\d+)", ended.stderr)
        need([(int(spare), int(lost)) for spare, lost in found] == replaced, f"{replaced} were to take places", ended)
        need({spare for spare, _ in replaced} <= executors_with_tasks(programs, logs), "they did nothing", ended)
    place = Place.of(programs, "wordcount", seed, folder)
    ended = place.start(None, ["--barks-spares=4"]).finish(LIMIT_SECONDS)
    need(b"--barks-spares=4 leaves none of 4 executors" in ended.stderr, "not refused", ended)
    run = place.start(None, ["--barks-spares=1", "--barks-recovery=off"])
    ended = run.finish(LIMIT_SECONDS)
    place.check(run, ended)
    need(b"no executor is kept spare" in ended.stderr, "not told", ended)


def one_dies_at_the_end(programs, seed, folder):
    """One that dies when it is told to end is not waited for."""
    place = Place.of(programs, "wordcount", seed, folder)
    for executor in range(1, RANKS):
        run = place.start(f"kill:at=end.taken,executor={executor}")
        ended = run.finish(LIMIT_SECONDS)
        place.check(run, ended)
        need(b"MPI is left without its end" not in ended.stderr, "it was waited for", ended)


def lost_after(seconds):
    return f"--barks-lost-deadline={seconds * shapes.SLOWNESS:.0f}s"


def a_silent_one(programs, seed, folder):
    """One that stands still is lost in the end, and ended; one that is slow is not, nor is any where all stand still."""
    place = Place.of(programs, "wordcount", seed, folder)
    run = place.start(SLOW, [lost_after(3)])
    run.signal(2, signal.SIGSTOP)
    time.sleep(1)
    run.signal(2, signal.SIGCONT)
    ended = run.finish(LIMIT_SECONDS)
    place.check(run, ended)
    need(lost_count(ended) == 0, "it was only slow", ended)
    run = place.start(SLOW, [lost_after(2)])
    for rank in range(RANKS):
        run.signal(rank, signal.SIGSTOP)
    time.sleep(5 * shapes.SLOWNESS)
    for rank in range(RANKS):
        run.signal(rank, signal.SIGCONT)
        time.sleep(0.3 * (rank == 0))  # the driver looks before anybody can have said anything
    ended = run.finish(LIMIT_SECONDS)
    place.check(run, ended)
    need(lost_count(ended) == 0, "all stood still together", ended)
    run = place.start(SLOW, [lost_after(1)])
    run.signal(2, signal.SIGSTOP)
    ended = run.finish(LIMIT_SECONDS)
    place.check(run, ended)
    need(lost_count(ended) == 1 and b"executor 2" in LOST.search(ended.stderr).group(), "executor 2 was silent", ended)


def a_stuck_thread(programs, seed, folder):
    """A communication thread that stands still shows its stack before its executor is lost."""
    place = Place.of(programs, "wordcount", seed, folder)
    run = place.start("stall:at=commit.taken:1,executor=2", [lost_after(3)])
    ended = run.finish(LIMIT_SECONDS)
    place.check(run, ended)
    shown = re.search(rb"^barks: the calls of the thread that is silent, the last one first:\n(?:/.*\n)*?.*libbarks", ended.stderr,
                      re.MULTILINE)
    lost = LOST.search(ended.stderr)
    need(shown and lost and lost_count(ended) == 1 and shown.start() < lost.start(), "no stack before its end", ended)


class Scheduled:
    """A run of schedule_job with recovery, some of whose tasks do not ask whether they should end."""

    def __init__(self, programs, folder, arguments, fault=None):
        program = os.path.join(programs, os.pardir, "tests", "jobs", "schedule_job")
        self.note = os.path.join(folder, "status")
        self.run = kills.Run(4, program, arguments + ["--barks-time-reserve=1s", f"--barks-exit-file={self.note}"], folder,
                             RECOVERS, fault)
        self.ended = self.run.finish(30)
        need(self.ended.status is not None and not self.run.left_behind(), "somebody stays", self.ended)

    def check(self, status, stdout, stderr):
        with open(self.note, "rb") as file:
            need(file.read() == b"%d\n" % status and self.ended.stdout == stdout, f"not {status}, {stdout}", self.ended)
        for text in stderr:
            need(re.search(text, self.ended.stderr), f"no {text!r}", self.ended)


def deaf_tasks(programs, _seed, folder):
    """Tasks that do not end when they are told to hold up neither their job nor its end."""
    was_lost = rb"was lost: task \d+ of stage 1 of .* has not ended"
    shown = rb"the calls of task \d+ of stage 1 on executor \d, which was told to end"
    once = Scheduled(programs, folder, ["stuck", "1", "--barks-task-time-limit=500ms"])
    once.check(0, b"20000\n", [shown, rb"ends without task"])
    need(lost_count(once.ended) == 0, "nobody waited for its worker", once.ended)
    again = Scheduled(programs, folder, ["again", "--barks-workers=1"])
    again.check(0, b"20000\n7\n", [shown, rb"ends without task", was_lost, rb"went on"])
    Scheduled(programs, folder, ["stuck", "--barks-task-time-limit=500ms", "--barks-attempts=100"]).check(
        7, b"-1\n", [shown, was_lost + rb"[^\n]*going on with 2\n", rb"it was the last one"])


def deaf_tasks_and_no_driver(programs, _seed, folder):
    """Executors whose driver is gone leave whatever their tasks do."""
    left = Scheduled(programs, folder, ["stuck"], "kill:at=report.taken:12,rank=0")
    need(b"leaves amid a task" in left.ended.stderr, "no task was running", left.ended)


# (deaths and stalls after it, what is said): the first is a living executor's, the second the driver's.
NOT_IN_TIME = [("stall:at=epoch.taken:1,executor=3", rb"did not go on within [0-9.]+ s \(--barks-recovery-deadline\): executor 3"),
               ("stall:at=epoch.sent,rank=0", rb"did not go on within --barks-recovery-deadline: a call of MPI")]


def not_in_time(programs, seed, folder):
    """After --barks-recovery-deadline the job ends with status 7, and takes along who stands still."""
    place, note = Place.of(programs, "wordcount", seed, folder), os.path.join(folder, "status")
    for stall, text in NOT_IN_TIME:
        began = time.monotonic()
        run = place.start("kill:at=attempt.told:1,executor=2;" + stall,
                          [f"--barks-recovery-deadline={2 * shapes.SLOWNESS:.0f}s", lost_after(8), f"--barks-exit-file={note}"])
        ended = run.finish(LIMIT_SECONDS)
        with open(note, "rb") as file:
            need(file.read() == b"7\n" and re.search(text, ended.stderr), f"not 7, or no {text!r}", ended)
        need(ended.status is not None and not run.left_behind(), f"ranks {run.left_behind()} still live", ended)
        need(time.monotonic() - began < 25 * shapes.SLOWNESS, "it took long", ended)


def in_one_process(programs, seed, folder):
    """Executors of one process, one of which stands still for ever at a point."""
    rng = inputs.generator(seed, "in one process")
    for job, point in [(job, rng.choice(["round.begun", "task.taken", "commit.taken", "burst.ended"])) for job in JOBS]:
        place = Place.of(programs, job, seed, folder)
        place.output = os.path.join(place.folder, "out")
        shutil.rmtree(place.output, ignore_errors=True)
        command = [place.program] + place.arguments(place.named, place.output) + shapes.OPTIONS + [
            "--barks-local=4", "--barks-recovery=on", lost_after(1),
            f"--barks-fault=stall:at={point},executor={rng.randint(1, 4)}"]
        ended = shapes.finish(shapes.start(command, place.folder), LIMIT_SECONDS)
        need(ended.status == 0 and lost_count(ended) == 1, f"{job}: one was to be lost", ended)
        outputs.check_same(place.output, place.quiet, place.suffix)


def without_it(programs, seed, folder):
    """With recovery off, or under an mpirun that lets nobody live, a loss ends the job with a sentence."""
    place = Place.of(programs, "wordcount", seed, folder)
    for launcher, options, words_ in [(RECOVERS, ["--barks-recovery=off"], rb"executor 2 on \S+ was lost"),
                                      ([], ["--barks-recovery=on"], rb"mpirun ends the job|executor 2 on \S+ was lost")]:
        run = place.start("kill:at=round.begun:1,executor=2;" + SLOW, options, launcher)
        began = time.monotonic()
        ended = run.finish(LIMIT_SECONDS)
        need(time.monotonic() - began < 20 * shapes.SLOWNESS, "it took long to end", ended)
        need(re.search(words_, ended.stderr), "not told", ended)
        if launcher == [] and os.path.exists(os.path.join(place.output, "_SUCCESS")):
            outputs.check_same(place.output, place.quiet, place.suffix)  # it went on, and was done before mpirun's signal
        else:
            outputs.check_nothing_visible(place.output)
        need(not run.left_behind(), f"ranks {run.left_behind()} still live", ended)


def the_driver_dies(programs, seed, folder):
    """Then the executors end by themselves, since mpirun ends nobody."""
    place = Place.of(programs, "wordcount", seed, folder)
    run = place.start(SLOW)
    run.signal(0)
    ended = run.finish(LIMIT_SECONDS)
    need(ended.status is not None, "no end", ended)
    outputs.check_nothing_visible(place.output)
    need(not run.left_behind(), f"ranks {run.left_behind()} still live", ended)


def draw_points(seed, job, is_full):
    rng = inputs.generator(seed, f"points of {job}")
    single = [[(point, n, rng.randint(1, 4))] for point, n in POINTS.items()]
    double = []
    for point, n in LATER_POINTS.items():
        first, second = rng.sample(range(1, RANKS), 2)
        double.append([("attempt.told", 1, first), (point, n, second)])
    if is_full:
        return single + double
    return rng.sample(single, 2) + rng.sample(double, 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="every point with every job")
    parser.add_argument("--count", type=int, default=0, help="only random moments, so many times each")
    parser.add_argument("folder", help="where the jobs are built")
    parser.add_argument("names", nargs="*", help="parts of the names of cases (all)")
    options = parser.parse_args()
    seed, programs = harness.seed_of_run(), os.path.abspath(options.folder)
    cases = [(f"{job}: {kill_count} killed at random", functools.partial(
        killed_at_random, programs, job, seed, options.count or 1, kill_count))
        for job, kill_count in zip(JOBS, (1, 2, 1, 2, 2, 3))]
    if options.count == 0:
        cases += [(f"{job}: killed at points", functools.partial(
            killed_at_points, programs, job, seed, draw_points(seed, job, options.full))) for job in JOBS]
        cases += [(f"{mode}: killed at points", functools.partial(killed_in_mode, programs, mode, seed)) for mode in MODES]
        cases += [(call.__doc__.split(".")[0], functools.partial(call, programs, seed))
                  for call in (two_at_once, all_but_one, one_dies_at_the_end, spare_executors, with_stages_stored, a_silent_one, a_stuck_thread, in_one_process, without_it,
                               the_driver_dies, deaf_tasks, deaf_tasks_and_no_driver, not_in_time)]
    chosen = [(name, call) for name, call in cases if not options.names or any(part in name for part in options.names)]
    with tempfile.TemporaryDirectory(prefix="barks-test-", ignore_cleanup_errors=True) as folder:
        sys.exit(harness.run_all([(name, functools.partial(call, folder)) for name, call in chosen]))


if __name__ == "__main__":
    main()
