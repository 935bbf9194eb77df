"""Every call fails once: test_every_call.py [--full] JOBS-FOLDER [PART-OF-A-NAME...]

A quiet run of a job counts its calls (BARKS_FAULT=count); then the n-th call of each kind fails, once or from then on,
in a run for each n: of a sample in short, of all n with --full (in one process; under mpirun always a sample). Each run
ends in time, either with the bytes of the quiet run, or with a sentence and a status that is not 0 and nothing that
looks like an output. No run leaves a file, a segment of shared memory or a process.
"""

import argparse
import concurrent.futures
import dataclasses
import functools
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import harness
import inputs
import leftovers
import outputs
import shapes
import test_join_csv

LIMIT_SECONDS = 40
# Most of a run is waiting: for mpirun to end what has failed, for deadlines.
RUNS_AT_ONCE = 4
PLAIN, MPI = shapes.Shape(executors=2), shapes.Shape(ranks=3)
# Who has no memory to say anything is found out by a deadline.
DEADLINES = {PLAIN: ["--barks-start-deadline=3s", "--barks-lost-deadline=3s"],
             MPI: ["--barks-start-deadline=12s", "--barks-lost-deadline=6s"]}
# In short: runs of each kind of call, of each job.
SAMPLE = {PLAIN: 7, MPI: 1}
# A job that cannot start leaves without waiting for its threads.
QUIET_SANITIZER = {"TSAN_OPTIONS": ":".join(filter(None, [os.environ.get("TSAN_OPTIONS"), "report_thread_leaks=0"]))}
SENTENCE = re.compile(rb"^barks: (?!done in|failed in|stage |output: )|^\[barks[^\]]*\] error ", re.MULTILINE)
# Where these fail, what is left is hidden, and a later job with the same output removes it.
CLEANING = ("remove", "look", "read", "open", "allocation", "close", "mpi", "message")


@dataclasses.dataclass(frozen=True)
class Job:
    name: str
    suffix: str
    make: object  # (folder, rng): the input's arguments
    arguments: object = lambda named, output: named + [output]


def text(folder, rng):
    return [inputs.write(folder, "text", inputs.words_text(rng, 300 << 10))]


def records(folder, rng):
    return [inputs.write(folder, "records", rng.randbytes(100 * 2000))]


JOBS = [
    Job("wordcount", ".csv", text),
    Job("terasort", ".bin", records),
    Job("join_csv", ".csv", test_join_csv.make,
        lambda named, output: named + ["id, day", output, "--kind", "full"]),
]


def calls_by_kind(program):
    """{kind: functions} as the job itself lists them."""
    done = subprocess.run([program, "--barks-fault=help"], env=shapes.environment(), stdout=subprocess.PIPE, check=True)
    table = re.search(r"^call +functions\n(.*?)\n\n", done.stdout.decode(), re.MULTILINE | re.DOTALL)
    lines = table.group(1).split("\n")
    return {line.split()[0]: line.split()[1:] for line in lines}


class Runner:
    """Runs one job in one shape; each run has a folder of its own."""

    def __init__(self, job, shape, program, named, folder):
        self.job, self.shape, self.program, self.named, self.folder = job, shape, program, named, folder
        self.quiet_output, self.number, self.lock = None, 0, threading.Lock()

    def command(self, output):
        return self.shape.command(self.program, self.job.arguments(self.named, output) + DEADLINES[self.shape])

    def run(self, fault):
        """(how it ended, its folder, its seconds)."""
        with self.lock:
            self.number += 1
            folder = os.path.join(self.folder, f"run-{self.number}")
        environment = {**shapes.environment(), **QUIET_SANITIZER, "BARKS_FAULT": fault, **leftovers.places(folder)}
        process = subprocess.Popen(self.command(os.path.join(folder, "out", "output")), cwd=folder, env=environment,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   start_new_session=True)
        began = time.monotonic()
        ended = shapes.finish(process, LIMIT_SECONDS)
        return ended, folder, time.monotonic() - began

    def quiet(self):
        """Keeps what the job writes; {rank: {function: count}}."""
        ended, folder, _ = self.run("count")
        if ended.status != 0:
            raise outputs.Wrong(ended.describe())
        self.quiet_output = os.path.join(folder, "out", "output")
        leftovers.check(folder, ended, {"output"})
        counts = {}
        for rank, line in re.findall(rb"\[barks fault\] rank (\d+): counted (.*)", ended.stderr):
            counts[int(rank)] = {name.decode(): int(count) for name, count in re.findall(rb"(\S+)=(\d+)", line)}
        if len(counts) != max(self.shape.ranks, 1):
            raise outputs.Wrong(f"counts of ranks {sorted(counts)}\n{ended.describe()}")
        return counts

    def try_fault(self, fault, kind):
        """What is wrong with a run in which the fault strikes, or None; and whether it ended well."""
        ended, folder, seconds = self.run(fault)
        output = os.path.join(folder, "out", "output")
        try:
            if ended.status is None:
                raise outputs.Wrong(f"it did not end in {seconds:.0f} s\n{ended.describe()}")
            if b"Sanitizer" in ended.stderr or b"runtime error" in ended.stderr:
                raise outputs.Wrong(f"a sanitizer has found something\n{ended.describe()}")
            if ended.status == 0:
                outputs.check_same(output, self.quiet_output, self.job.suffix)
            else:
                self.check_failed(ended, output)
            names = {"output"} if os.path.exists(output) else set()
            if kind in CLEANING:
                names |= {name for name in os.listdir(os.path.join(folder, "out")) if name.startswith(".output.barks-")}
            leftovers.check(folder, ended, names)
        except outputs.Wrong as wrong:
            return f"BARKS_FAULT='{fault}': {wrong}", False
        shutil.rmtree(folder)
        return None, ended.status == 0

    def check_failed(self, ended, output):
        # mpirun 4.1 itself may die of SIGPIPE, passing on output while its ranks end.
        if ended.status != -signal.SIGPIPE and not 0 < ended.status < 128:
            raise outputs.Wrong(f"it crashed\n{ended.describe()}")
        if not SENTENCE.search(ended.stderr):
            raise outputs.Wrong(f"no sentence says what is wrong\n{ended.describe()}")
        if os.path.exists(output):  # it failed after the end: what is there must be whole
            outputs.check_same(output, self.quiet_output, self.job.suffix)


