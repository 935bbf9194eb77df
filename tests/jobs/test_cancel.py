"""Jobs that somebody ends, amid functions that take their time and programs of pipes that do not end, in every way in
which a job can be ended: with the status that is promised, and nothing of theirs runs on. Results are TAP on stdout.

usage: test_cancel.py CANCEL-JOB JOBS-FOLDER [PART-OF-A-NAME...]
"""

import functools
import os
import signal
import subprocess
import sys
import time

import harness
import leftovers
import outputs
import shapes

PLAIN, LOCAL, MPI = shapes.PLAIN, shapes.Shape(executors=2), shapes.Shape(ranks=3)
SHAPES = [PLAIN, LOCAL, MPI]
INTERRUPTED = 8
PIPES, SLOW = ["pipe", "deaf"], ["sort", "dealt"]


def start(program, mode, shape, folder, *options):
    """The job once a task of each executor is at work. They have but one each: a program that is started just when its
    executor is killed may be left."""
    begun = os.path.join(folder, "begun")
    os.makedirs(begun)
    environment = {**shapes.environment(), **leftovers.places(folder)}
    process = subprocess.Popen(shape.command(program, [mode, begun, "--barks-workers=1", *options]), cwd=folder, env=environment,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               start_new_session=True)
    deadline = time.monotonic() + 30 * shapes.SLOWNESS
    while len(os.listdir(begun)) < (1 if shape is PLAIN else 2):
        if time.monotonic() > deadline or process.poll() is not None:
            raise outputs.Wrong(f"it did not begin\n{shapes.finish(process, 0).describe()}")
        time.sleep(0.01)  # between two looks: there is nothing to wait on
    return process


def check_end(process, folder, statuses, says=b""):
    """None in statuses: mpirun decides, but it is no success."""
    ended = shapes.finish(process, 30)
    if ended.status is None or (ended.status == 0 if statuses is None else ended.status not in statuses):
        raise outputs.Wrong(f"it should have ended with {statuses or 'a failure'}\n{ended.describe()}")
    if says not in ended.stderr:
        raise outputs.Wrong(f"it does not say {says.decode()!r}\n{ended.describe()}")
    processes = leftovers.lasting_processes(folder)
    if processes:
        raise outputs.Wrong(f"it left the processes {processes}\n{ended.describe()}")


def interrupted_once(program, mode, shape, folder):
    """In good order; mpirun ends its ranks itself."""
    process = start(program, mode, shape, folder)
    process.send_signal(signal.SIGINT)
    if shape is MPI:
        check_end(process, folder, None)
    else:
        check_end(process, folder, [INTERRUPTED], b"ended by signal")


def interrupted_twice(program, mode, shape, folder):
    """At once, unless the first one was quick enough."""
    process = start(program, mode, shape, folder)
    process.send_signal(signal.SIGINT)
    time.sleep(0.02)  # two signals that are pending are one
    process.send_signal(signal.SIGINT)
    check_end(process, folder, None if shape is MPI else [INTERRUPTED, 128 + signal.SIGINT])


def terminated(program, mode, shape, folder):
    process = start(program, mode, shape, folder, "--barks-time-reserve=2s")
    process.send_signal(signal.SIGTERM)
    check_end(process, folder, None if shape is MPI else [INTERRUPTED])


def killed(program, mode, shape, folder):
    """The process, or under mpirun the last rank, without a chance to say or do anything."""
    process = start(program, mode, shape, folder)
    victims = [process.pid]
    if shape is MPI:
        rank = f"OMPI_COMM_WORLD_RANK={shape.ranks - 1}".encode()
        victims = [pid for pid, words in leftovers.processes_of(folder).items()
                   if rank in words and os.path.basename(os.readlink(f"/proc/{pid}/exe")) == os.path.basename(program)]
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    check_end(process, folder, None)


def crashed(program, mode, shape, folder):
    """A signal that says that the process is broken."""
    process = start(program, mode, shape, folder)
    process.send_signal(signal.SIGABRT)
    check_end(process, folder, None)


def main():
    program, names = os.path.abspath(sys.argv[1]), sys.argv[3:]
    cases = [(end, mode, shape) for end in (interrupted_once, interrupted_twice, terminated)
             for mode in PIPES + SLOW for shape in SHAPES]
    cases += [(killed, mode, shape) for mode in PIPES for shape in SHAPES]
    cases += [(crashed, mode, shape) for mode in PIPES for shape in (PLAIN, LOCAL)]
    named = [(f"{end.__name__}, {mode}, {shape.name}", functools.partial(end, program, mode, shape))
             for end, mode, shape in cases]
    sys.exit(harness.run_all([(name, functools.partial(harness.in_folder, case)) for name, case in named
                              if not names or any(part in name for part in names)]))


if __name__ == "__main__":
    main()
