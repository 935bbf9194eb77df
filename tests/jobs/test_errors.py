"""Jobs that cannot succeed say why, in one sentence that names the thing, end in time with a status that is not 0,
and leave no output that looks whole. Results are TAP on stdout.

usage: test_errors.py [--slow] FAILING-JOB JOBS-FOLDER [PART-OF-A-NAME...]
"""

import argparse
import contextlib
import functools
import gzip
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import time

import event_log
import harness
import inputs
import outputs
import shapes

NOBODY = 65534
MPI = shapes.Shape(ranks=3)
SHAPES = [shapes.PLAIN, shapes.Shape(executors=2), MPI]

# What failures must say, as expressions (paths and the like are put in escaped), and the exit status of the job,
# None where it is mpirun that decides it.
SAYS = {
    "missing": (5, r"cannot read input '{path}'.*: No such file or directory"),
    "unreadable": (5, r"'{path}'.*: Permission denied"),
    "not writable": (5, r"'{path}'.*: Permission denied"),
    "exists": (2, r"the output '{path}' exists"),
    "not overwritten": (2, r"the output '{path}' is not overwritten, since it holds 'precious'"),
    "disk full": (4, r"No space left on device"),
    "cut": (3, r"'{path}' is cut"),
    "damaged": (3, r"'{path}' is damaged"),
    "long line": (4, r"the line that begins at byte 0 of '{path}' has more than 1073741824 bytes"),
    "lost": (None, r"executor {rank} on {host} was lost"),
    "other binary": (2, r"rank 2 on {host} runs another program than the driver on {host}"),
    "not on all": (5, r"'{path}'"),
    "unknown option": (2, r"barks-splt-bytes.*barks-split-bytes"),
    "bad value": (2, r"--barks-split-bytes: 'many' is no value"),
    "no match": (None, r"{path}"),
    "usage": (2, r"usage: .*INPUT"),
    "refused": (6, r"called at \S+failing_job\.c:\d+, .*, record 78 of its partition \(value 777\): row 777 is refused"),
    "refused twice": (6, r"failed in task \d+ after 2 attempts: attempt 1 on executor \d+ \({host}\): the same; "
                         r"attempt 2 on executor \d+ \({host}\): .*row 777 is refused"),
    "refused variously": (6, r"failed in task \d+ after 4 attempts: attempt 1 on executor \d+ \({host}\): .*for reason 0; "
                             r"attempt 2 .*for reason 1; attempt 3 .*for reason 2; attempt 4 .*for reason 3"),
    "again": (0, r"\d+ tasks \(1 again\)"),
    "refused once": (6, r"failed in task \d+ on executor \d+ \({host}\): .*row 777 is refused"),
    "no field": (2, r"failing_job.c:[0-9]+.*\bname\b"),
    "finalized": (None, r"barks_finalize"),
}


class Place:
    """The folder of one case, with the job that it runs."""

    def __init__(self, program, failing_job, seed, folder):
        self.program, self.failing_job, self.seed, self.folder = program, failing_job, seed, folder
        self.output = os.path.join(folder, "output")

    def path(self, name):
        return os.path.join(self.folder, name)

    def text(self, name="text", size=1 << 20):
        return inputs.write(self.folder, name, inputs.words_text(inputs.generator(self.seed, name), size))


def pattern_of(key, values):
    _, pattern = SAYS[key]
    return pattern.format(**{name: re.escape(str(value)) for name, value in values.items()})


def check_says(ended, key, **values):
    pattern = pattern_of(key, values)
    if not re.search(pattern, ended.stderr.decode(errors="replace")):
        raise outputs.Wrong(f"no line says {pattern!r}\n{ended.describe()}")


def check_failed(ended, key, **values):
    status, _ = SAYS[key]
    if ended.status in (0, None) or (status is not None and ended.status != status):
        raise outputs.Wrong(f"it should have failed with status {status}\n{ended.describe()}")
    check_says(ended, key, **values)


def check_fails(place, arguments, key, shape, **values):
    """The job fails with that text, and its output does not look whole."""
    ended = shapes.run(shape, place.program, arguments, place.folder, limit_seconds=30)
    check_failed(ended, key, **values)
    check_left_nothing(place)


def check_left_nothing(place):
    """A job that fails by itself also takes away its hidden directory; one that is killed cannot."""
    outputs.check_nothing_visible(place.output)
    parent, name = os.path.split(place.output)
    hidden = [left for left in os.listdir(parent) if left.startswith(f".{name}.barks-")]
    if hidden:
        raise outputs.Wrong(f"the job left {hidden}")


