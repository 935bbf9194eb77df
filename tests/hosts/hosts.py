"""Several "hosts" on this machine, for one test: network namespaces on a bridge in a namespace of its own, so that no packet
leaves the machine. mpirun starts its daemons in them by an agent, each with a host name of its own, and MPI uses tcp."""
import os
import pathlib
import shutil
import subprocess
import tempfile

NETWORK = "10.201.7"


def why_not():
    """A sentence where no namespace can be made here, else None."""
    missing = [name for name in ("ip", "nsenter", "unshare", "mpirun") if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} is not installed"
    if os.geteuid() != 0:
        return "network namespaces need root"
    if "(Open MPI) 4" not in subprocess.run(["mpirun", "--version"], capture_output=True, text=True, check=False).stdout:
        return "other versions of Open MPI start their daemons in other ways"
    name = f"b{os.getpid()}try"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        return f"no namespace can be made: {made.stderr.strip()}"
    ip("netns", "del", name)
    return None


def ip(*words):
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"ip {' '.join(words)}: {done.stderr}")


class Hosts:
    """with Hosts(10) as hosts: hosts.command([...]), hosts.cut(3), hosts.mend(3). Numbers begin with 1, where mpirun runs."""

    def __init__(self, count, ranks_each=1):
        self.count, self.ranks_each, self.prefix = count, ranks_each, f"b{os.getpid()}h"
        self.hub = self.prefix + "hub"

    def name(self, number):
        return f"{self.prefix}{number}"

    def __enter__(self):
        self.holder = tempfile.TemporaryDirectory(prefix="barks-hosts-", ignore_cleanup_errors=True)
        self.folder = pathlib.Path(self.holder.name)
        try:
            self.up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def up(self):
        ip("netns", "add", self.hub)
        ip("-n", self.hub, "link", "add", "br0", "type", "bridge")
        ip("-n", self.hub, "link", "set", "br0", "up")
        for number in range(1, self.count + 1):
            host = self.name(number)
            ip("netns", "add", host)
            ip("-n", host, "link", "add", "eth0", "type", "veth", "peer", "name", f"v{number}", "netns", self.hub)
            ip("-n", self.hub, "link", "set", f"v{number}", "master", "br0", "up")
            ip("-n", host, "addr", "add", f"{NETWORK}.{number}/24", "dev", "eth0")
            ip("-n", host, "link", "set", "eth0", "up")
            ip("-n", host, "link", "set", "lo", "up")
        agent = self.folder / "agent"
        agent.write_text("#!/bin/bash\n# Instead of ssh: agent HOST COMMAND...\nhost=$1\nshift\n"
                         "exec nsenter --net=/run/netns/$host unshare --uts "
                         "bash -c 'hostname \"$0\"; exec bash -c \"$1\"' $host \"$*\"\n")
        agent.chmod(0o755)

    def __exit__(self, *_):
        for name in [self.hub] + [self.name(number) for number in range(1, self.count + 1)]:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        self.holder.cleanup()

    def command(self, words, options=()):
        """mpirun on the first host, as many ranks on each as there are to be; those of one share memory."""
        subnet = f"{NETWORK}.0/24"
        transports = "self,tcp" if self.ranks_each == 1 else "self,vader,tcp"
        hosts = ",".join(f"{self.name(number)}:{self.ranks_each}" for number in range(1, self.count + 1))
        enter = ["nsenter", f"--net=/run/netns/{self.name(1)}", "unshare", "--uts", "bash", "-c",
                 'hostname "$0"; exec "$@"', self.name(1)]
        return enter + ["mpirun", "--mca", "plm_rsh_agent", str(self.folder / "agent"),
                        "--mca", "oob_tcp_if_include", subnet, "--mca", "btl", transports,
                        "--mca", "btl_tcp_if_include", subnet,
                        # Each daemon takes all cores for its own, and ranks that start would wait at each other's cost.
                        "--mca", "mpi_yield_when_idle", "1", "--host", hosts, "--bind-to", "none",
                        "-np", str(self.count * self.ranks_each), *options, *map(str, words)]

    def cut(self, number):
        ip("-n", self.hub, "link", "set", f"v{number}", "down")

    def mend(self, number):
        ip("-n", self.hub, "link", "set", f"v{number}", "up")

    def slow(self, number, rate):
        """At most so fast, as tc writes it ("1mbit"); False where this kernel cannot."""
        done = subprocess.run(["tc", "-n", self.hub, "qdisc", "replace", "dev", f"v{number}", "root", "tbf", "rate", rate,
                               "burst", "16kb", "latency", "400ms"], capture_output=True, check=False)
        return done.returncode == 0
