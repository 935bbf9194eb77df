"""Runs a job under mpirun and kills some of its ranks: at moments, or (BARKS_FAULT) at points of the protocol."""

import os
import signal
import subprocess
import threading
import time

import shapes

END_SECONDS = 5
BEGUN = b" executors with "  # what the driver logs once all have reported


def survival_options():
    """What makes the mpirun of this machine let ranks outlive each other."""
    version = subprocess.run(["mpirun", "--version"], stdout=subprocess.PIPE, env=shapes.environment(), check=True).stdout
    return ["--enable-recovery"] if b" 4." in version.splitlines()[0] else ["--with-ft", "ulfm"]


def ranks_of(mpirun):
    """{rank: pid} of the processes that this mpirun has started and that live."""
    found = {}
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                parent = int(file.read().rpartition(b")")[2].split()[1])
            if parent != mpirun:
                continue
            with open(f"/proc/{name}/environ", "rb") as file:
                variables = dict(text.partition(b"=")[::2] for text in file.read().split(b"\0"))
            if b"OMPI_COMM_WORLD_RANK" in variables:
                found[int(variables[b"OMPI_COMM_WORLD_RANK"])] = int(name)
        except (OSError, ValueError, IndexError):
            continue  # no process, or it has gone meanwhile
    return found


class Reader(threading.Thread):
    """Takes in a pipe; begun is set when the driver has begun to work."""

    def __init__(self, pipe, begun=None):
        super().__init__(daemon=True)
        self.pipe, self.begun, self.text = pipe, begun, b""
        self.start()

    def run(self):
        for line in self.pipe:
            self.text += line
            if self.begun is not None and BEGUN in line:
                self.begun.set()
        if self.begun is not None:
            self.begun.set()


class Run:
    """A job under mpirun, begun: all its executors have reported."""

    def __init__(self, ranks, program, arguments, folder, launcher=(), fault=None):
        environment = shapes.environment()
        if fault:
            environment["BARKS_FAULT"] = fault
        self.command = (["mpirun", *launcher, "--oversubscribe", "-np", str(ranks), program] + arguments +
                        shapes.OPTIONS + ["--barks-log=runtime=info"])
        self.described = ([f"BARKS_FAULT={fault}"] if fault else []) + self.command
        self.process = subprocess.Popen(self.command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        begun = threading.Event()
        self.stdout, self.stderr = Reader(self.process.stdout), Reader(self.process.stderr, begun)
        begun.wait(30 * shapes.SLOWNESS)
        self.begun_at = time.monotonic()
        self.pids = ranks_of(self.process.pid)

    def signal(self, rank, number=signal.SIGKILL):
        """False: it had gone."""
        try:
            os.kill(self.pids[rank], number)
        except (KeyError, ProcessLookupError):
            return False
        return True

    def kill_at(self, moments):
        """[(seconds since the beginning, rank)]: those that were alive are returned."""
        killed = []
        for seconds, rank in sorted(moments):
            left = self.begun_at + seconds - time.monotonic()
            if left > 0:
                time.sleep(left)
            if self.signal(rank):
                killed.append(rank)
        return killed

    def finish(self, limit_seconds):
        """Waits for the end; past the limit all is ended. Returns shapes.Ended."""
        status = None
        try:
            status = self.process.wait(limit_seconds * shapes.SLOWNESS)
        except subprocess.TimeoutExpired:
            for pid in [self.process.pid, *ranks_of(self.process.pid).values()]:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.wait()
        self.seconds = time.monotonic() - self.begun_at
        self.stdout.join(5)
        self.stderr.join(5)
        return shapes.Ended(self.described, status, self.stdout.text, self.stderr.text)

    def left_behind(self):
        """Ranks that live though mpirun has ended; with ULFM it does not wait for all when one has failed."""
        until = time.monotonic() + END_SECONDS * shapes.SLOWNESS
        while True:
            living = [rank for rank, pid in self.pids.items() if is_rank(pid, rank)]
            if not living or time.monotonic() > until:
                return living
            time.sleep(0.02)


def is_rank(pid, rank):
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return b"OMPI_COMM_WORLD_RANK=%d\0" % rank in file.read()
    except OSError:
        return False
