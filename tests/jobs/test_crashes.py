"""A function that crashes is named, with its record, before the process ends by the signal: test_crashes.py FAILING-JOB
JOBS-FOLDER [PART-OF-A-NAME...]. Also threads that are stuck, whose stack is shown. Results are TAP on stdout."""

import functools
import os
import re
import resource
import signal
import subprocess
import sys

import harness
import inputs
import kills
import outputs
import shapes

PLAIN, MPI = shapes.PLAIN, shapes.Shape(ranks=3)
SHAPES = [PLAIN, shapes.Shape(executors=2), MPI]
# {mode of failing_job.c: signal}
CRASHES = {"segv": signal.SIGSEGV, "bus": signal.SIGBUS, "fpe": signal.SIGFPE, "ill": signal.SIGILL,
           "abrt": signal.SIGABRT, "stack": signal.SIGSEGV, "map": signal.SIGSEGV}


# A sanitizer would handle them, and end the process in its own way.
NOT_HANDLED = ":".join(f"handle_{name}=0" for name in ("segv", "sigbus", "sigfpe", "sigill", "abort"))


def own_signals():
    """Variables under which the signals are left to the job, with what the caller has set."""
    more = {"ASAN_OPTIONS": "verify_asan_link_order=0", "TSAN_OPTIONS": "", "UBSAN_OPTIONS": ""}
    return {name: ":".join(filter(None, [os.environ.get(name), NOT_HANDLED, option]))
            for name, option in more.items()}


def no_core():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def start(shape, program, arguments, folder, **variables):
    return start_command(shape.command(program, arguments), folder, **variables)


def start_command(command, folder, **variables):
    # While one tells of a crash, which may take seconds, a copy of its attempt would crash elsewhere.
    environment = {**shapes.environment(), **own_signals(), "BARKS_SPECULATION": "off", **variables}
    return subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
                            preexec_fn=no_core)


def check_says(ended, pattern):
    found = re.findall(pattern, ended.stderr.decode(errors="replace"), re.MULTILINE)
    if len(found) != 1:
        raise outputs.Wrong(f"{len(found)} lines say {pattern!r}\n{ended.describe()}")


def crashes(mode, shape, program, folder):
    output = os.path.join(folder, "output")
    ended = shapes.finish(start(shape, program, [mode, output], folder), 30)
    number = CRASHES[mode]
    # mpirun gives the status that a shell would.
    if ended.status != (128 + number if shape.ranks else -number):
        raise outputs.Wrong(f"it did not end by signal {number}\n{ended.describe()}")
    function, record = ("crash_in_map", "1 to 100") if mode == "map" else ("crash_at_one", "78")
    address = r" at address 0x[0-9a-f]+" if number != signal.SIGABRT else ""
    check_says(ended, rf"^barks: executor [12] on \S+ \(process \d+\) got signal {number:d} \({number.name}{address}\) in "
                      rf"'{function}' \(\S*failing_job\.c:\d+\), called at \S*failing_job\.c:\d+, record {record} of "
                      rf"partition 7 of stage \d+ of job \d+, attempt \d+$")
    check_says(ended, r"^barks: the calls of that thread, the last one first:$")
    if mode != "stack":  # there the last 64 calls are all the same
        check_says(ended, r"^\S*libbarks\.so\S*\(\+0x[0-9a-f]+\)\[0x[0-9a-f]+\]$(?s:.*)")
    if b"Signal code" in ended.stderr:
        raise outputs.Wrong(f"MPI tells of it too\n{ended.describe()}")
    outputs.check_nothing_visible(output)


# {mode of failing_job.c, number of ranks: (status, signals, what is said last)}
IN_TURN = {
    ("once", 4): (0, 1, rb"went on [0-9.]+ s after 1 executor"),
    ("segv", 5): (6, 2, rb"failed in task 7 after 2 attempts: attempt 1 on executor \d \(\S+\): the same; attempt 2 on "
                        rb"executor \d \(\S+\): it got signal 11 \(SIGSEGV\) in 'crash_at_one' \(\S*failing_job\.c:\d+\), "
                        rb"called at \S*failing_job\.c:\d+, record 78 of partition 7 of stage \d+ of job \d+"),
    ("segv", 3): (6, 2, rb"and it was the last one; as on the one before, amid task 7 it got signal 11 \(SIGSEGV\) in "
                        rb"'crash_at_one'"),
    ("killed", 4): (4, 0, rb"failed in task 7 of stage 1: 2 executors that ran it were lost while they did"),
}


