#!/usr/bin/env python3
"""scripts/run-until-done against commands that end in all ways: test_run_until_done.py SLOW_JOB"""
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
SCRIPT = ROOT / "scripts/run-until-done"
HOLDER = tempfile.TemporaryDirectory(prefix="barks-until-")
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("SLURM_")}


def run(*arguments, **environment):
    return subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, check=False, timeout=60,
                          env={**ENVIRONMENT, **environment})


def statuses(*numbers):
    """A command that ends with these, one after the other, and what counts its runs."""
    folder = tempfile.mkdtemp(dir=HOLDER.name)
    program = pathlib.Path(folder) / "a command"
    program.write_text(f"""#!/bin/bash
echo x >>"$0.runs"
numbers=({' '.join(map(str, numbers))})
status=${{numbers[$(wc -l <"$0.runs") - 1]}}
[ "$status" != made ] || {{ touch "$0.made"; status=0; }}
[ "$status" != killed ] || kill -9 $$
exit "$status"
""")
    program.chmod(0o755)
    return program


def runs(program):
    return len(pathlib.Path(f"{program}.runs").read_text().splitlines())


def expect(numbers, status, run_count, *options):
    program = statuses(*numbers)
    done = run("--pause-max=0", *options, "--", program)
    assert (done.returncode, runs(program)) == (status, run_count), (numbers, done, runs(program))
    assert len(done.stderr.splitlines()) == len([number for number in numbers[:run_count] if number in EARLY]), done
    return done


EARLY = (7, 75, 134, 137, 139, 141, 205, "killed")


def what_ends_well_is_run_once():
    expect([0, 0], 0, 1)


def an_early_end_is_followed_by_another_run():
    for early in EARLY:
        expect([early, 0], 0, 2)
    done = expect([75, 7, 139, 205, 0], 0, 5)
    assert "run 2 of at most 10 lost an executor" in done.stderr and "ran out of time" in done.stderr, done


def other_ends_are_final():
    for status in (1, 2, 3, 4, 5, 6, 8, 70, 143):
        expect([status, 0], status, 1)


def tries_are_bounded_and_the_last_status_is_told():
    expect([75, 7, 137, 0], 137, 3, "--tries", "3")
    expect([75] * 20, 75, 10)


def pauses_grow():
    program = statuses(75, 75, 75, 0)
    begun = time.monotonic()
    done = run(program)
    assert done.returncode == 0 and 3 <= time.monotonic() - begun < 10, done
    assert [line.rsplit("again ", 1)[1] for line in done.stderr.splitlines()] == ["at once", "in 1 s", "in 2 s"], done


def only_what_was_made_counts_where_a_path_is_given():
    def with_path(numbers, status, run_count, old=False):
        program = statuses(*numbers)
        if old:
            pathlib.Path(f"{program}.made").touch()
        done = run("--pause-max=0", "--tries=4", f"--success={program}.made", program)
        assert (done.returncode, runs(program)) == (status, run_count), (numbers, done)

    with_path([0, 0, "made"], 0, 3)
    with_path(["made"], 0, 1)
    with_path([0, 0, 0, 0], 75, 4)
    with_path([0, "made"], 0, 2, old=True)
    with_path([3, "made"], 3, 1)


