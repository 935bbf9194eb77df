#!/usr/bin/env python3
"""What a job does near the end of its time, without a Slurm: test_out_of_time.py SLOW_JOB"""
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from tap import run_cases  # noqa: E402

JOB = os.path.abspath(sys.argv[1])
SLOWNESS = float(os.environ.get("BARKS_TEST_SLOWNESS", "1"))  # what sanitizers cost
HOLDER = tempfile.TemporaryDirectory(prefix="barks-time-")


def start(tasks, milliseconds, options=(), launcher=(), **environment):
    """Returns the process and its output; all it is told of Slurm is in environment."""
    output = pathlib.Path(tempfile.mkdtemp(dir=HOLDER.name)) / "out"
    kept = {key: value for key, value in os.environ.items()
            if not key.startswith(("SLURM_", "BARKS_", "OMPI_COMM", "PMIX_"))}
    kept |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
             "OMPI_MCA_orte_tmpdir_base": HOLDER.name}  # the end of another mpirun removes the usual one
    process = subprocess.Popen([*launcher, JOB, str(tasks), str(milliseconds), output, *options], text=True,
                               env={**kept, **environment}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    return process, output


def until_running(process, output):
    """The action has begun: it has made the directory from which its output will appear."""
    end = time.monotonic() + 30
    while not os.listdir(output.parent):
        assert time.monotonic() < end and process.poll() is None, "the job did not start"
        time.sleep(0.02)


def expect_out_of_time(process, output, seconds_max):
    begun = time.monotonic()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 75, (process.returncode, errors)
    assert time.monotonic() - begun < seconds_max * SLOWNESS, errors
    said = re.findall(r"^barks: .*out of time: .*", errors, re.MULTILINE)
    assert len(said) == 1 and "start the job again" in said[0] and "write csv" in said[0], errors
    assert os.listdir(output.parent) == [], os.listdir(output.parent)
    return said[0]


def a_warned_job_ends_in_time_with_the_requeue_status():
    process, output = start(1000, 100, ["--barks-time-warned=2s", "--barks-time-reserve=1s"])
    until_running(process, output)
    process.send_signal(signal.SIGUSR1)
    said = expect_out_of_time(process, output, 6)
    assert "SIGUSR1 warned of" in said, said


def a_warned_mpirun_ends_so_too():
    process, output = start(1000, 100, ["--barks-time-warned=3s", "--barks-time-reserve=2s"],
                            ["mpirun", "--oversubscribe", "-np", "3"],
                            # After an error MPI may still write to what it was given, which is left to it.
                            ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0")
    until_running(process, output)
    process.send_signal(signal.SIGUSR1)
    expect_out_of_time(process, output, 8)


def slurms_end_needs_no_warning():
    process, output = start(1000, 100, ["--barks-time-reserve=2s"], SLURM_JOB_END_TIME=str(int(time.time()) + 4))
    said = expect_out_of_time(process, output, 8)
    assert "Slurm has set" in said, said


def no_task_begins_that_would_not_end_in_time():
    # One worker, and so eight tasks, which take 2 s each. They end 1 s and 3 s after the warning, when 4.2 s and 2.2 s
    # are left: not enough for another one and the reserve.
    process, output = start(8, 2000, ["--barks-workers=1", "--barks-time-warned=5200ms", "--barks-time-reserve=1500ms"])
    until_running(process, output)
    time.sleep(1)
    process.send_signal(signal.SIGUSR1)
    said = expect_out_of_time(process, output, 10)
    left = int(re.search(r"(\d+) s are left", said)[1])
    assert left >= 2, said  # with another task it would be 1 or less: what is in reserve


def what_ends_in_time_is_not_disturbed():
    process, output = start(20, 100, ["--barks-time-warned=1m"])
    until_running(process, output)
    process.send_signal(signal.SIGUSR1)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0 and (output / "_SUCCESS").exists(), (process.returncode, errors)
    assert errors.count("warned by SIGUSR1: 5") == 1 and "out of time" not in errors, errors


def an_end_that_is_past_is_no_end():
    process, output = start(2, 0, SLURM_JOB_END_TIME=str(int(time.time()) - 100))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0 and (output / "_SUCCESS").exists(), (process.returncode, errors)


def a_signal_that_ends_it_at_the_end_asks_for_another_start():
    process, output = start(1000, 100, ["--barks-time-reserve=0s"], SLURM_JOB_END_TIME=str(int(time.time()) + 4))
    until_running(process, output)
    process.terminate()
    said = expect_out_of_time(process, output, 5)
    assert "signal 15" in said, said
    process, output = start(1000, 100, SLURM_JOB_END_TIME=str(int(time.time()) + 1000))
    until_running(process, output)
    process.terminate()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 8, (process.returncode, errors)


def a_restart_is_told():
    process, _ = start(2, 0, ["--barks-log=info"], SLURM_RESTART_COUNT="3")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0 and errors.count("restart 3") == 2, errors


run_cases(a_warned_job_ends_in_time_with_the_requeue_status, a_warned_mpirun_ends_so_too,
          slurms_end_needs_no_warning, no_task_begins_that_would_not_end_in_time, what_ends_in_time_is_not_disturbed,
          an_end_that_is_past_is_no_end, a_signal_that_ends_it_at_the_end_asks_for_another_start, a_restart_is_told)
