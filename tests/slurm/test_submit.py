#!/usr/bin/env python3
"""What barks-submit makes, and the example scripts: test_submit.py SLOW_JOB"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from tap import Skip, run_cases  # noqa: E402

JOB = os.path.abspath(sys.argv[1])
SUBMIT = ROOT / "scripts/barks-submit"
EXAMPLES = sorted((ROOT / "scripts/examples").glob("*.sh"))
HOLDER = tempfile.TemporaryDirectory(prefix="barks submit ")
FOLDER = pathlib.Path(HOLDER.name)
STRANGE = ["a b", "", "$HOME", "it's", '"', "*", "a\nb", "\\", "-x", "%a", "é"]


def program(name, text):
    path = FOLDER / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("#!/bin/bash\n" + text)
    path.chmod(0o755)
    return path


# Stand-ins: they tell what they were given, and how that ended is chosen by the test.
SHOW = r"""printf '%s\n' "$0" "$@" | sed 's/.*/<&>/' | tr '\n' ' '; echo"""
program("bin/mpirun", SHOW + '\ntrap "echo warned" USR1\n[ -z "$WAIT" ] || { touch "$WAIT"; sleep 2 & wait $!; }\n'
        'exit "${STATUS:-0}"')
program("bin/scontrol", SHOW)
program("bin/squeue", "echo 2027-01-02T03:04:05")
program("bin/sbatch", "cat")
program("bin/apptainer", SHOW)
JOB_HERE = program("a job", SHOW)
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("SLURM_")}
ENVIRONMENT |= {"PATH": f"{FOLDER}/bin:{os.environ['PATH']}", "SLURM_NTASKS": "4", "SLURM_JOB_ID": "17",
                "TZ": "UTC", "SLURM_ARRAY_TASK_ID": "5"}


def submit(*arguments, expected=0):
    done = subprocess.run([SUBMIT, *arguments], capture_output=True, text=True, check=False, cwd=FOLDER,
                          env=ENVIRONMENT, timeout=60)
    assert done.returncode == expected, done
    return done.stdout if expected == 0 else done.stderr


def run(script, **environment):
    """Runs a script that was made, without a Slurm."""
    return subprocess.run(["bash"], input=script, capture_output=True, text=True, check=False, cwd=FOLDER,
                          env={**ENVIRONMENT, **environment}, timeout=60)


def directives(script):
    return [line[8:] for line in script.splitlines() if line.startswith("#SBATCH ")]


EVERYTHING = ["--nodes=3", "--tasks-per-node", "2", "--cores=8", "--mem=4G", "--time=1-2", "--partition=long",
              "--account=us", "--name=night", "--output=a log-%j", "--requeue", "--requeue-max=3", "--work=kept here", "--signal=90",
              "--tries=2", "--recover", "--sbatch-option=--comment=two words", "--mpirun-option=--mca",
              "--mpirun-option", "btl", "--mpirun-option=self,tcp"]


def defaults_take_one_whole_node():
    script = submit("--dry-run", "a job")
    assert directives(script) == ['--job-name="a job"', "--nodes=1", "--ntasks-per-node=1", "--exclusive", "--mem=0",
                                  '--output="a job-%j.out"', "--open-mode=append"], script
    assert 'exec "${command[@]}"' in script, script


def every_option_has_its_line():
    script = submit("--dry-run", *EVERYTHING, "a job")
    assert directives(script) == [
        "--job-name=night", "--nodes=3", "--ntasks-per-node=2", "--cpus-per-task=4", "--mem=4G", "--time=1-2",
        "--partition=long", "--account=us", '--output="a log-%j"', "--open-mode=append", "--requeue",
        "--signal=B:USR1@90", '"--comment=two words"'], script
    assert "-lt 3 ]" in script and "export BARKS_TIME_WARNED=90s" in script, script
    assert "kept here" in run(script.replace('"${command[@]}" &', 'echo "$BARKS_WORK" &')).stdout, script


def recovery_is_asked_of_each_mpirun_in_its_words():
    script = submit("--dry-run", "--recover", "a job")
    path = FOLDER / "two mpiruns"
    path.mkdir()
    for version, words in (("4.1.4", "--enable-recovery"), ("5.0.7", "--with-ft ulfm")):
        (path / "mpirun").write_text(f"#!/bin/sh\necho 'mpirun (Open MPI) {version}'\necho '$*'\n")
        (path / "mpirun").chmod(0o755)
        said = run(script.replace('exec "${command[@]}"', 'echo "${command[@]}"'), SLURM_NTASKS="3",
                   PATH=f"{path}:{os.environ['PATH']}").stdout
        assert "--oversubscribe " + words + " " in said, (version, said)


def sbatch_gets_what_dry_run_shows():
    assert submit(*EVERYTHING, "a job", "x") == submit("--dry-run", *EVERYTHING, "a job", "x")


def arguments_arrive_as_they_are():
    # The stand-in shows lines, so what has two of them is looked at apart.
    words = [word for word in STRANGE if "\n" not in word]
    done = run(submit("--dry-run", "a job", *words))
    shown = " ".join(f"<{word}>" for word in [JOB_HERE, *words])
    assert done.returncode == 0 and f"<-np> <5> <--map-by> <node> <--bind-to> <none> <--oversubscribe> {shown} \n" \
        in done.stdout, (done, shown)
    assert "<a>\n<b>" in run(submit("--dry-run", "a job", "a\nb")).stdout.replace("> <", ">\n<")


def the_number_in_an_array_stands_for_its_sign():
    done = run(submit("--dry-run", "--array=1-9%2", "a job", "day %a.txt", "%a%a", "$x", ""))
    assert "<day 5.txt> <55> <$x> <>" in done.stdout, done


def the_end_of_the_time_is_looked_up():
    script = submit("--dry-run", "a job")
    done = run(script.replace("exec ", 'echo "end $SLURM_JOB_END_TIME"; exec '))
    assert "end 1798859045\n" in done.stdout, done
    done = run(script.replace("exec ", 'echo "end $SLURM_JOB_END_TIME"; exec '), SLURM_JOB_END_TIME="99")
    assert "end 99\n" in done.stdout, done


def what_going_on_helps_requeues_and_not_for_ever():
    script = submit("--dry-run", "--requeue", "--requeue-max=3", "a job")
    for status, restarts, requeued in (("75", "0", True), ("75", "2", True), ("75", "3", False), ("0", "0", False),
                                       ("7", "0", True), ("137", "1", True), ("205", "1", True), ("7", "3", False),
                                       ("8", "1", False), ("139", "0", False), ("6", "0", False)):
        done = run(script, STATUS=status, SLURM_RESTART_COUNT=restarts)
        assert ("scontrol> <requeue> <17>" in done.stdout) == requeued, done
        assert done.returncode == (0 if requeued else int(status)), done


def a_warning_reaches_mpirun_which_is_waited_for():
    for options in (["--requeue"], ["--requeue", "--tries=2"]):
        script = FOLDER / "script"
        script.write_text(submit("--dry-run", *options, "a job"))
        ready = FOLDER / "ready"
        ready.unlink(missing_ok=True)
        process = subprocess.Popen(["bash", script], text=True, cwd=FOLDER, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env={**ENVIRONMENT, "WAIT": str(ready), "STATUS": "75"})
        while not ready.exists() and process.poll() is None:
            pass
        process.send_signal(10)
        out, errors = process.communicate(timeout=30)
        assert out.count("warned") == 1 and out.count("<requeue>") == 1, (options, out, errors)


def containers_are_started_by_mpirun():
    (FOLDER / "an image.sif").touch()
    script = submit("--dry-run", "--container=an image.sif", "--container-option=--bind", "--container-option=/a b",
                    "/opt/job", "x")
    done = run(script)
    assert f"<{FOLDER}/bin/apptainer> <exec> <--bind> </a b> <{FOLDER}/an image.sif> </opt/job> <x>" in done.stdout, done


def what_contradicts_itself_is_refused():
    for arguments, words in (
            ([], "no job given"), (["no such job"], "there is no program 'no such job'"),
            (["--nodes=0", "a job"], "--nodes takes a whole number"), (["--nodes"], "--nodes wants a value"),
            (["--cores=5", "--tasks-per-node=2", "a job"], "cannot be shared evenly"),
            (["--time=1", "--signal=60", "a job"], "before the job begins"),
            (["--time=soon", "a job"], "not 'soon'"), (["--time=0", "a job"], "no time at all"),
            (["--requeue-max=3", "a job"], "without --requeue"), (["--array=a", "a job"], "not 'a'"),
            (["--container-option=x", "a job"], "without --container"),
            (["--container=docker://x", "job"], "begins with /"), (["--container=nothing", "/job"], "no image 'nothing'"),
            (["--sbatch-option=--nodes=3", "a job"], "barks-submit's own"),
            (["--sbatch-option=--no-requeue", "--requeue", "a job"], "contradicts --requeue"),
            (["--sbatch-option=fast", "a job"], "are one word"),
            (["--mpirun-option=-np", "a job"], "number of ranks"), (["--name=a'b", "a job"], "a quote"),
            (["--work=a", "a job", "--barks-work=b"], "contradicts --barks-work=b"), (["--often", "a job"], "--sbatch-option=--often"), (["--mem=4 G", "a job"], "one word")):
        errors = submit("--dry-run", *arguments, expected=2)
        assert words in errors and errors.startswith("barks-submit: "), (arguments, errors)


def help_has_every_option():
    text = submit("--help")
    for option in EVERYTHING:
        if option.startswith("--"):
            assert option.split("=")[0] in text, option
    assert "--dry-run" in text and "set -e" not in text, text


def manual_pages_have_every_option():
    for script, name in ((SUBMIT, "barks-submit"), (ROOT / "scripts/run-until-done", "barks-run-until-done")):
        page = (ROOT / f"docs/man/{name}.1").read_text()
        text = subprocess.run([script, "--help"], capture_output=True, text=True, check=True, timeout=60).stdout
        options = {option for line in text.splitlines() if line.startswith("  --")
                   for option in re.findall(r"(?:^  |, )--([a-z-]+)", line)}
        assert len(options) >= 4, text
        for option in options:
            assert f"Fl -{option}" in page, (name, option)


def examples_and_what_is_made_are_right_shell():
    made = [submit("--dry-run", "a job", *STRANGE), submit("--dry-run", *EVERYTHING, "a job", *STRANGE),
            submit("--dry-run", "--array=1,2", "--requeue", "a job", *STRANGE),
            submit("--dry-run", "--container=docker://x", "/job")]
    names = {path.name for path in EXAMPLES}
    assert names == {"one-node.sh", "several-nodes.sh", "array.sh", "requeue.sh", "container.sh"}, names
    for text in [*made, *(path.read_text() for path in EXAMPLES)]:
        for command in (["bash", "-n"], ["shellcheck", "-s", "bash", "-e", "SC2054", "-"]):
            if shutil.which(command[0]) is not None:
                done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)
                assert done.returncode == 0, (command, done.stdout, done.stderr, text)
    if shutil.which("shellcheck") is None:
        raise Skip("shellcheck is not installed; bash -n found nothing")


def the_example_of_one_node_runs_without_slurm():
    output = FOLDER / "squares"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SLURM_")}
    done = subprocess.run(["bash", ROOT / "scripts/examples/one-node.sh", JOB, "5", "0", output], timeout=60,
                          capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0 and (output / "_SUCCESS").exists(), done
    rows = {line for part in output.glob("part-*") for line in part.read_text().splitlines()[1:]}
    assert rows == {f"{i},{i * i}" for i in range(5)}, rows


run_cases(defaults_take_one_whole_node, every_option_has_its_line,
          recovery_is_asked_of_each_mpirun_in_its_words, sbatch_gets_what_dry_run_shows,
          arguments_arrive_as_they_are, the_number_in_an_array_stands_for_its_sign, the_end_of_the_time_is_looked_up,
          what_going_on_helps_requeues_and_not_for_ever, a_warning_reaches_mpirun_which_is_waited_for,
          containers_are_started_by_mpirun, what_contradicts_itself_is_refused, help_has_every_option,
          manual_pages_have_every_option,
          examples_and_what_is_made_are_right_shell, the_example_of_one_node_runs_without_slurm)
