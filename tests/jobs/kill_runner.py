"""Runs a job while its ranks are killed as a plan says, and judges how it ends."""

import contextlib
import dataclasses
import os
import re
import shutil
import signal
import subprocess
import threading
import time

import inputs
import kill_plan
import kills
import leftovers
import outputs
import shapes
import test_join_csv

# A run of a job ends within some seconds; on a machine with other work it may take ten times as long, and there are up to
# four of them.
LIMIT_SECONDS = 240
TRIES = 8
# How mpirun is started for each way of surviving; what is not survived is resumed.
PATHS = {"resume": [], "recovery": kills.survival_options()}
QUIET_RUNS = 3
TRANSPORT_OPTIONS = {"shm": [], "tcp": ["--mca", "btl", "self,tcp", "--mca", "btl_tcp_if_include", "lo"]}
UNTIL_DONE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts", "run-until-done")
# Runs mpirun with the faults of this turn, the first arguments being the file of turns and that of all faults.
TURN = """turn=$(($(cat "$0") + 1))
echo $turn >"$0.new" && mv "$0.new" "$0"
BARKS_FAULT=$(sed -n "${turn}p" "$1")
[ -n "$BARKS_FAULT" ] && export BARKS_FAULT || unset BARKS_FAULT
export BARKS_TEST_TURN=$turn
shift
exec "$@"
"""


@dataclasses.dataclass(frozen=True)
class Job:
    suffix: str
    make: object  # (folder, rng): the input's arguments
    arguments: object = lambda named, output: named + [output]
    program: str = ""  # where it is not the name
    options: tuple = ()
    fault: str = ""  # of all runs, beside the kills


JOBS = {
    "wordcount": Job(".csv", lambda folder, rng: [inputs.write(folder, "text", inputs.words_text(rng, 4 << 20))]),
    "terasort": Job(".bin", lambda folder, rng: [inputs.write(folder, "records", rng.randbytes(100 * 60000))]),
    "join_csv": Job(".csv", test_join_csv.make, lambda named, output: named + ["id, day", output, "--kind", "full"]),
    # One executor lends others what was sent to it.
    "terasort_slow": Job(".bin", lambda folder, rng: [inputs.write(folder, "records", rng.randbytes(100 * 60000))],
                         program="terasort", options=("--barks-workers=1", "--barks-speculation-min=5ms"),
                         fault="slow:executor=2,factor=30"),
}


@dataclasses.dataclass
class Quiet:
    """What a run without kills did."""

    output: str
    seconds: float  # of a rank's process
    points: dict  # {point: {rank: how often it was passed}}


@dataclasses.dataclass
class Outcome:
    """how: "recovery", "resume", "quiet" (no kill struck), "wrong", "hang", "left"."""

    how: str
    struck: int
    runs: int
    words: str = ""


