"""A whole Slurm on this machine, for one test: munged, slurmctld and a slurmd for each node, all on loopback, without
systemd. Everything is under a folder of its own, and ends with the test."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "sinfo", "scancel", "scontrol")
START_SECONDS = 30


def why_not():
    """A sentence where no Slurm can be started here, else None."""
    os.environ["PATH"] += ":/usr/sbin"  # where a user has no daemons
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"Slurm is not installed ({', '.join(missing)}): scripts/setup slurm"
    if os.geteuid() != 0:
        return "starting a Slurm needs root"
    return None


def free_ports(count):
    """Ports that nobody listens on; all are found before any is given back."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Cluster:
    """with Cluster(nodes=2) as slurm: slurm.submit(script), slurm.wait(job) ..."""

    def __init__(self, nodes=2, cpus=2, cred_expire=120):
        self.nodes, self.cpus, self.cred_expire = nodes, cpus, cred_expire
        self.daemons = []

    def __enter__(self):
        self.holder = tempfile.TemporaryDirectory(prefix="barks-slurm-", ignore_cleanup_errors=True)
        self.folder = pathlib.Path(self.holder.name)
        self.folder.chmod(0o755)
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for daemon in reversed(self.daemons):
            daemon.terminate()
        for daemon in reversed(self.daemons):
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self.holder.cleanup()

    def configuration(self):
        host = socket.gethostname().split(".")[0]
        ports = free_ports(1 + self.nodes)
        folder = self.folder
        lines = [
            "ClusterName=barks", f"SlurmctldHost={host}(127.0.0.1)", f"SlurmctldPort={ports[0]}", "SlurmUser=root",
            "AuthType=auth/munge", f"AuthInfo=socket={folder}/munge/socket,cred_expire={self.cred_expire}", "CredType=cred/munge",
            f"StateSaveLocation={folder}/state", f"SlurmdSpoolDir={folder}/spool.%n",
            f"SlurmctldPidFile={folder}/log/slurmctld.pid", f"SlurmdPidFile={folder}/log/slurmd.%n.pid",
            f"SlurmctldLogFile={folder}/log/slurmctld.log", f"SlurmdLogFile={folder}/log/slurmd.%n.log",
            "ProctrackType=proctrack/linuxproc", "TaskPlugin=task/none",
            "JobAcctGatherType=jobacct_gather/none", "AccountingStorageType=accounting_storage/none",
            "SchedulerType=sched/backfill", "SelectType=select/cons_tres", "SelectTypeParameters=CR_Core_Memory",
            "MpiDefault=none", "ReturnToService=2", "JobRequeue=1", "KillWait=5", "InactiveLimit=0", "MinJobAge=300",
            "SlurmdTimeout=30",
            "SlurmdParameters=config_overrides",  # nodes may have more cores than this machine
            "SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=200000"]
        for number in range(1, self.nodes + 1):
            (folder / f"spool.n{number}").mkdir()
            lines.append(f"NodeName=n{number} NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[number]} "
                         f"CPUs={self.cpus} RealMemory=2000 State=UNKNOWN")
        lines.append(f"PartitionName=main Nodes=n[1-{self.nodes}] Default=YES MaxTime=INFINITE State=UP")
        return "\n".join(lines) + "\n"

    def daemon(self, *command):
        name = pathlib.Path(command[0]).name
        with open(self.folder / "log" / f"{name}.out", "ab") as out:
            self.daemons.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                                 env=self.environment(), start_new_session=True))

    def environment(self):
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("SLURM_", "SBATCH_"))}
        # All nodes have the name of this machine, by which Open MPI names its shared memory: they would share it.
        kept |= {"OMPI_MCA_btl": "self,tcp", "OMPI_MCA_btl_tcp_if_include": "lo"}
        # After an error MPI may still write to what it was given, which is left to it.
        kept["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        return {**kept, "SLURM_CONF": str(self.folder / "slurm.conf"), "OMPI_ALLOW_RUN_AS_ROOT": "1",
                "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}

    def start(self):
        for name in ("log", "state", "munge"):
            (self.folder / name).mkdir()
        munge = self.folder / "munge"
        munge.chmod(0o700)
        (munge / "key").write_bytes(os.urandom(1024))
        (munge / "key").chmod(0o400)
        (self.folder / "slurm.conf").write_text(self.configuration())
        self.daemon("munged", "-F", "-f", f"--key-file={munge}/key", f"--socket={munge}/socket",
                    f"--pid-file={munge}/pid", f"--log-file={munge}/log", f"--seed-file={munge}/seed")
        self.until("munged listens", (munge / "socket").exists)
        self.daemon("slurmctld", "-D", "-f", str(self.folder / "slurm.conf"))
        self.until("slurmctld answers", lambda: "UP" in self.run("scontrol", "ping", check=False))
        for number in range(1, self.nodes + 1):
            self.daemon("slurmd", "-D", "-N", f"n{number}", "-f", str(self.folder / "slurm.conf"))
        self.until("all nodes are idle", lambda: len(self.run(
            "sinfo", "-h", "-N", "-t", "idle", "-o", "%N", check=False).split()) == self.nodes)

    def until(self, what, is_so, seconds=START_SECONDS):
        """Slurm tells nobody when something has happened, so it is asked."""
        end = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds} s: {what}\n{self.logs()}")
            time.sleep(0.1)

    def logs(self):
        return "".join(f"--- {path.name}\n{path.read_text(errors='replace')[-1500:]}"
                       for path in sorted((self.folder / "log").glob("*.*")))

    def run(self, *command, check=True, **options):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60,
                              env=self.environment(), **options)
        if check and done.returncode != 0:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}{self.logs()}")
        return done.stdout

    def submit(self, *command, **options):
        """Runs sbatch, or what calls it; returns the job's number."""
        return self.run(*command, **options).split()[-1]

    def field(self, job, name):
        """A value of `scontrol show job`, or ""."""
        for word in self.run("scontrol", "show", "job", job, check=False).split():
            if word.startswith(name + "="):
                return word[len(name) + 1:]
        return ""

    def wait(self, job, *states, seconds=60):
        self.until(f"job {job} is {' or '.join(states)} (it is {self.field(job, 'JobState')})",
                   lambda: self.field(job, "JobState") in states, seconds)

    def exit_status(self, job):
        """Of the batch script: Slurm writes "status:signal"."""
        return self.field(job, "ExitCode")


def processes_of(job):
    """Who runs for a job of Slurm: its environment says so."""
    mark = f"SLURM_JOB_ID={job}".encode()
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if mark in (path / "environ").read_bytes().split(b"\0"):
                found.append((int(path.name), (path / "cmdline").read_bytes().replace(b"\0", b" ").decode()))
        except OSError:  # it has ended, or is none of ours
            continue
    return found


def end_processes(found):
    for pid, _ in found:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
