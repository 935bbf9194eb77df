"""Lost ranks under Open MPI 5 (ULFM): test_ulfm.py [PART-OF-A-NAME...]

Builds barks in the Debian of tests/ulfm/root, and lets executors die there: under endpoints alone (tests/net/survive.sh), then
under whole jobs (tests/jobs/test_recovery.py, test_lending.py). BARKS_TEST_SEED=n repeats a run.
"""

import os
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "root")
SKIPPED = 77
JOBS = os.path.join(os.path.dirname(ROOT), "..", "..", "jobs")

# Without optimisation, since compiling is what takes the time; assertions are on.
BUILD = """
set -e
again=
[ ! -f /build/build.ninja ] || again=--reconfigure
meson setup $again --buildtype=debug /build /barks
ninja -C /build -j 2 "$@"
"""
MPIRUN = "--with-ft ulfm --oversubscribe"
NET = [("endpoints: 4 ranks, shared memory", "memory", 4, 4), ("endpoints: 6 ranks, shared memory", "memory", 6, 3),
       ("endpoints: 5 ranks, tcp", "tcp", 5, 3)]


def in_root(*words):
    """The status, and what was said."""
    ended = subprocess.run([ROOT, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           errors="replace")
    return ended.returncode, ended.stdout


def build():
    targets = ["tests/net/mpi_survival", "tests/net/mpi_conformance", "tests/jobs/recover_job", "src/cli/barks"]
    targets += ["jobs/" + name.removesuffix(".c") for name in sorted(os.listdir(JOBS)) if name.endswith(".c")]
    return in_root("sh", "-c", BUILD, "build", *targets)


def conform():
    return in_root("sh", "-c", f"mpirun {MPIRUN} -np 3 /build/tests/net/mpi_conformance peers")


def survive(transport, ranks, runs):
    return in_root("/barks/tests/net/survive.sh", "mpirun", "/build/tests/net/mpi_survival", str(ranks), transport, str(runs))


def run_jobs(test):
    return in_root("python3", f"/barks/tests/jobs/{test}.py", "/build/jobs")


def main():
    parts = sys.argv[1:]
    status, said = in_root("mpirun", "--version")
    if status == SKIPPED:
        print(f"1..0 # SKIP {said.splitlines()[-1]}")
        return 0
    cases = [("Open MPI 5 is there", lambda: (status, said)), ("barks is built", build), ("endpoints: rounds by peers", conform)]
    cases += [(name, lambda rest=rest: survive(*rest)) for name, *rest in NET]
    cases += [("jobs: lost executors", lambda: run_jobs("test_recovery")), ("jobs: slow ones", lambda: run_jobs("test_lending"))]
    chosen = [(name, call) for name, call in cases if not parts or any(part in name for part in parts)]
    print(f"1..{len(chosen)}", flush=True)
    failed = False
    for number, (name, call) in enumerate(chosen, 1):
        status, said = call()
        failed |= status != 0
        print("".join(f"# {line}\n" for line in said.splitlines()), end="")
        print(f"{'ok' if status == 0 else 'not ok'} {number} - {name}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
