#!/usr/bin/env python3
"""A job that the end of its time stops five times, and that is started again: test_requeued.py SLOW_JOB"""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from tap import run_cases  # noqa: E402

JOB = os.path.abspath(sys.argv[1])
# Two workers nap for 17 x 16 x 60 ms, 8.2 s each, and five runs have at most 1.5 s each from when they are warned: they
# never end it, however fast the machine is.
ROWS, STAGES, MILLISECONDS = 16, 16, 60
TIMES = ["--barks-time-warned=2500ms", "--barks-time-reserve=1s"]
STOPS = 5
LIMIT_SECONDS = 120


def start(folder, name, milliseconds, *options, **environment):
    kept = {key: value for key, value in os.environ.items()
            if not key.startswith(("SLURM_", "BARKS_", "OMPI_COMM", "PMIX_"))}
    # After an error MPI may still write to what it was given, which is left to it.
    kept |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
             "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0",
             "OMPI_MCA_orte_tmpdir_base": str(folder)}  # the end of another mpirun removes the usual one
    (folder / name).mkdir(exist_ok=True)
    return subprocess.Popen(["mpirun", "--oversubscribe", "-np", "3", JOB, str(ROWS), str(milliseconds),
                             folder / name / "out", str(STAGES), "--barks-workers=1", *options],
                            env={**kept, **environment}, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def warn_when_running(process, folder):
    """As the batch system does before the end, once the job has made the directory from which its output will appear."""
    end = time.monotonic() + LIMIT_SECONDS
    while not os.listdir(folder):
        assert time.monotonic() < end and process.poll() is None, "the job did not start"
        time.sleep(0.02)
    process.send_signal(signal.SIGUSR1)


def naps(path):
    """(stage, number) of each nap of a run."""
    return [tuple(map(int, line.split())) for line in path.read_text().splitlines()] if path.exists() else []


def parts(output):
    assert (output / "_SUCCESS").exists(), list(output.iterdir())
    return {part.name: part.read_bytes() for part in output.glob("part-*")}


def a_job_that_is_stopped_five_times_does_at_most_one_stage_again():
    with tempfile.TemporaryDirectory(prefix="barks-requeued-") as holder:
        folder = pathlib.Path(holder)
        quiet = start(folder, "quiet", 0)
        _, errors = quiet.communicate(timeout=LIMIT_SECONDS)
        assert quiet.returncode == 0, errors
        runs = []
        for stop in range(STOPS + 1):
            log = folder / f"naps-{stop}"
            process = start(folder, "stopped", MILLISECONDS, f"--barks-work={folder / 'work'}", *TIMES,
                            SLOW_JOB_LOG=str(log), SLURM_RESTART_COUNT=str(stop))
            if stop < STOPS:
                warn_when_running(process, folder / "stopped")
            _, errors = process.communicate(timeout=LIMIT_SECONDS)
            assert process.returncode == (75 if stop < STOPS else 0), (stop, process.returncode, errors)
            assert os.listdir(folder / "stopped") == ([] if stop < STOPS else ["out"]), "an output before its time"
            runs.append(naps(log))
        print(f"# stages of each run: {[sorted({stage for stage, _ in run}) for run in runs]}")
        assert parts(folder / "stopped/out") == parts(folder / "quiet/out")
        check_runs(runs)


def check_runs(runs):
    for number, slept in enumerate(runs):
        assert len(set(slept)) == len(slept), f"run {number} did something twice: {slept}"
    for stage in range(STAGES + 1):
        done = {number for run in runs for at, number in run if at == stage}
        assert done == set(range(ROWS)), f"stage {stage} has done {sorted(done)}"
    reached = 0  # the stage in which the runs so far have ended: all before it were whole
    for number, slept in enumerate(runs):
        again = {stage for stage, _ in slept if stage < reached}
        assert not again, f"run {number} did stages {again} again, although {reached} had begun before"
        reached = max([reached, *(stage for stage, _ in slept)])
        assert number == STOPS or reached < STAGES, f"run {number} should have been stopped before the last stage"


run_cases(a_job_that_is_stopped_five_times_does_at_most_one_stage_again)
