"""The shapes that a job can run in, and running it in one of them.

A shape must not change a job's output, so tests run the same job in many of them: as a plain process, with
several executors in one process, and under mpirun.
"""

import atexit
import dataclasses
import functools
import os
import shutil
import signal
import subprocess
import tempfile

# The same for all shapes, since partitions come from the configuration. Small: small inputs have many splits.
OPTIONS = ["--barks-split-bytes=64k"]

MPIRUN = ["mpirun", "--oversubscribe", "-np"]

# What sanitizers and valgrind cost: every limit in seconds is multiplied by it.
SLOWNESS = float(os.environ.get("BARKS_TEST_SLOWNESS", "1"))

END_SECONDS = 10  # from SIGTERM to SIGKILL: mpirun takes 2 s to end its ranks


@dataclasses.dataclass(frozen=True)
class Shape:
    ranks: int = 0  # 0: without mpirun
    executors: int = 0  # in one process; 0: as the job chooses
    nodes: str = ""  # "0,0,1": that each rank is as if on; rounds then go in two levels

    @property
    def name(self):
        if self.ranks > 0:
            return f"np {self.ranks}" + (f" nodes {self.nodes}" if self.nodes else "")
        return f"local {self.executors}" if self.executors > 0 else "plain"

    def command(self, program, arguments):
        launcher = MPIRUN + [str(self.ranks)] if self.ranks > 0 else []
        options = [f"--barks-local={self.executors}"] if self.executors > 0 else []
        if self.nodes:
            launcher += ["-x", f"BARKS_TEST_NODES={self.nodes}"]
            options += ["--barks-exchange-levels=two"]
        return launcher + [program] + arguments + OPTIONS + options


PLAIN = Shape()
ALL = [PLAIN] + [Shape(executors=n) for n in (1, 2, 4)] + [Shape(ranks=n) for n in (1, 2, 3, 5)]
NODES = [Shape(ranks=5, nodes="0,0,1,1,1"), Shape(ranks=6, nodes="0,1,1,0,0,2")]
FEW = [PLAIN, Shape(executors=2), Shape(ranks=3)]  # for large inputs


@dataclasses.dataclass
class Ended:
    """What a run left: status is None where it had to be killed at its limit."""

    command: list
    status: int | None
    stdout: bytes
    stderr: bytes

    def describe(self):
        status = "no end in time" if self.status is None else f"status {self.status}"
        text = " ".join(self.command) + f": {status}"
        for name, output in (("stdout", self.stdout), ("stderr", self.stderr)):
            if output:
                text += f"\n{name}: " + output[-3000:].decode(errors="replace").rstrip()
        return text


def session_folder(folder):
    """The environment that has mpirun keep its session files below folder: Open MPI 4 and 5 in turn."""
    return {"OMPI_MCA_orte_tmpdir_base": folder, "PRTE_MCA_prte_tmpdir_base": folder}


@functools.cache
def session_folders():
    folder = tempfile.mkdtemp(prefix="barks-mpi-")
    os.chmod(folder, 0o1777)  # some jobs run as another user
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # an mpirun that was killed leaves files
    return folder


def own_session_folder():
    """Another one each time. One that starts where another one does or ends, which makes or removes the folder of both,
    cannot start (Open MPI 4.1)."""
    folder = tempfile.mkdtemp(dir=session_folders())
    os.chmod(folder, 0o1777)
    return folder


def environment():
    """Tests must not see what the caller's own MPI or configuration says."""
    keep = {name: value for name, value in os.environ.items()
            if not name.startswith(("BARKS_", "OMPI_", "PMIX_", "PRTE_"))}
    keep.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", LC_ALL="C",
                XDG_CONFIG_HOME="/nonexistent", **session_folder(own_session_folder()))
    return keep


def start(command, folder, **options):
    return subprocess.Popen(command, cwd=folder, env=environment(), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            start_new_session=True, **options)


def rest_of(process):
    """What it has written, also where a process that it has left holds the pipes."""
    try:
        return process.communicate(timeout=END_SECONDS)
    except subprocess.TimeoutExpired as left:
        for pipe in (process.stdout, process.stderr):
            pipe.close()
        return left.output or b"", left.stderr or b""


def finish(process, limit_seconds):
    """Waits for a process that start() made; past the limit it is ended, with all that it started."""
    status = None
    try:
        stdout, stderr = process.communicate(timeout=limit_seconds * SLOWNESS)
        status = process.returncode
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)  # mpirun then ends its ranks, which are in groups of their own
        try:
            stdout, stderr = process.communicate(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            stdout, stderr = rest_of(process)
    return Ended(process.args, status, stdout, stderr)


def run(shape, program, arguments, folder, limit_seconds=60):
    return finish(start(shape.command(program, arguments), folder), limit_seconds)