def faults_of(kind, counts, functions, sample, rng):
    """The texts of BARKS_FAULT for a kind of call: for each n, or for so many of them by lot."""
    all_of = []
    for rank, counted in counts.items():
        total = sum(counted.get(function, 0) for function in functions)
        where = f",rank={rank}" if len(counts) > 1 else ""
        for onwards in ("", "+"):
            all_of += [f"fail:call={kind},n={n}{onwards}{where}" for n in range(1, total + 1)]
    return all_of if sample is None or sample >= len(all_of) else rng.sample(all_of, sample)


def judge_kind(runner, kind, runs):
    """runs: of each fault the future of what try_fault says."""
    wrong, well = [], 0
    for run in runs:
        found, ended_well = run.result()
        well += ended_well
        if found is not None:
            wrong.append(found)
            print("# wrong: " + found.split("\n")[0], flush=True)
    if wrong:
        raise outputs.Wrong(f"{len(wrong)} of {len(runs)} runs are wrong; the first ones:\n" + "\n".join(wrong[:8]))
    print(f"# {runner.job.name}, {runner.shape.name}, {kind}: {len(runs)} runs, {well} ended well", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="each n, in one process")
    parser.add_argument("folder", help="where the jobs are built")
    parser.add_argument("names", nargs="*", help="parts of the names of cases (all)")
    options = parser.parse_args()
    seed = harness.seed_of_run()
    calls, started, kinds = [], {}, {}
    pool = concurrent.futures.ThreadPoolExecutor(RUNS_AT_ONCE)

    def start(job, shape, folder):
        """All kinds of a job and shape at once, so that runs of one do not wait for those of another."""
        place = os.path.join(folder, f"{job.name}-{shape.name.replace(' ', '-')}")
        os.makedirs(place)
        runner = Runner(job, shape, program_of(job), job.make(place, inputs.generator(seed, job.name)), place)
        counts, runs = runner.quiet(), {}
        for kind, functions in kinds[job, shape].items():
            sample = SAMPLE[shape] * (10 if options.full else 1) if shape == MPI or not options.full else None
            faults = faults_of(kind, counts, functions, sample, random.Random(f"{seed} {job.name} {kind}"))
            runs[kind] = [pool.submit(runner.try_fault, fault, kind) for fault in faults]
        return runner, runs

    def run_one(job, shape, kind, folder):
        if (job, shape) not in started:
            started[job, shape] = start(job, shape, folder)
        runner, runs = started[job, shape]
        if not runs[kind]:
            raise harness.Skipped("the job makes no such call")
        judge_kind(runner, kind, runs[kind])

    def program_of(job):
        return os.path.join(os.path.abspath(options.folder), job.name)

    def run_in(folder):
        for job in JOBS:
            for shape in (PLAIN, MPI):
                for kind, functions in calls_by_kind(program_of(job)).items():
                    name = f"{job.name}, {shape.name}, {kind}"
                    if not options.names or any(part in name for part in options.names):
                        kinds.setdefault((job, shape), {})[kind] = functions
                        calls.append((name, functools.partial(run_one, job, shape, kind, folder)))
        return harness.run_all(calls)

    status = []
    harness.in_folder(lambda folder: status.append(run_in(folder)))
    sys.exit(status[0])


if __name__ == "__main__":
    main()