def in_turn(mode, ranks, program, folder):
    """A function that ends every executor that runs it ends its job first, and for good."""
    output, note = os.path.join(folder, "output"), os.path.join(folder, "status")
    status, signal_count, text = IN_TURN[mode, ranks]
    command = ["mpirun", *kills.survival_options(), "--oversubscribe", "-np", str(ranks), program, mode, output,
               f"--barks-exit-file={note}", "--barks-workers=1"] + (["--barks-attempts=2"] if mode == "killed" else [])
    ended = shapes.finish(start_command(command, folder), 60)
    with open(note, "rb") as file:
        if file.read() != b"%d\n" % status or not re.search(text, ended.stderr):
            raise outputs.Wrong(f"not {status}, or not {text!r}\n{ended.describe()}")
    if ended.stderr.count(b" got signal 11 (SIGSEGV at") != signal_count:
        raise outputs.Wrong(f"not {signal_count} signals\n{ended.describe()}")
    if ended.status is None or os.path.exists(os.path.join(output, "_SUCCESS")) != (status == 0):
        raise outputs.Wrong(f"no end, or another one\n{ended.describe()}")


def the_own_handler_of_a_job_is_called_too(program, folder):
    """What was set before barks_init gets the signal after the report."""
    source, job = os.path.join(folder, "job.c"), os.path.join(folder, "libown.so")
    with open(source, "w", encoding="ascii") as file:
        file.write("#include <signal.h>\n#include <unistd.h>\n"
                   "static void own(int n) { (void)n; (void)!write(2, \"own handler\\n\", 12); _exit(42); }\n"
                   "__attribute__((constructor)) static void set(void) { signal(SIGFPE, own); }\n")
    done = subprocess.run(["cc", "-shared", "-fPIC", "-o", job, source], check=False, stderr=subprocess.DEVNULL)
    if done.returncode != 0:
        raise harness.Skipped("no compiler")
    output = os.path.join(folder, "output")
    ended = shapes.finish(start(PLAIN, program, ["fpe", output], folder, LD_PRELOAD=job), 30)
    if ended.status != 42:
        raise outputs.Wrong(f"the own handler did not end it\n{ended.describe()}")
    check_says(ended, r"^barks: executor 1 on .* got signal 8 \(SIGFPE")
    check_says(ended, r"^own handler$")


def a_stuck_thread_shows_its_stack(wordcount, folder):
    """The driver stands still where it must not, until the watchdog finds it."""
    text = inputs.write(folder, "text", b"some words\n")
    ended = shapes.finish(start(MPI, wordcount, [text, os.path.join(folder, "output"), "--barks-start-deadline=4s"],
                                folder, BARKS_FAULT="stall:at=driver.started,rank=0"), 60)
    if ended.status in (0, None):
        raise outputs.Wrong(f"it should have given up\n{ended.describe()}")
    check_says(ended, r"^barks: process \d+ on \S+: the start of the job has not ended for [0-9.]+ s; this rank gives up$")
    check_says(ended, r"^barks: the calls of the thread that is stuck, the last one first:$")
    if b"libbarks.so" not in ended.stderr:
        raise outputs.Wrong(f"no stack\n{ended.describe()}")
    outputs.check_nothing_visible(os.path.join(folder, "output"))


def main():
    program, folder, wanted = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3:]
    calls = []
    for mode in CRASHES:
        for shape in SHAPES:
            calls.append((f"{mode}, {shape.name}", functools.partial(harness.in_folder, crashes, mode, shape, program)))
    for mode, ranks in IN_TURN:
        calls.append((f"{mode} in turn, np {ranks}",
                      functools.partial(harness.in_folder, in_turn, mode, ranks, program)))
    calls.append(("the own handler of a job is called too",
                  functools.partial(harness.in_folder, the_own_handler_of_a_job_is_called_too, program)))
    calls.append(("a stuck thread shows its stack",
                  functools.partial(harness.in_folder, a_stuck_thread_shows_its_stack,
                                    os.path.join(folder, "wordcount"))))
    sys.exit(harness.run_all([(name, call) for name, call in calls
                              if not wanted or any(part in name for part in wanted)]))


if __name__ == "__main__":
    main()
