#!/usr/bin/env python3
"""Jobs under a real Slurm on this machine: test_slurm.py [--slow] SLOW_JOB"""
import os
import pathlib
import re
import signal
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from cluster import Cluster, end_processes, processes_of, why_not  # noqa: E402
from tap import Skip, run_cases  # noqa: E402

IS_SLOW = sys.argv[1] == "--slow"
JOB = os.path.abspath(sys.argv[-1])
SUBMIT = ROOT / "scripts/barks-submit"
HOLDER = tempfile.TemporaryDirectory(prefix="barks-jobs-")
FOLDER = pathlib.Path(HOLDER.name)


def folder(case):
    path = FOLDER / case
    path.mkdir()
    return path


def squares(output):
    return {line for part in output.glob("part-*") for line in part.read_text().splitlines()[1:]}


def expect_squares(here, count):
    log = "".join(path.read_text() for path in here.glob("*.out"))
    assert (here / "squares/_SUCCESS").exists(), log
    assert squares(here / "squares") == {f"{i},{i * i}" for i in range(count)}, log
    return log


def expect_nothing_left(slurm, job):
    """No process of the job, and no output that looks whole."""
    try:
        slurm.until(f"all processes of job {job} have ended", lambda: not processes_of(job), 20)
    finally:
        end_processes(processes_of(job))


def submit(slurm, here, tasks, milliseconds, *options, job_options=()):
    return slurm.submit(SUBMIT, *options, JOB, str(tasks), str(milliseconds), here / "squares", *job_options, cwd=here)


def two_nodes_share_a_job():
    here = folder("two nodes")
    with Cluster(nodes=2) as slurm:
        job = submit(slurm, here, 40, 50, "--nodes=2", "--name=two", job_options=["--barks-log=info"])
        slurm.wait(job, "COMPLETED", "FAILED")
        log = expect_squares(here, 40)
        assert slurm.exit_status(job) == "0:0" and "2 executors with 2 workers" in log, log
        expect_nothing_left(slurm, job)


def an_array_has_a_job_for_each_number():
    here = folder("array")
    with Cluster(nodes=2) as slurm:
        job = slurm.submit(SUBMIT, "--array=3,5", "--cores=1", "--mem=300", "--name=array", JOB, "%a", "0",
                           "squares of %a", cwd=here)
        slurm.until("both have ended", lambda: not slurm.run("squeue", "-h", "-j", job, check=False).strip(), 60)
        for number in (3, 5):
            log = "".join(path.read_text() for path in here.glob("array-*.out"))
            assert squares(here / f"squares of {number}") == {f"{i},{i * i}" for i in range(number)}, log
            assert "memory" in log, log


def ranks_of(job):
    """Processes of the job's program."""
    return [pid for pid, line in processes_of(job) if line.startswith(JOB)]


def a_lost_rank_is_followed_by_another_run():
    here = folder("lost")
    with Cluster(nodes=2) as slurm:
        job = submit(slurm, here, 80, 100, "--nodes=2", "--tries=3", "--name=lost")
        slurm.until("its ranks run", lambda: len(ranks_of(job)) >= 3)
        first = ranks_of(job)
        os.kill(first[-1], signal.SIGKILL)
        slurm.wait(job, "COMPLETED", "FAILED")
        log = expect_squares(here, 80)
        assert log.count("run-until-done: run 1 of at most 3 lost") == 1 and "run 2" not in log, log
        expect_nothing_left(slurm, job)


def a_cancelled_job_leaves_nothing():
    here = folder("cancelled")
    with Cluster(nodes=2) as slurm:
        job = submit(slurm, here, 1000, 100, "--nodes=2")
        slurm.until("its ranks run", lambda: len(ranks_of(job)) >= 3)
        slurm.run("scancel", job)
        slurm.wait(job, "CANCELLED")
        expect_nothing_left(slurm, job)
        assert not (here / "squares").exists(), os.listdir(here)
        assert [path for path in here.iterdir() if path.suffix != ".out"] == [], os.listdir(here)


def examples_run_under_slurm():
    here = folder("examples")
    with Cluster(nodes=2, cpus=2) as slurm:
        for name, options in (("one-node", []), ("several-nodes", ["--nodes=2"]), ("requeue", [])):
            output = here / name / "squares"
            output.parent.mkdir()
            job = slurm.submit("sbatch", *options, ROOT / f"scripts/examples/{name}.sh", JOB, "12", "0", output,
                               cwd=output.parent)
            slurm.wait(job, "COMPLETED", "FAILED")
            expect_squares(output.parent, 12)


