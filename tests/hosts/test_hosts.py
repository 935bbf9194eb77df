#!/usr/bin/env python3
"""Ten hosts whose links are cut, mended and slowed: test_hosts.py SLOW_JOB [PART-OF-A-NAME...]"""
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

from hosts import Hosts, why_not  # noqa: E402
from tap import Skip, run_cases  # noqa: E402

JOB = os.path.abspath(sys.argv[1])
HOSTS = 10
ROWS, STAGES = 45, 6
LOST_SECONDS = 4
# From the end of the deadline to that of everything: run-until-done ends an mpirun that waits for a host that it cannot
# reach, ten seconds after the job; and other work may keep the machine busy.
MARGIN_SECONDS = 60
UNTIL_DONE = ROOT / "scripts/run-until-done"
WHY_NOT = why_not()


class Run:
    """A job in a folder of its own, which tells which naps it has slept."""

    def __init__(self, hosts, milliseconds, *options, before=()):
        self.holder = tempfile.TemporaryDirectory(prefix="barks-links-", ignore_cleanup_errors=True)
        self.folder = pathlib.Path(self.holder.name)
        self.output, self.log = self.folder / "output/out", self.folder / "naps"
        (self.folder / "output").mkdir()
        (self.folder / "tmp").mkdir()
        kept = {key: value for key, value in os.environ.items()
                if not key.startswith(("SLURM_", "BARKS_", "OMPI_", "PMIX_"))}
        # After an error MPI may still write to what it was given, which is left to it.
        kept |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "SLOW_JOB_LOG": str(self.log),
                 "TMPDIR": str(self.folder / "tmp"),
                 "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}
        words = [JOB, ROWS, milliseconds, self.output, STAGES, "--barks-workers=1", "--barks-start-deadline=2m", f"--barks-lost-deadline={LOST_SECONDS}s",
                 f"--barks-work={self.folder / 'work'}", *options]
        self.process = subprocess.Popen([*map(str, before), *hosts.command(words)], env=kept, cwd=self.folder,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=(self.folder / "errors").open("wb"), start_new_session=True)

    def until_stage(self, stage):
        end = time.monotonic() + 180
        while not (self.log.exists() and re.search(f"^{stage} ", self.log.read_text(), re.MULTILINE)):
            assert self.process.poll() is None, self.end(10)
            assert time.monotonic() < end, "the job did not come so far"
            time.sleep(0.02)

    def drop(self):
        """Ends what is left: processes on a host that was cut off hear of nothing."""
        mark = f"TMPDIR={self.folder / 'tmp'}".encode()
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if mark in (path / "environ").read_bytes().split(b"\0"):
                    os.kill(int(path.name), signal.SIGKILL)
            except OSError:  # it has ended, or is none of ours
                continue
        self.holder.cleanup()

    def end(self, seconds):
        """(status, end of the standard error); None where it had to be ended."""
        # Not until the standard error is closed: a host that was cut off keeps it open.
        try:
            status = self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            status = None
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        return status, (self.folder / "errors").read_text(errors="replace")[-4000:]

    def check_right(self, seconds):
        status, errors = self.end(seconds)
        assert status == 0, (status, errors)
        assert (self.output / "_SUCCESS").exists(), errors
        rows = sorted(line for part in self.output.glob("part-*") for line in part.read_text().splitlines()[1:])
        assert rows == sorted(f"{i},{i * i + STAGES}" for i in range(ROWS)), rows
        return errors


def on_hosts(case):
    def run():
        if WHY_NOT is not None:
            raise Skip(WHY_NOT)
        with Hosts(HOSTS) as hosts:
            started = []

            def start(*arguments, **options):
                started.append(Run(hosts, *arguments, **options))
                return started[-1]
            try:
                case(hosts, start)
            finally:
                for one in started:
                    one.drop()
    run.__name__ = case.__name__
    return run


@on_hosts
def ten_hosts_give_the_right_answer(hosts, start):
    start(5).check_right(120)


@on_hosts
def a_link_that_comes_back_in_time_costs_nothing(hosts, start):
    run = start(200)
    run.until_stage(1)
    hosts.cut(7)
    time.sleep(1.5)
    hosts.mend(7)
    errors = run.check_right(120)
    assert "was lost" not in errors, errors


@on_hosts
def a_link_that_stays_cut_ends_the_job_with_a_sentence(hosts, start):
    run = start(200, before=[UNTIL_DONE, "--tries", "1"])
    run.until_stage(1)
    hosts.cut(7)
    begun = time.monotonic()
    status, errors = run.end(LOST_SECONDS + MARGIN_SECONDS)
    seconds = time.monotonic() - begun
    print(f"# ended after {seconds:.1f} s, status {status}", flush=True)
    assert status is not None and not run.output.exists(), (status, errors)
    # Who notices first: the driver that hears nothing, or an executor whose round does not end.
    said = re.findall(r"^barks: (?!failed in|stage |resumed).*(?:was lost|cannot go on).*", errors, re.MULTILINE)
    assert len(said) == 1 and "--barks-lost-deadline" in said[0], errors


@on_hosts
def it_goes_on_where_it_was_once_the_link_is_back(hosts, start):
    with tempfile.TemporaryDirectory() as place:
        success = pathlib.Path(place)
        run = start(200, before=[UNTIL_DONE, "--tries", "8", "--pause-max", "2", "--success",
                                      success / "link/output/out/_SUCCESS"])
        os.symlink(run.folder, success / "link")
        run.until_stage(2)
        hosts.cut(7)
        time.sleep(LOST_SECONDS + 3)
        hosts.mend(7)
        errors = run.check_right(240)
        assert "starting it again" in errors and re.search(r"resumed: [1-9]\d* of", errors), errors


@on_hosts
def a_slow_link_is_not_taken_for_a_dead_host(hosts, start):
    if not hosts.slow(7, "500kbit"):
        raise Skip("this kernel cannot slow a link")
    errors = start(20).check_right(240)
    assert "was lost" not in errors, errors


CASES = [ten_hosts_give_the_right_answer, a_link_that_comes_back_in_time_costs_nothing,
         a_link_that_stays_cut_ends_the_job_with_a_sentence, it_goes_on_where_it_was_once_the_link_is_back,
         a_slow_link_is_not_taken_for_a_dead_host]
run_cases(*(case for case in CASES if not sys.argv[2:] or any(word in case.__name__ for word in sys.argv[2:])))
