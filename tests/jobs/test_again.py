"""Tasks that read an exchange are tried again: test_again.py AGAIN-JOB JOBS-FOLDER [PART-OF-A-NAME...]

A function fails once, three times or always in a task whose rows come from an exchange, also where what it has read
lies on disk. What is written, and what is counted, must be that of a run in which nothing fails; or there is one
sentence that lists the attempts.
"""

import functools
import os
import re
import shutil
import socket
import sys

import harness
import outputs
import shapes

STEPS = ["reduce", "group", "with", "join", "cogroup", "sort", "repartition", "chain"]
SHAPES = [shapes.PLAIN, shapes.Shape(executors=2)] + [shapes.Shape(ranks=n) for n in (1, 2, 3, 5)]
FEW_SHAPES = [shapes.PLAIN, shapes.Shape(ranks=3)]
SMALL = ["--barks-memory=64m", "--barks-workers=2"]
NO_COPIES = "--barks-speculation=false"  # they count as tasks that are run again
ROWS, MANY_ROWS = 30000, 300000  # of some 300 bytes; many do not fit in little memory
USER_ERROR = 6
ON = r"on executor \d+ \(" + re.escape(socket.gethostname()) + r"\)"
TWICE = rf"failed in task \d+ after 2 attempts: attempt 1 {ON}: the same; attempt 2 {ON}: .*key 777 is refused"
OFTEN = (rf"failed in task \d+ after 4 attempts: attempt 1 {ON}: .*for reason 0; attempt 2 {ON}: .*for reason 1; "
         rf"attempt 3 {ON}: .*for reason 2; attempt 4 {ON}: .*for reason 3")
OVERRUN = rf"failed in task \d+ after 4 attempts: attempt 1 {ON}: .*--barks-task-time-limit"


def need(holds, text, ended):
    if not holds:
        raise outputs.Wrong(f"{text}\n{ended.describe()}")


def says(ended, pattern):
    need(re.search(pattern, ended.stderr.decode(errors="replace")), f"no line says {pattern!r}", ended)


def run(program, mode, failures, shape, folder, options=()):
    rows = MANY_ROWS if SMALL[0] in options else ROWS
    output = os.path.join(folder, "output")
    shutil.rmtree(output, ignore_errors=True)
    return shapes.run(shape, program, [mode, str(failures), str(rows), output, NO_COPIES] + list(options), folder)


def quiet_run(program, mode, folder, options=()):
    """The folder with what a step gives when nothing fails, in any shape, and what it prints."""
    kept, printed = os.path.join(folder, f"quiet {mode}"), os.path.join(folder, f"quiet {mode}.txt")
    if not os.path.exists(kept):
        ended = run(program, mode, 0, shapes.PLAIN, folder, options)
        need(ended.status == 0, "the quiet run failed", ended)
        os.rename(os.path.join(folder, "output"), kept)
        with open(printed, "wb") as file:
            file.write(ended.stdout)
    with open(printed, "rb") as file:
        return kept, file.read()


def succeeds(program, mode, failures, shape, folder, options=(), quiet=None):
    kept, printed = quiet_run(program, quiet or mode, folder, options if options == SMALL else ())
    ended = run(program, mode, failures, shape, folder, options)
    need(ended.status == 0, "it failed", ended)
    need(ended.stdout == printed, f"it printed something else than {printed!r}", ended)
    # Tasks of a stage that combines share partitions, and then fail together. A limit of time may strike others too.
    says(ended, r"\(\d+ again\)" if mode in ("chain", "stuck") else rf"\({failures} again\)")
    outputs.check_same(os.path.join(folder, "output"), kept, ".csv")
    return ended


def fails_some_times(program, mode, options, shapes_, folder):
    for shape in shapes_:
        succeeds(program, mode, 1, shape, folder, options)
    ended = succeeds(program, mode, 3, shapes_[-1], folder, options)
    need(not options or b"spilled" in ended.stderr, "nothing was on disk", ended)


def fails_always(program, folder):
    for mode in ("reduce", "sort", "chain"):
        for failures, sentence in ((-1, TWICE), (9, OFTEN)):
            ended = run(program, mode, failures, shapes.Shape(ranks=3), folder)
            need(ended.status == USER_ERROR, "it should have failed", ended)
            says(ended, sentence)
            outputs.check_nothing_visible(os.path.join(folder, "output"))


def takes_too_long(program, folder):
    """An attempt that is given up, and may still read while the next one does."""
    limit = ["--barks-task-time-limit=500ms", "--barks-time-reserve=1m", "--barks-workers=2"]
    for shape in FEW_SHAPES:
        succeeds(program, "stuck", 2, shape, folder, limit, quiet="reduce")
    ended = run(program, "stuck", 9, shapes.PLAIN, folder, limit)
    need(ended.status not in (0, None), "it should have failed", ended)
    says(ended, OVERRUN)


def gives_up_what_is_done(program, folder):
    """The driver stands still while an attempt ends, and then takes it for one that has run too long: where that was
    not known when it ended its input is gone, and all begins again. Which of the attempts it is, is a matter of luck."""
    kept, printed = quiet_run(program, "reduce", folder)
    for point in (3, 4, 5, 4, 4, 4):
        ended = run(program, "reduce", 0, shapes.PLAIN, folder,
                    ["--barks-task-time-limit=300ms", "--barks-time-reserve=1m", "--barks-workers=2",
                     "--barks-attempts=10", f"--barks-fault=stall:at=report.taken:{point},for=400ms"])
        need(ended.status == 0 and ended.stdout == printed, "it failed", ended)
        outputs.check_same(os.path.join(folder, "output"), kept, ".csv")


def a_disk_fails(program, folder):
    """What lies on disk cannot be read back, once."""
    for fault in ("fail:call=pread,n=1", "spoil:call=pread,n=1"):
        kept, printed = quiet_run(program, "sort", folder, SMALL)
        ended = run(program, "sort", 0, shapes.PLAIN, folder, SMALL + [f"--barks-fault={fault}"])
        need(ended.status == 0 and ended.stdout == printed, "it failed", ended)
        says(ended, r"\(1 again\)")
        outputs.check_same(os.path.join(folder, "output"), kept, ".csv")


def main():
    program, wanted = os.path.abspath(sys.argv[1]), sys.argv[3:]
    cases = [(f"{mode}: fails once, and three times", functools.partial(fails_some_times, program, mode, [], SHAPES))
             for mode in STEPS]
    cases += [(f"{mode}: fails with little memory", functools.partial(fails_some_times, program, mode, SMALL,
                                                                      FEW_SHAPES)) for mode in ("sort", "repartition")]
    cases += [("fails always", functools.partial(fails_always, program)),
              ("a disk fails", functools.partial(a_disk_fails, program)),
              ("gives up what is done", functools.partial(gives_up_what_is_done, program)),
              ("takes too long", functools.partial(takes_too_long, program))]
    chosen = [(name, call) for name, call in cases if not wanted or any(part in name for part in wanted)]
    sys.exit(harness.run_all([(name, functools.partial(harness.in_folder, call)) for name, call in chosen]))


if __name__ == "__main__":
    main()