def srun_starts_a_job_on_one_node():
    here = folder("srun")
    with Cluster(nodes=1, cpus=3) as slurm:
        slurm.run("srun", "--mpi=pmix", "-N1", "-n3", JOB, "5", "0", here / "squares", cwd=here)
        expect_squares(here, 5)


def the_time_limit_ends_a_job_with_the_requeue_status():
    here = folder("limit")
    with Cluster(nodes=2) as slurm:
        job = submit(slurm, here, 1000, 100, "--nodes=2", "--time=1", "--signal=40", "--name=limit")
        slurm.wait(job, "FAILED", "TIMEOUT", "COMPLETED", seconds=150)
        log = (here / f"limit-{job}.out").read_text()
        assert (slurm.field(job, "JobState"), slurm.exit_status(job)) == ("FAILED", "75:0"), log
        assert log.count("barks: out of time") == 1 and "warned by SIGUSR1" in log, log
        expect_nothing_left(slurm, job)
        assert not (here / "squares").exists(), os.listdir(here)


def a_job_out_of_time_is_put_into_the_queue_again_and_ends_well():
    here = folder("requeue")
    # Slurm holds a job back for as long as credentials of its last run may live.
    with Cluster(nodes=2, cred_expire=5) as slurm:
        begun = time.monotonic()
        job = submit(slurm, here, 100, 5000, "--nodes=2", "--time=1", "--requeue", "--name=again")
        slurm.until("it was started again", lambda: slurm.field(job, "Restarts") == "1", 150)
        slurm.wait(job, "COMPLETED", "FAILED", seconds=200)
        log = expect_squares(here, 100)
        assert log.count("out of time: ") >= 1 and "restart 1" in log, log
        print(f"# requeued and done in {time.monotonic() - begun:.0f} s", flush=True)
        expect_nothing_left(slurm, job)


def a_job_requeued_again_and_again_goes_on_where_it_was():
    here = folder("work")
    with Cluster(nodes=2, cred_expire=5) as slurm:
        # Of the minute it works some 12 s at a time; all stages take more than a minute.
        job = slurm.submit(SUBMIT, "--nodes=2", "--time=1", "--requeue", "--work=kept", "--name=work", JOB, "10", "200",
                           here / "squares", "60", "--barks-time-reserve=48s", cwd=here)
        slurm.wait(job, "COMPLETED", "FAILED", seconds=400)
        log = "".join(path.read_text() for path in here.glob("*.out"))
        assert squares(here / "squares") == {f"{i},{i * i + 60}" for i in range(10)}, log
        reused = [int(number) for number in re.findall(r"resumed: (\d+) of", log)]
        assert len(reused) >= 5 and reused == sorted(set(reused)), log  # each run goes on from the one before
        run = [int(number) for number in re.findall(r"workers, (\d+) stages", log)]
        assert len(run) == len(reused) + 1 and sum(run) <= 61 + len(reused), log  # at most one is done again each time
        assert int(slurm.field(job, "Restarts")) == len(reused), log
        print(f"# {len(reused)} restarts, which began with {reused} finished stages", flush=True)


def a_requeue_by_hand_ends_well():
    here = folder("by hand")
    with Cluster(nodes=2, cred_expire=5) as slurm:
        job = submit(slurm, here, 1000, 100, "--nodes=2", "--requeue", "--name=hand")
        slurm.until("its ranks run", lambda: len(ranks_of(job)) >= 3)
        slurm.run("scontrol", "requeue", job)
        slurm.until("it was started again", lambda: slurm.field(job, "Restarts") == "1", 60)
        slurm.wait(job, "COMPLETED", "FAILED", seconds=200)
        expect_squares(here, 1000)


def case(function):
    def run():
        why = why_not()
        if why is not None:
            raise Skip(why)
        function()

    run.__name__ = function.__name__
    return run


SHORT = (two_nodes_share_a_job, an_array_has_a_job_for_each_number, a_cancelled_job_leaves_nothing)
LONG = (examples_run_under_slurm, a_lost_rank_is_followed_by_another_run, srun_starts_a_job_on_one_node,
        the_time_limit_ends_a_job_with_the_requeue_status,
        a_job_out_of_time_is_put_into_the_queue_again_and_ends_well, a_requeue_by_hand_ends_well,
        a_job_requeued_again_and_again_goes_on_where_it_was)
run_cases(*map(case, LONG if IS_SLOW else SHORT))
