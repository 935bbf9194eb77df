"""Disks that fail, fill up or give back other bytes: test_broken_disks.py AGAIN-JOB JOBS-FOLDER [PART-OF-A-NAME...]

Whatever a disk does (BARKS_FAULT), a job writes what it writes where all is well, or says in one sentence what is
wrong and ends with status 5 (input or output) or 4 (full). Never is a disk that breaks taken for input that is malformed
(3), which nobody would try again.
"""

import functools
import os
import re
import shutil
import sys

import harness
import inputs
import kills
import outputs
import shapes

IO, LIMIT = 5, 4
ROWS = 300000  # of some 300 bytes, in three executors of so little memory:
LITTLE = ["--barks-memory=96m", "--barks-workers=1", "--barks-speculation=false", "--barks-log=runtime=info"]
RECOVERS = ["--barks-recovery=on"]
STEPS = ["sort", "repartition", "cogroup"]
SENTENCE = re.compile(rb"^barks: (?!done in|failed in|stage |went on|executor \d+ on \S+ was lost|rows: |output: )",
                      re.MULTILINE)
EXECUTORS, ONE = shapes.Shape(executors=3), shapes.Shape(executors=1)
ALONE = ["--barks-memory=64m", "--barks-workers=1", "--barks-speculation=false", "--barks-log=runtime=info"]
DONE_STAGES = re.compile(rb"^barks: done in .*?(\d+) stages", re.MULTILINE)

# A task that failed there was tried elsewhere, or all that the executor had was done again.
AGAIN = re.compile(rb" tasks \(\d+ again\)|executor 2 on")


def need(holds, text, ended):
    if not holds:
        raise outputs.Wrong(f"{text}\n{ended.describe()}")


def run(program, arguments, fault, options, folder, launcher=None, shape=EXECUTORS):
    shutil.rmtree(os.path.join(folder, "output"), ignore_errors=True)
    options = options + ([f"--barks-fault={fault}"] if fault else [])
    if launcher is not None:
        command = ["mpirun", *launcher, "--oversubscribe", "-np", "4", program] + arguments + shapes.OPTIONS + options
        return shapes.finish(shapes.start(command, folder), 120)
    return shapes.run(shape, program, arguments + options, folder, 120)


class Job:
    """One of again_job, or another, and what it writes where all is well."""

    def __init__(self, program, arguments, options, folder, shape=EXECUTORS):
        self.program, self.options, self.folder, self.shape = program, options, folder, shape
        self.output, self.quiet = os.path.join(folder, "output"), os.path.join(folder, "quiet")
        self.arguments = arguments + [self.output]
        ended = self.run(None)
        need(ended.status == 0, "the quiet run failed", ended)
        self.stages = int(DONE_STAGES.search(ended.stderr).group(1))
        os.rename(self.output, self.quiet)

    def run(self, fault, options=(), launcher=None):
        return run(self.program, self.arguments, fault, self.options + list(options), self.folder, launcher,
                   self.shape)

    def succeeds(self, fault, options=(), launcher=None):
        ended = self.run(fault, options, launcher)
        need(ended.status == 0, "it failed", ended)
        outputs.check_same(self.output, self.quiet, ".csv")
        return ended

    def fails(self, fault, statuses, pattern, options=()):
        ended = self.run(fault, options)
        need(ended.status in statuses, f"its status is none of {statuses}", ended)
        need(len(SENTENCE.findall(ended.stderr)) == 1 and re.search(pattern, ended.stderr),
             f"no one sentence says {pattern!r}", ended)
        outputs.check_nothing_visible(self.output)
        strange = set(os.listdir(self.folder)) - {"quiet", "in"}
        need(not strange, f"it left {sorted(strange)}", ended)
        return ended


def again(program, step, folder, options=LITTLE, shape=EXECUTORS):
    return Job(program, [step, "0", str(ROWS)], list(options), folder, shape)


def a_byte_changes_once(program, folder):
    """One wrong byte on disk, whatever it belongs to: all begins again where a try more does not do."""
    for step in STEPS:
        where = os.path.join(folder, step)
        os.mkdir(where)
        job, again_count = again(program, step, where), 0
        for options in ([], RECOVERS):
            for n in (1, 3, 10):
                ended = job.run(f"spoil:call=pwrite,n={n},executor=2", options)
                if b"is no frame" in ended.stderr:  # the head of one that was on its way: noticed by who gets it
                    need(ended.status == IO, "that is no malformed input", ended)
                    continue
                need(ended.status == 0, "it failed", ended)
                outputs.check_same(job.output, job.quiet, ".csv")
                again_count += int(DONE_STAGES.search(ended.stderr).group(1)) > job.stages
        if again_count == 0 and step != "cogroup":
            raise outputs.Wrong(f"{step}: nothing has begun again")