def signals_reach_the_job_and_nothing_is_started_after_them():
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it is ignored, and shells cannot trap it then
    for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        with tempfile.TemporaryDirectory() as folder:
            ready = pathlib.Path(folder) / "ready"
            command = (f"trap 'echo got; exit 75' {number.name[3:]}; echo run; touch '{ready}'; "
                       "for i in $(seq 600); do sleep 0.1; done")
            process = subprocess.Popen([SCRIPT, "bash", "-c", command], text=True, env=ENVIRONMENT,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            while not ready.exists():
                time.sleep(0.02)
            process.send_signal(number)
            out, errors = process.communicate(timeout=30)
            assert (out, process.returncode) == ("run\ngot\n", 75), (number, out, errors, process.returncode)
            assert f"{number.name} came" in errors, errors


def an_mpirun_that_hangs_after_its_job_is_killed():
    with tempfile.TemporaryDirectory() as folder:
        program, again = pathlib.Path(folder) / "mpirun", pathlib.Path(folder) / "again"
        os.mkfifo(f"{folder}/never")
        driver = "env OMPI_COMM_WORLD_RANK=0 sleep 2.5"
        for children in ("sleep 2.5 &", f"{driver} & sleep 30 >/dev/null 2>&1 &"):  # as a daemon on another host
            again.unlink(missing_ok=True)
            program.write_text(f"""#!/bin/bash
[ ! -e '{again}' ] || exit 0
mkdir -p "$TMPDIR/ompi.$(uname -n | cut -d. -f1).$(id -u)/pid.$$"
touch '{again}'
{children}
read -r _ <>'{folder}/never'
""")
            program.chmod(0o755)
            done = run(program, TMPDIR=folder)
            assert done.returncode == 0 and "hangs although the job has ended" in done.stderr, done
            assert "lost a rank to signal 9" in done.stderr, done
            assert not list(pathlib.Path(folder).glob("ompi.*")), "its files are left"
        # What only takes long is not touched: a shell is no mpirun, and an mpirun with a rank that lives works.
        program.write_text(f"#!/bin/bash\n{driver.replace('2.5', '13')} &\nwait\n")
        for command in ([program], ["bash", "-c", "true & read -r -t 12 _ <>" + f"'{folder}/never'; exit 0"]):
            done = run(*command)
            assert (done.returncode, done.stderr) == (0, ""), done


def the_status_that_mpirun_hides_is_known():
    """That of Open MPI 4.1 with --enable-recovery ends with 0 whatever its ranks return."""
    mpirun = ["--pause-max=0", "--tries=2", "--", "mpirun", "--enable-recovery", "--oversubscribe", "-np", "2", JOB, "4", "1"]
    for number, (fault, options, status, words) in enumerate((
            ("", (), 0, ""),
            ("", ("--barks-nonsense=1",), 2, "barks-nonsense"),
            ("kill:at=driver.started,rank=0", (), 137, "run 1 of at most 2 lost a rank to signal 9"))):
        output = os.path.join(HOLDER.name, f"hidden {number}")
        fault = {"BARKS_FAULT": fault} if fault else {}
        done = run(*mpirun, output, *options, OMPI_MCA_orte_tmpdir_base=HOLDER.name, **fault)
        assert done.returncode == status and words in done.stderr, (number, done)
        assert (status == 0) == os.path.exists(os.path.join(output, "_SUCCESS")), done


def near_the_end_of_slurms_time_nothing_is_started_again():
    program = statuses(75, 0)
    done = run(program, SLURM_JOB_END_TIME=str(int(time.time()) + 30))
    assert (done.returncode, runs(program)) == (75, 1) and "time is nearly over" in done.stderr, done
    program = statuses(75, 0)
    done = run(program, SLURM_JOB_END_TIME=str(int(time.time()) + 3000))
    assert (done.returncode, runs(program)) == (0, 2), done


def input_and_arguments_arrive_as_they_are():
    done = subprocess.run([SCRIPT, "bash", "-c", 'cat; printf "<%s>" "$@"', "name", "a b", "", "$x", "--help"],
                          input="in", capture_output=True, text=True, check=False, timeout=60, env=ENVIRONMENT)
    assert done.stdout == "in<a b><><$x><--help>", done


def wrong_use_is_told():
    for arguments, words in ((("--tries", "0", "true"), "1 or more, not '0'"), (("--tries", "x", "true"), "not 'x'"),
                             (("--tries",), "wants a value"), (("--often", "true"), "unknown option '--often'"),
                             ((), "no command"), (("--success=", "true"), "wants a path")):
        done = run(*arguments)
        assert done.returncode == 2 and words in done.stderr, done
    done = run("no-such-command")
    assert done.returncode == 127 and "no-such-command" in done.stderr, done
    assert "--success PATH" in run("--help").stdout


run_cases(what_ends_well_is_run_once, an_early_end_is_followed_by_another_run, other_ends_are_final,
          tries_are_bounded_and_the_last_status_is_told, pauses_grow, only_what_was_made_counts_where_a_path_is_given,
          signals_reach_the_job_and_nothing_is_started_after_them,
          an_mpirun_that_hangs_after_its_job_is_killed, the_status_that_mpirun_hides_is_known, near_the_end_of_slurms_time_nothing_is_started_again, input_and_arguments_arrive_as_they_are,
          wrong_use_is_told)
