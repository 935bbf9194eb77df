"""What a run must not leave: processes, files, segments of shared memory."""

import contextlib
import os
import signal
import time

import outputs
import shapes

MARK = "BARKS_TEST_MARK"


def places(folder):
    """The environment that has a run leave its files below folder, where check() looks for them."""
    for name in ("tmp", "shm", "out"):
        os.makedirs(os.path.join(folder, name))
    return {MARK: folder, "TMPDIR": os.path.join(folder, "tmp"), **shapes.session_folder(os.path.join(folder, "tmp")),
            "OMPI_MCA_btl_vader_backing_directory": os.path.join(folder, "shm")}


def processes_of(mark):
    """{process: its environment} of those that have inherited the mark."""
    wanted, found = f"{MARK}={mark}".encode(), {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/environ", "rb") as file:
            words = file.read().split(b"\0")
            if wanted in words:
                found[int(name)] = words
    return found


def lasting_processes(mark):
    """Those that are still there a moment later; they are ended."""
    deadline = time.monotonic() + 5
    while True:
        found = list(processes_of(mark))
        if not found or time.monotonic() > deadline:
            for process in found:
                with contextlib.suppress(OSError):
                    os.kill(process, signal.SIGKILL)
            return found
        time.sleep(0.05)  # between two looks at other processes: there is nothing to wait on


def check(folder, ended, names):
    """Beside the output there may be names."""
    left = set(os.listdir(os.path.join(folder, "out"))) - names
    if left:
        raise outputs.Wrong(f"it left {sorted(left)} beside the output\n{ended.describe()}")
    for name in ("tmp", "shm"):
        left = os.listdir(os.path.join(folder, name))
        if left:
            raise outputs.Wrong(f"it left {left} in {name}\n{ended.describe()}")
    processes = lasting_processes(folder)
    if processes:
        raise outputs.Wrong(f"it left the processes {processes}\n{ended.describe()}")