def reading_fails_once(program, folder):
    """What is read again is then right, and nothing more is done again than the task."""
    job = again(program, "sort", folder, ALONE, ONE)
    for fault in ("fail:call=pread", "spoil:call=pread"):
        ended = job.succeeds(fault)
        need(b"(1 again)" in ended.stderr, "one task was to be done again", ended)


def all_bytes_change(program, folder):
    """Where everything that is read back is wrong, computing it again does not help, and the job says so."""
    job = again(program, "sort", folder, ALONE, ONE)
    ended = job.fails("spoil:call=pread,n=1+", (IO,), rb"not what was written|have changed|was changed")
    need(re.search(rb"warn runtime: executor 1 on \S+ has found rows in '[^']+' that are not what it had written there",
                   ended.stderr), "the person is to be warned of the disk", ended)


def a_disk_dies(program, folder):
    """Of one executor: without it the others go on, where they may; else there is a sentence."""
    lost_count = 0
    for step in STEPS:
        where = os.path.join(folder, step)
        os.mkdir(where)
        job = again(program, step, where)
        for call in ("pwrite", "pread"):
            fault = f"fail:call={call},n=1+,executor=2,error=EIO"
            ended = job.succeeds(fault, RECOVERS)
            need(AGAIN.search(ended.stderr) or b"fault]" not in ended.stderr, "nothing was done again", ended)
            lost_count += b"executor 2 on" in ended.stderr and b"was lost: it cannot go on: " in ended.stderr
            ended = job.run(fault)
            need(ended.status in (0, IO), "its status is neither 0 nor 5", ended)
            if ended.status == 0:
                outputs.check_same(job.output, job.quiet, ".csv")
            else:
                need(b"scratch data in" in ended.stderr and b"Input/output error" in ended.stderr, "no reason", ended)
                outputs.check_nothing_visible(job.output)
    if lost_count == 0:
        raise outputs.Wrong("in no run the others went on without the one whose disk died")


def a_disk_is_full(program, folder):
    """All of them: the sentence says what was wanted and what there is."""
    job = again(program, "sort", folder)
    for options in ([], RECOVERS):
        job.fails("fail:call=pwrite,n=1+,error=ENOSPC", (LIMIT,),
                  rb"No space left on device \(\d+ bytes were wanted, \d+ are free\)|memory budget", options)


def the_output_cannot_be_written(program, folder):
    """By one executor: others write its parts, where they may, or there is one sentence."""
    os.mkdir(os.path.join(folder, "in"))
    text = inputs.write(os.path.join(folder, "in"), "words", inputs.words_text(inputs.generator(1, "words"), inputs.MIB))
    job = Job(program, [text], ["--barks-workers=1", "--barks-speculation=false"], folder)
    for error, status in (("EROFS", IO), ("EIO", IO), ("ENOSPC", LIMIT)):
        fault = f"fail:call=write,n=1+,executor=2,error={error}"
        if error != "ENOSPC":
            ended = job.succeeds(fault, RECOVERS)
            need(b"fault]" not in ended.stderr or AGAIN.search(ended.stderr), "nothing was done elsewhere", ended)
        ended = job.run(fault)
        need(ended.status in (0, status), f"its status is neither 0 nor {status}", ended)
        if ended.status == 0:
            outputs.check_same(job.output, job.quiet, ".csv")
        else:
            outputs.check_nothing_visible(job.output)
    ended = job.run("fail:call=write,n=1+,error=ENOSPC")
    need(ended.status == LIMIT and re.search(rb"cannot write '[^']+' after \d+ bytes: No space left on device "
                                             rb"\(\d+ bytes were wanted, \d+ are free\)", ended.stderr), "no reason", ended)


def under_mpirun(program, folder):
    """The same of executors that are processes."""
    launcher = kills.survival_options()
    if launcher != ["--enable-recovery"]:
        return
    job = again(program, "repartition", folder)
    for fault in ("fail:call=pwrite,n=1+,executor=2,error=EIO", "spoil:call=pwrite,n=3,executor=2"):
        ended = job.run(fault, [], launcher)
        if b"is no frame" not in ended.stderr:
            outputs.check_same(job.output, job.quiet, ".csv")


