"""What happens to rows on disk must not end in wrong rows: test_scratch.py LIMIT-JOB JOBS-FOLDER [MODE...]

The disk of the scratch files is full, they are damaged or cut while a job runs, or the executor that has them is
killed: the job says so in one sentence, its exit status is not 0, nothing that looks like an output is there, and no
scratch file has a name. What was damaged or cut may also be computed again: then the output is that of a quiet run.
"""

import contextlib
import functools
import os
import re
import signal
import sys
import time

import harness
import outputs
import shapes

MODES = ["sort", "group"]  # of limit_job.c
SHAPES = [shapes.PLAIN, shapes.Shape(ranks=3)]
MALFORMED_INPUT = 3  # which nobody would try again
ENOUGH = 8 << 20  # bytes in a scratch file, when rows are surely on disk
SENTENCE = re.compile(rb"^barks: (?!done in|failed in|stage )", re.MULTILINE)


def start(program, mode, shape, folder, scratch):
    arguments = [mode, os.path.join(folder, "output"), "--barks-memory=96m", f"--barks-scratch={scratch}"]
    return shapes.start(shape.command(program, arguments), folder)


def check(ended, folder, scratch, pattern):
    """status None is that of a job that did not end."""
    if ended.status in (0, None) or len(SENTENCE.findall(ended.stderr)) != 1 or not re.search(pattern, ended.stderr):
        raise outputs.Wrong(f"no one sentence says {pattern!r}\n{ended.describe()}")
    outputs.check_nothing_visible(os.path.join(folder, "output"))
    if os.listdir(scratch):
        raise outputs.Wrong(f"it left {os.listdir(scratch)}\n{ended.describe()}")


def children(process_id):
    """The process and all that it has started."""
    found = [process_id]
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{process_id}/task"):
            with open(f"/proc/{process_id}/task/{task}/children", encoding="ascii") as file:
                for child in file.read().split():
                    found += children(int(child))
    return found


def scratch_files(process_id, scratch):
    """(process id, path that opens it) of each scratch file that has rows."""
    for child in children(process_id):
        with contextlib.suppress(OSError):
            for name in os.listdir(f"/proc/{child}/fd"):
                path = f"/proc/{child}/fd/{name}"
                with contextlib.suppress(OSError):
                    if os.readlink(path).startswith(scratch) and os.stat(path).st_blocks * 512 >= ENOUGH:
                        yield child, path


def damage(path):
    """A byte of each 64 KiB."""
    with open(path, "r+b") as file:
        for offset in range(0, os.fstat(file.fileno()).st_size, 64 << 10):
            file.seek(offset + 1000)
            byte = file.read(1)
            file.seek(offset + 1000)
            file.write(bytes(255 - value for value in byte))


def cut(path):
    os.truncate(path, 0)


def do_once_on_disk(process, scratch, act):
    """Calls act for each file that has rows, once for each, until the job ends."""
    deadline, done = time.monotonic() + 60 * shapes.SLOWNESS, set()
    while process.poll() is None and time.monotonic() < deadline:
        for child, path in scratch_files(process.pid, scratch):
            if path not in done:
                done.add(path)
                with contextlib.suppress(OSError):
                    act(child, path)
        time.sleep(0.01)  # between two looks at other processes: there is nothing to wait on
    if not done:
        raise outputs.Wrong(f"no rows were seen on disk\n{shapes.finish(process, 0).describe()}")


def full(program, mode, shape, folder):
    scratch = os.path.join(folder, "scratch")
    with harness.small_disk(scratch, "6m"):
        ended = shapes.finish(start(program, mode, shape, folder, scratch), 60)
        check(ended, folder, scratch, rb"cannot write scratch data in '[^']*': No space left on device")


def spoiled(act, pattern, program, mode, shape, folder):
    scratch = os.path.join(folder, "scratch")
    os.mkdir(scratch)
    process = start(program, mode, shape, folder, scratch)
    do_once_on_disk(process, scratch, lambda child, path: act(path))
    ended = shapes.finish(process, 30)
    if ended.status == MALFORMED_INPUT:
        raise outputs.Wrong(f"a broken disk is no malformed input\n{ended.describe()}")
    if ended.status != 0:
        check(ended, folder, scratch, pattern)
        return
    output, quiet = os.path.join(folder, "output"), os.path.join(folder, "quiet")
    os.rename(output, quiet)
    again = shapes.finish(start(program, mode, shape, folder, scratch), 60)
    if again.status != 0:
        raise outputs.Wrong(f"the quiet run failed\n{again.describe()}")
    outputs.check_same(output, quiet, ".csv")


def killed(program, mode, shape, folder):
    scratch = os.path.join(folder, "scratch")
    os.mkdir(scratch)
    process = start(program, mode, shape, folder, scratch)
    do_once_on_disk(process, scratch, lambda child, path: os.kill(child, signal.SIGKILL))
    check(shapes.finish(process, 30), folder, scratch, rb"executor [12] on \S+ was lost")


def main():
    program, wanted = os.path.abspath(sys.argv[1]), sys.argv[3:]
    # What waits to be sent goes into the round as it was read: a hole of zeros is seen by who gets it.
    cut_is_told = rb"their bytes have changed|the file is shorter than was written|is no frame"
    calls = []
    for mode in MODES:
        if wanted and mode not in wanted:
            continue
        for shape in SHAPES:
            for name, call in [("full disk", full),
                               ("damaged", functools.partial(spoiled, damage, rb"their bytes have changed|bytes was changed")),
                               ("cut", functools.partial(spoiled, cut, cut_is_told))]:
                calls.append((f"{mode}, {name}, {shape.name}",
                              functools.partial(harness.in_folder, call, program, mode, shape)))
        calls.append((f"{mode}, executor killed, np 3",
                      functools.partial(harness.in_folder, killed, program, mode, shapes.Shape(ranks=3))))
    sys.exit(harness.run_all(calls))


if __name__ == "__main__":
    main()
