"""Runs the cases of a job in all shapes: against its oracle, and against each other byte for byte.

A job's test is a file with a list of cases; it ends with `main(NAME, SUFFIX, CASES)`, where SUFFIX is that of
the parts it writes, or None. Results are TAP on stdout. BARKS_TEST_SEED=n repeats a run; arguments after the
options choose cases by a part of their name.
"""

import argparse
import contextlib
import dataclasses
import os
import random
import shutil
import subprocess
import sys
import tempfile
import traceback
import typing

import inputs
import outputs
import shapes


@dataclasses.dataclass
class Case:
    """make(folder, rng) makes the input and returns the arguments that name it; arguments(inputs, output) are the
    job's. check(inputs, output) and check_stdout(inputs, stdout) raise outputs.Wrong where what the job has written
    or printed is not the oracle's."""

    name: str
    make: typing.Callable
    check: typing.Callable
    arguments: typing.Callable = lambda named, output: named + [output]
    check_stdout: typing.Callable = lambda named, stdout: None
    shapes: list = dataclasses.field(default_factory=lambda: shapes.ALL)
    limit_seconds: float = 60
    is_slow: bool = False


def all_inputs(check, arguments=None, small_file_count=10000):
    """A case for each of the inputs that every text job must get right."""
    options = {} if arguments is None else {"arguments": arguments}
    makers = {name: inputs.one_text(name) for name in inputs.TEXTS} | inputs.LAYOUTS
    cases = [Case(name, make, check, **options) for name, make in makers.items()]
    cases.append(Case(f"{small_file_count} small files", inputs.small_files(small_file_count), check,
                      shapes=shapes.FEW, **options))
    return cases


def check_shape(case, named, suffix, output, first_output, ended, first_ended):
    """The first shape is compared with the oracle, the others with the first; what is printed counts too."""
    if ended.status != 0:
        raise outputs.Wrong("it failed")
    if first_ended is None:
        case.check_stdout(named, ended.stdout)
        case.check(named, output)
        return
    if ended.stdout != first_ended.stdout:
        raise outputs.Wrong(f"it printed something else than\n{first_ended.describe()}")
    if suffix is not None:
        outputs.check_same(output, first_output, suffix)


def run_case(case, program, suffix, seed, folder):
    input_folder = os.path.join(folder, "input")
    os.makedirs(input_folder)
    named = case.make(input_folder, inputs.generator(seed, case.name))
    first_output, first_ended = os.path.join(folder, "output " + case.shapes[0].name), None
    for shape in case.shapes:
        output = os.path.join(folder, "output " + shape.name)
        ended = shapes.run(shape, program, case.arguments(named, output), folder, case.limit_seconds)
        try:
            check_shape(case, named, suffix, output, first_output, ended, first_ended)
        except outputs.Wrong as wrong:
            raise outputs.Wrong(f"{shape.name}: {wrong}\n{ended.describe()}") from wrong
        if first_ended is None:
            first_ended = ended
        elif suffix is not None:
            shutil.rmtree(output)
    strange = set(os.listdir(folder)) - {"input", os.path.basename(first_output)}
    if strange:
        raise outputs.Wrong(f"the job left {sorted(strange)[:20]} beside its output")


def report(number, name, wrong):
    print(f"{'not ok' if wrong else 'ok'} {number} - {name}")
    if wrong:
        for line in wrong.split("\n"):
            print(f"# {line}")
        print(f"{name}: {wrong}", file=sys.stderr, flush=True)  # of a failed test meson shows only this
    sys.stdout.flush()


class Skipped(Exception):
    """This machine cannot run the case; the text says what it lacks."""


@contextlib.contextmanager
def small_disk(folder, size):
    """A file system of its own in memory, which is soon full."""
    os.makedirs(folder)
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=False,
        stderr=subprocess.DEVNULL).returncode == 0
    if not mounted:
        raise Skipped("mounting a small disk needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def run_all(named_calls):
    """Calls each of (name, function) and prints the results as TAP. Returns the exit status."""
    failed = 0
    print(f"1..{len(named_calls)}", flush=True)
    for number, (name, call) in enumerate(named_calls, 1):
        wrong = None
        try:
            call()
        except Skipped as skipped:
            print(f"ok {number} - {name} # SKIP {skipped}", flush=True)
            continue
        except outputs.Wrong as error:
            wrong = str(error)
        except Exception:  # a mistake of the test itself must not hide the other cases
            wrong = traceback.format_exc().rstrip()
        failed += wrong is not None
        report(number, name, wrong)
    return 1 if failed else 0


def in_folder(call, *arguments):
    with tempfile.TemporaryDirectory(prefix="barks-test-", ignore_cleanup_errors=True) as folder:
        call(*arguments, folder)


def seed_of_run():
    seed = int(os.environ.get("BARKS_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"# replay with BARKS_TEST_SEED={seed}", flush=True)
    return seed


def main(job, suffix, cases):
    parser = argparse.ArgumentParser()
    parser.add_argument("--slow", action="store_true", help="run the slow cases, and only those")
    parser.add_argument("--shapes", default="", help="only shapes whose names begin so: 'plain,np 3'")
    parser.add_argument("folder", help="where the jobs are built")
    parser.add_argument("names", nargs="*", help="parts of the names of cases (all)")
    options = parser.parse_args()
    seed = seed_of_run()
    program = os.path.join(os.path.abspath(options.folder), job)
    chosen = [case for case in cases if case.is_slow == options.slow and
              (not options.names or any(name in case.name for name in options.names))]
    for case in chosen:
        case.shapes = [shape for shape in case.shapes if shape.name.startswith(tuple(options.shapes.split(",")))]
    sys.exit(run_all([(case.name, lambda case=case: in_folder(run_case, case, program, suffix, seed))
                      for case in chosen]))