class Runner:
    """A job's runs below a folder; quiet() comes first."""

    def __init__(self, name, jobs_folder, folder, seed, path):
        self.job, self.path, self.folder = JOBS[name], path, folder
        self.name, self.program = name, os.path.join(jobs_folder, self.job.program or name)
        os.makedirs(folder)
        self.named = self.job.make(folder, inputs.generator(seed, name))
        self.quiet_run = None

    def command(self, folder, transport, options=()):
        if self.path == "recovery":
            options = [*options, "--barks-event-log=" + os.path.join(folder, "log")]
        arguments = self.job.arguments(self.named, os.path.join(folder, "out", "output"))
        return ["mpirun", "--oversubscribe", "-np", str(kill_plan.RANKS), *PATHS[self.path],
                *TRANSPORT_OPTIONS[transport], self.program, *arguments, *shapes.OPTIONS, *self.job.options, *options]

    def faults(self, *others):
        """The text of BARKS_FAULT."""
        return ";".join(filter(None, [self.job.fault, *others]))

    def start(self, command, folder, **environment):
        return subprocess.Popen(command, cwd=folder, env={**shapes.environment(), **environment}, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)

    def quiet(self):
        """The least of some runs: kills are drawn from what nearly every run comes to, and the first run is a slow one."""
        runs = [self.quiet_of(os.path.join(self.folder, f"quiet {number}")) for number in range(QUIET_RUNS)]
        points = {point: {rank: min(run.points[point][rank] for run in runs) for rank in by_rank
                          if all(rank in run.points.get(point, {}) for run in runs)}
                  for point, by_rank in runs[0].points.items()}
        self.quiet_run = Quiet(runs[0].output, min(run.seconds for run in runs),
                               {point: by_rank for point, by_rank in points.items() if by_rank})
        return self.quiet_run

    def quiet_of(self, folder):
        places = leftovers.places(folder)
        process = self.start(self.command(folder, "shm", ["--barks-work=work"]), folder, BARKS_FAULT=self.faults("count"), **places)
        watch = Killer(folder, [], None, self.begun_when(folder))
        ended = shapes.finish(process, LIMIT_SECONDS)
        seconds = watch.stop()
        if ended.status != 0:
            raise outputs.Wrong(ended.describe())
        points = {}
        for rank, line in re.findall(rb"\[barks fault\] rank (\d+): counted (.*)", ended.stderr):
            for point, count in re.findall(rb"([a-z]+\.[a-z]+)=(\d+)", line):
                if int(count) > 0:
                    points.setdefault(point.decode(), {})[int(rank)] = int(count)
        leftovers.check(folder, ended, {"output"})
        return Quiet(os.path.join(folder, "out", "output"), seconds, points)

    def begun_when(self, folder):
        """The event log appears when all executors have reported: a job that loses one before, amid MPI's own start,
        cannot go on without it. So that is where times begin if the job is to go on."""
        return os.path.join(folder, "log") if self.path == "recovery" else None

    def run(self, plan, folder):
        """An Outcome; the folder stays where it is a bad one."""
        places = leftovers.places(folder)
        for name, text in (("turn", "0\n"), ("faults", "\n".join(map(self.faults, plan.faults())) + "\n")):
            with open(os.path.join(folder, name), "w", encoding="ascii") as file:
                file.write(text)
        command = self.command(folder, plan.transport, ["--barks-work=" + os.path.join(folder, "work")])
        process = self.start([UNTIL_DONE, "--tries", str(TRIES), "--pause-max", "0", "--success",
                              os.path.join(folder, "out", "output", "_SUCCESS"), "bash", "-c", TURN,
                              os.path.join(folder, "turn"), os.path.join(folder, "faults"), *command], folder, **places)
        killer = Killer(folder, plan.runs, process, self.begun_when(folder))
        ended = shapes.finish(process, LIMIT_SECONDS)
        killer.stop()
        with open(os.path.join(folder, "turn"), encoding="ascii") as file:
            runs = int(file.read())
        told = killer.struck + len(re.findall(rb"\[barks fault\] rank \d+: signal", ended.stderr))
        struck = max(told, runs - 1)  # mpirun may drop the last words of who is dying
        how, words = self.judge(ended, folder)
        if how is None:
            how = "resume" if runs > 1 else "recovery" if struck > 0 else "quiet"
            shutil.rmtree(folder)
        return Outcome(how, struck, runs, words)

    def judge(self, ended, folder):
        if ended.status is None:
            leftovers.lasting_processes(folder)
            return "hang", f"it did not end in {LIMIT_SECONDS * shapes.SLOWNESS:.0f} s\n{ended.describe()}"
        try:
            if ended.status != 0:
                raise outputs.Wrong(f"it failed\n{ended.describe()}")
            if b"Sanitizer" in ended.stderr or b"runtime error" in ended.stderr:
                raise outputs.Wrong(f"a sanitizer has found something\n{ended.describe()}")
            if b"was lost: not heard of" in ended.stderr:  # the dead are known by their processes, on one host
                raise outputs.Wrong(f"somebody slow was taken for dead\n{ended.describe()}")
            outputs.check_same(os.path.join(folder, "out", "output"), self.quiet_run.output, self.job.suffix)
        except outputs.Wrong as wrong:
            leftovers.lasting_processes(folder)
            return "wrong", str(wrong)
        try:
            leftovers.check(folder, ended, {"output"})
        except outputs.Wrong as wrong:
            return "left", str(wrong)
        return None, ""


class Killer:
    """A thread that kills ranks at their times, counted from when their process is first seen, or, where there is a folder
    of logs, its turn has a log; stop() ends it and tells how long the longest of them was seen to live after that."""

    def __init__(self, mark, runs, process, logs=None):
        self.mark, self.runs, self.process, self.logs = mark, runs, process, logs
        self.struck, self.first_seen, self.last_seen = 0, {}, {}
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def stop(self):
        self.ended.set()
        self.thread.join()
        return max((self.last_seen[who] - self.first_seen[who] for who in self.first_seen), default=0.0)

    def work(self):
        waiting = {(turn, number) for turn, run in enumerate(self.runs, 1) for number, kill in enumerate(run)
                   if kill.seconds is not None}
        while not self.ended.wait(0.01):
            if self.process is not None and not waiting:
                return
            now = time.monotonic()
            begun = self.begun_turns()
            for process, words in leftovers.processes_of(self.mark).items():
                rank, turn = (number_of(words, name) for name in (b"OMPI_COMM_WORLD_RANK", b"BARKS_TEST_TURN"))
                if rank is None or (begun is not None and (turn or 1) > begun):
                    continue
                began = self.first_seen.setdefault((turn, rank), now)
                self.last_seen[turn, rank] = now
                for one in list(waiting):
                    kill = self.runs[one[0] - 1][one[1]]
                    if one[0] == turn and kill.rank == rank and now - began >= kill.seconds:
                        waiting.remove(one)
                        self.struck += kill_rank(process, self.mark)


    def begun_turns(self):
        """None: they count from their start."""
        if self.logs is None:
            return None
        try:
            return len(os.listdir(self.logs))
        except FileNotFoundError:
            return 0


def number_of(words, name):
    for word in words:
        if word.startswith(name + b"="):
            return int(word[len(name) + 1:])
    return None


def kill_rank(process, mark):
    """Only if it still is what it was: the number may be another's by now."""
    with contextlib.suppress(OSError):
        handle = os.pidfd_open(process)
        try:
            if process in leftovers.processes_of(mark):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                return 1
        finally:
            os.close(handle)
    return 0