# Points of the communication thread, and how many times it passes them before it stands still.
STALLS = [("attempt.told", 1), ("attempt.told", 3), ("task.taken", 2), ("commit.taken", 1), ("shuffle.told", 1),
          ("release.taken", 1)]


def a_lost_one_returns(program, folder):
    """An executor that stands still is lost. When it wakes up its tasks still write; it is told to end, and nothing that
    it has written is in the output."""
    os.mkdir(os.path.join(folder, "in"))
    text = inputs.write(os.path.join(folder, "in"), "words", inputs.words_text(inputs.generator(2, "words"), inputs.MIB))
    lost_count = 0
    for arguments, program_, options in ((["repartition", "0", "30000"], program[0], []), ([text], program[1], [])):
        job = Job(program_, arguments, options + ["--barks-workers=2", "--barks-log=runtime=info"], folder)
        for point, n in STALLS:
            for worker in ("", ";stall:at=part.written:1,executor=2,for=2s"):
                seconds = 3 * shapes.SLOWNESS
                fault = f"stall:at={point}:{n},executor=2,for={seconds:.0f}s{worker}"
                ended = job.succeeds(fault, RECOVERS + [f"--barks-lost-deadline={shapes.SLOWNESS:.0f}s"])
                lost = len(re.findall(rb"executor 2 on \S+ \(process \d+\) was lost: not heard of", ended.stderr))
                need(lost <= 1 and len(re.findall(rb"was lost", ended.stderr)) == lost, "others were lost", ended)
                lost_count += lost
        shutil.rmtree(job.quiet)
    if lost_count < 6:
        raise outputs.Wrong(f"only {lost_count} of the runs have lost one")


ELSEWHERE = '''#!/bin/sh
[ "$OMPI_COMM_WORLD_RANK" = 2 ] && exec unshare --uts sh -c 'hostname elsewhere; exec "$@"' sh "$@"
exec "$@"
'''


def one_of_another_host_returns(program, folder):
    """The same under mpirun. On the driver's host it would be killed, so it is as if on another."""
    launcher = kills.survival_options()
    if launcher != ["--enable-recovery"] or os.geteuid() != 0 or shutil.which("unshare") is None:
        return
    wrapper = os.path.join(folder, "in", "elsewhere")
    os.mkdir(os.path.dirname(wrapper))
    job = Job(program, ["repartition", "0", "30000"], ["--barks-workers=2", "--barks-log=runtime=info"], folder)
    with open(wrapper, "w", encoding="ascii") as file:
        file.write(ELSEWHERE)
    os.chmod(wrapper, 0o755)
    job.program, job.arguments = wrapper, [program] + job.arguments
    lost_count = 0
    for point, n in STALLS[:4]:
        fault = (f"stall:at={point}:{n},executor=2,for={4 * shapes.SLOWNESS:.0f}s;"
                 "stall:at=part.written:1,executor=2,for=3s")
        ended = job.succeeds(fault, [f"--barks-lost-deadline={shapes.SLOWNESS:.0f}s"], launcher)
        for lost in re.findall(rb"executor 2 on elsewhere \(process (\d+)\) was lost: not heard of", ended.stderr):
            lost_count += 1
            need(not os.path.exists(f"/proc/{int(lost)}"), "it did not leave", ended)
    if lost_count < 2:
        raise outputs.Wrong(f"only {lost_count} of the runs have lost one")


def main():
    program, jobs, wanted = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2]), sys.argv[3:]
    words = os.path.join(jobs, "wordcount")
    cases = [(call.__doc__.split("\n")[0].rstrip("."), functools.partial(call, program))
             for call in (a_byte_changes_once, reading_fails_once, all_bytes_change, a_disk_dies, a_disk_is_full,
                          under_mpirun, one_of_another_host_returns)]
    cases.append(("The output cannot be written", functools.partial(the_output_cannot_be_written, words)))
    cases.append(("A lost one returns", functools.partial(a_lost_one_returns, (program, words))))
    chosen = [(name, call) for name, call in cases if not wanted or any(part in name for part in wanted)]
    sys.exit(harness.run_all([(name, functools.partial(harness.in_folder, call)) for name, call in chosen]))


if __name__ == "__main__":
    main()