def check_works(ended):
    if ended.status != 0:
        raise outputs.Wrong(ended.describe())


# ---- inputs and outputs ----

def missing_input(place, shape):
    check_fails(place, [place.path("no-such"), place.output], "missing", shape, path=place.path("no-such"))


def one_missing_of_two(place, shape):
    check_fails(place, [place.text(), place.path("no-such"), place.output], "missing", shape,
                path=place.path("no-such"))


def nothing_matches_the_glob(place, shape):
    check_fails(place, [place.path("*.none"), place.output], "no match", shape, path=place.path("*.none"))


def truncated_gzip(place, shape):
    whole = gzip.compress(inputs.words_text(inputs.generator(place.seed, "gzip"), 1 << 20))
    path = inputs.write(place.folder, "cut.gz", whole[:len(whole) // 2])
    check_fails(place, [path, place.output], "cut", shape, path=path)


def corrupt_gzip(place, shape):
    whole = bytearray(gzip.compress(inputs.words_text(inputs.generator(place.seed, "gzip"), 1 << 20)))
    whole[len(whole) // 2] ^= 0x55
    path = inputs.write(place.folder, "bad.gz", bytes(whole))
    check_fails(place, [path, place.output], "damaged", shape, path=path)


def truncated_zstd(place, shape):
    whole = inputs.zstd_compress(inputs.words_text(inputs.generator(place.seed, "zstd"), 1 << 20))
    path = inputs.write(place.folder, "cut.zst", whole[:len(whole) // 2])
    check_fails(place, [path, place.output], "cut", shape, path=path)


def output_exists(place, shape):
    text = place.text()
    inputs.write(place.folder, "output/precious", b"keep me\n")
    ended = shapes.run(shape, place.program, [text, place.output], place.folder, 30)
    check_failed(ended, "exists", path=place.output)
    if os.listdir(place.output) != ["precious"]:
        raise outputs.Wrong(f"the old output is touched: {os.listdir(place.output)}")


def overwrite_replaces_only_at_commit(place, shape):
    text = place.text()
    inputs.write(place.folder, "output/part-00000.csv", b"old\n")
    inputs.write(place.folder, "output/_SUCCESS", b"")
    ended = shapes.run(shape, place.program, [text, place.path("no-such"), place.output, "--overwrite"],
                       place.folder, 30)
    check_failed(ended, "missing", path=place.path("no-such"))
    if list(outputs.parts(place.output, ".csv")) != [b"old\n"]:
        raise outputs.Wrong("a job that failed has touched the old output")
    check_works(shapes.run(shape, place.program, [text, place.output, "--overwrite"], place.folder, 30))
    if b"old\n" in outputs.parts(place.output, ".csv"):
        raise outputs.Wrong("the old output is still there")


def overwrite_spares_what_no_job_wrote(place, shape):
    inputs.write(place.folder, "output/precious", b"keep me\n")
    ended = shapes.run(shape, place.program, [place.text(), place.output, "--overwrite"], place.folder, 30)
    check_failed(ended, "not overwritten", path=place.output)
    if os.listdir(place.output) != ["precious"]:
        raise outputs.Wrong(f"the old output is touched: {os.listdir(place.output)}")


def long_line(place, shape):
    """3 GiB without a newline, which takes no space on disk."""
    path = place.path("line")
    with open(path, "wb") as file:
        file.truncate(3 << 30)
    ended = shapes.run(shape, place.program, [path, place.output], place.folder, limit_seconds=120)
    check_failed(ended, "long line", path=path)
    check_left_nothing(place)


# ---- what needs root to be set up ----

def as_nobody(place, arguments, shape):
    """Root may read and write everything, so root runs the job as nobody."""
    prefix = []
    if os.geteuid() == 0:
        prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        os.chmod(place.folder, 0o755)
        if shutil.which("setpriv") is None or \
           subprocess.run(prefix + ["test", "-x", place.program], check=False).returncode != 0:
            raise harness.Skipped("nobody cannot run the job here")
    return shapes.finish(shapes.start(prefix + shape.command(place.program, arguments), place.folder), 30)


def unreadable_input(place, shape):
    text = place.text()
    os.chmod(text, 0)
    os.makedirs(place.path("open"))
    os.chmod(place.path("open"), 0o777)
    place.output = place.path("open/output")
    ended = as_nobody(place, [text, place.output], shape)
    check_failed(ended, "unreadable", path=text)
    check_left_nothing(place)


def output_not_writable(place, shape):
    text = place.text()
    os.makedirs(place.path("closed"))
    os.chmod(place.path("closed"), 0o555)
    place.output = place.path("closed/output")
    ended = as_nobody(place, [text, place.output], shape)
    check_failed(ended, "not writable", path=place.path("closed"))
    check_left_nothing(place)


def disk_full(place, shape):
    text = inputs.write(place.folder, "text", b"\n".join(b"word-%d" % i for i in range(200000)))
    with harness.small_disk(place.path("disk"), "256k"):
        place.output = place.path("disk/output")
        check_fails(place, [text, place.output], "disk full", shape)


def input_not_on_all_hosts(place):
    """The third rank sees an empty folder in the place of the input's: the second one does it all, unless each task
    is tried only once."""
    text = place.text("inputs/text")
    hide = f'mount -t tmpfs tmpfs "{place.path("inputs")}" && exec "$@"'
    probe = subprocess.run(["unshare", "--mount", "sh", "-c", hide, "-", "true"], check=False,
                           stderr=subprocess.DEVNULL)
    if probe.returncode != 0:
        raise harness.Skipped("hiding a folder from one rank needs root")
    for attempts in "1", "4":
        job = [place.program, text, place.output, "--barks-attempts", attempts] + shapes.OPTIONS
        hidden = ["unshare", "--mount", "sh", "-c", hide, "-"] + job
        command = shapes.MPIRUN + ["2"] + job + [":", "-np", "1"] + hidden
        ended = shapes.finish(shapes.start(command, place.folder), 30)
        if attempts == "4":
            check_works(ended)
        else:
            check_failed(ended, "not on all", path=text)
            check_left_nothing(place)


# ---- ranks that differ, die or are ended ----

def another_binary(place):
    """One byte more at the end is another program, although it does the same."""
    other = place.path("other")
    shutil.copy(place.program, other)
    with open(other, "ab") as file:
        file.write(b"\n")
    arguments = [place.text(), place.output] + shapes.OPTIONS
    libraries = "LD_LIBRARY_PATH=" + os.path.dirname(os.path.dirname(place.program))  # the copy lies elsewhere
    command = shapes.MPIRUN + ["2", place.program] + arguments
    command += [":", "-np", "1", "env", libraries, other] + arguments
    ended = shapes.finish(shapes.start(command, place.folder), 30)
    check_failed(ended, "other binary", host=socket.gethostname())
    check_left_nothing(place)


def parent_of(pid):
    with open(f"/proc/{pid}/stat", "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[1])


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    return int(fields[11]) + int(fields[12])


def find_rank(mpirun_pid, rank):
    """The process id of a rank, a child of mpirun, or None while it has not started."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                is_rank = f"OMPI_COMM_WORLD_RANK={rank}".encode() in file.read().split(b"\0")
            if is_rank and parent_of(name) == mpirun_pid:
                return int(name)
        except OSError:
            pass  # it has ended, or is not ours
    return None


def start_long_job(place, launcher_options=()):
    """A job of some seconds, and the process id of the last executor once it is at work."""
    text = place.text(size=4 << 20)
    named = [text] * 500  # 2 GB for a fraction of the disk
    command = MPI.command(place.program, named + [place.output])
    mpirun = shapes.start(command[:1] + list(launcher_options) + command[1:], place.folder)
    deadline = time.monotonic() + 30 * shapes.SLOWNESS
    at_work_ticks = 0.5 * os.sysconf("SC_CLK_TCK")  # MPI's own start takes about 0.2 s
    while time.monotonic() < deadline and mpirun.poll() is None:
        executor = find_rank(mpirun.pid, MPI.ranks - 1)
        with contextlib.suppress(OSError):
            if executor is not None and cpu_ticks(executor) >= at_work_ticks:
                return mpirun, executor
        time.sleep(0.005)  # between two looks at another process: there is nothing to wait on
    ended = shapes.finish(mpirun, 0)
    raise outputs.Wrong(f"the job was not seen at work\n{ended.describe()}")


def check_ended_by(place, mpirun):
    started = time.monotonic()
    ended = shapes.finish(mpirun, 20)
    seconds = time.monotonic() - started
    if ended.status in (0, None):
        raise outputs.Wrong(f"it should have failed\n{ended.describe()}")
    if seconds > 10 * shapes.SLOWNESS:
        raise outputs.Wrong(f"it took {seconds:.1f} s to end\n{ended.describe()}")
    outputs.check_nothing_visible(place.output)


def seconds_until_said(process, key, **values):
    """How long it takes until the standard error has the sentence."""
    pattern = re.compile(pattern_of(key, values).encode())
    began, said = time.monotonic(), b""
    os.set_blocking(process.stderr.fileno(), False)
    while not pattern.search(said):
        select.select([process.stderr], [], [], 1)
        more = process.stderr.read()
        if more == b"" or time.monotonic() - began > 30 * shapes.SLOWNESS:
            raise outputs.Wrong(f"it does not say '{key}' in {time.monotonic() - began:.1f} s: {said.decode()}")
        said += more or b""
    return time.monotonic() - began


def executor_killed(place):
    """Also over tcp, where no memory is shared with the dead: one sentence within five seconds."""
    for transport in ([], ["--mca", "btl", "self,tcp", "--mca", "btl_tcp_if_include", "lo"]):
        mpirun, executor = start_long_job(place, transport)
        os.kill(executor, signal.SIGKILL)
        seconds = seconds_until_said(mpirun, "lost", rank=MPI.ranks - 1, host=socket.gethostname())
        print(f"# told after {seconds:.2f} s{' over tcp' if transport else ''}", flush=True)
        os.set_blocking(mpirun.stderr.fileno(), True)
        check_ended_by(place, mpirun)
        if seconds > 5 * shapes.SLOWNESS:
            raise outputs.Wrong(f"it was told after {seconds:.1f} s")


def driver_killed(place):
    mpirun, _ = start_long_job(place)
    os.kill(find_rank(mpirun.pid, 0), signal.SIGKILL)
    check_ended_by(place, mpirun)


def mpirun_terminated(place):
    mpirun, _ = start_long_job(place)
    mpirun.send_signal(signal.SIGTERM)
    check_ended_by(place, mpirun)


def has_begun_a_task(logs):
    with contextlib.suppress(FileNotFoundError):
        return any(event_log.of_kind(event_log.read(os.path.join(logs, name), may_be_cut=True), "task_started") for name in os.listdir(logs))
    return False


def terminated_amid_a_function(place):
    """A function of the user's that does not come back is not waited for."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        folder = place.path(f"signal {number}")
        os.makedirs(folder)
        process = shapes.start([os.path.join(os.path.dirname(place.program), "pi"), "1" + 14 * "0", "--barks-workers=1",
                                "--barks-event-log=log", "--barks-time-reserve=1s"], folder)
        deadline = time.monotonic() + 30 * shapes.SLOWNESS
        while not has_begun_a_task(os.path.join(folder, "log")):
            if time.monotonic() > deadline or process.poll() is not None:
                raise outputs.Wrong(f"it did not begin\n{shapes.finish(process, 0).describe()}")
            time.sleep(0.01)
        process.send_signal(number)
        ended = shapes.finish(process, 20)
        if ended.status != 8 or b"ended by signal" not in ended.stderr or b"is ended by force" not in ended.stderr:
            raise outputs.Wrong(f"it should have been ended by force, with status 8\n{ended.describe()}")


def rank_never_starts(place):
    """The last rank leaves before barks has started on it."""
    job = [place.program, place.text(), place.output] + shapes.OPTIONS
    command = shapes.MPIRUN + ["2"] + job + [":", "-np", "1", "sh", "-c", "exit 3"]
    check_ended_by(place, shapes.start(command, place.folder))


# ---- the command line ----

def help_is_no_error(place, shape):
    ended = shapes.run(shape, place.program, ["--help"], place.folder, 30)
    check_works(ended)
    if b"INPUT" not in ended.stdout:
        raise outputs.Wrong(f"no usage\n{ended.describe()}")


def missing_arguments(place, shape):
    check_fails(place, [], "usage", shape)


def job_that_ends_at_once_is_quiet(place, shape):
    """An executor that has just started may be sending its first message when the job ends."""
    for _ in range(2 if shape.ranks else 25):
        ended = shapes.run(shape, place.program, [], place.folder, 30)
        check_failed(ended, "usage")
        if b"[barks" in ended.stderr:
            raise outputs.Wrong(f"more than the usage\n{ended.describe()}")


def unknown_option(place, shape):
    check_fails(place, [place.text(), place.output, "--barks-splt-bytes=1k"], "unknown option", shape)


def bad_value(place, shape):
    check_fails(place, [place.text(), place.output, "--barks-split-bytes=many"], "bad value", shape)


# ---- a program that is wrong ----

def run_failing(place, mode, shape):
    return shapes.run(shape, place.failing_job, [mode, place.output], place.folder, 30)


def body_reports_an_error(place, shape):
    check_failed(run_failing(place, "body", shape), "refused")
    check_left_nothing(place)


def the_same_error_twice_is_enough(place, shape):
    check_failed(run_failing(place, "body", shape), "refused twice", host=socket.gethostname())


def every_attempt_is_told(place, shape):
    check_failed(run_failing(place, "changing", shape), "refused variously", host=socket.gethostname())
    check_left_nothing(place)


def check_all_rows(place):
    names = sorted(name for name in os.listdir(place.output) if name.startswith("part-"))
    rows = 0
    for name in names:
        with open(os.path.join(place.output, name), "rb") as file:
            rows += file.read().count(b"fine\n")
    if rows != 1000:
        raise outputs.Wrong(f"{rows} rows of 1000 in {names}")


def a_task_that_fails_once_is_tried_again(place, shape):
    ended = run_failing(place, "flaky", shape)
    check_works(ended)
    check_says(ended, "again")
    check_all_rows(place)


def a_task_that_does_not_end_is_copied(place, shape):
    """Only where there is another executor."""
    if shape.executors != 2 and shape.ranks != 3:
        return
    arguments = ["stuck", place.output, "--barks-speculation.min=50ms"]
    check_works(shapes.run(shape, place.failing_job, arguments, place.folder, 30))
    check_all_rows(place)


def one_attempt_is_all_where_so_wanted(place, shape):
    ended = shapes.run(shape, place.failing_job, ["flaky", place.output, "--barks-attempts=1"], place.folder, 30)
    check_failed(ended, "refused once", host=socket.gethostname())
    check_left_nothing(place)


def field_is_missing(place, shape):
    check_failed(run_failing(place, "field", shape), "no field")
    check_left_nothing(place)


def action_after_finalize(place, shape):
    check_failed(run_failing(place, "finalized", shape), "finalized")


def finalize_twice(place, shape):
    check_failed(run_failing(place, "twice", shape), "finalized")


IN_ALL_SHAPES = [missing_input, one_missing_of_two, nothing_matches_the_glob, truncated_gzip, corrupt_gzip,
                 truncated_zstd, output_exists, overwrite_replaces_only_at_commit,
                 overwrite_spares_what_no_job_wrote, unreadable_input, output_not_writable, disk_full,
                 help_is_no_error, missing_arguments,
                 job_that_ends_at_once_is_quiet, unknown_option, bad_value,
                 body_reports_an_error, the_same_error_twice_is_enough, every_attempt_is_told,
                 a_task_that_fails_once_is_tried_again, a_task_that_does_not_end_is_copied, one_attempt_is_all_where_so_wanted, field_is_missing, action_after_finalize, finalize_twice]
UNDER_MPIRUN = [input_not_on_all_hosts, another_binary, executor_killed, driver_killed, mpirun_terminated,
                terminated_amid_a_function,
                rank_never_starts]
SLOW = [long_line]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--slow", action="store_true", help="run the slow cases, and only those")
    parser.add_argument("failing_job", help="failing_job.c, built")
    parser.add_argument("folder", help="where the jobs are built")
    parser.add_argument("names", nargs="*", help="parts of the names of cases (all)")
    options = parser.parse_args()
    seed = harness.seed_of_run()
    program = os.path.join(os.path.abspath(options.folder), "wordcount")

    def in_place(case, folder):
        case(Place(program, os.path.abspath(options.failing_job), seed, folder))

    calls = []
    for case in SLOW if options.slow else IN_ALL_SHAPES:
        for shape in SHAPES:
            calls.append((f"{case.__name__}, {shape.name}", functools.partial(case, shape=shape)))
    if not options.slow:
        calls += [(case.__name__, case) for case in UNDER_MPIRUN]
    chosen = [(name, functools.partial(harness.in_folder, in_place, case)) for name, case in calls
              if not options.names or any(part in name for part in options.names)]
    sys.exit(harness.run_all(chosen))


if __name__ == "__main__":
    main()
