"""Logs of the schedulers of whole jobs replay to the same decisions: test_replay.py JOBS-FOLDER [PART-OF-A-NAME...]"""

import functools
import os
import re
import signal
import subprocess
import sys

import harness
import inputs
import kills
import outputs
import shapes
import test_join_csv

SHAPES = [shapes.PLAIN, shapes.Shape(executors=2), shapes.Shape(ranks=3)]
AGREES = re.compile(r"log: (\d+) events of (\d+) jobs, (\d+) decisions: the same are made again(; the driver was killed "
                    r"after the last event)?\n")
TASKS = re.compile(rb"(\d+) stages, (\d+) tasks")
LIMIT_SECONDS = 60
OPTION = "--barks-scheduler-log=log"


def need(holds, text, ended):
    if not holds:
        raise outputs.Wrong(f"{text}\n{ended.describe()}")


def replay(programs, folder, name="log"):
    command = [os.path.join(programs, os.pardir, "src", "cli", "barks"), "replay", name]
    ended = subprocess.run(command, cwd=folder, env=shapes.environment(), capture_output=True, check=False,
                           timeout=LIMIT_SECONDS * shapes.SLOWNESS)
    return shapes.Ended(command, ended.returncode, ended.stdout, ended.stderr)


def must_agree(programs, folder, is_killed=False):
    """Returns how many events the log has, jobs and decisions."""
    ended = replay(programs, folder)
    found = AGREES.fullmatch(ended.stdout.decode())
    need(ended.status == 0 and found and not ended.stderr, "the log does not replay", ended)
    need((found.group(4) is not None) == is_killed, "it says the wrong end", ended)
    return tuple(map(int, found.groups()[:3]))


def words(folder):
    return inputs.write(folder, "words", b"".join(b"word%d again\n" % (i % 1000) for i in range(30000)))


def run_wordcount(programs, shape, folder, option=OPTION):
    program = os.path.join(programs, "wordcount")
    return shapes.run(shape, program, [words(folder), os.path.join(folder, "output"), option], folder)


def a_word_count_replays(programs, shape, folder):
    ended = run_wordcount(programs, shape, folder)
    need(ended.status == 0, "it failed", ended)
    tasks = int(TASKS.search(ended.stderr).group(2))
    events, jobs, decisions = must_agree(programs, folder)
    need(jobs >= 1 and events > tasks > 0 and decisions > tasks, f"{tasks} tasks in {events} events", ended)


def a_join_replays(programs, shape, folder):
    named = test_join_csv.make(folder, inputs.generator(1, "replay"))
    ended = shapes.run(shape, os.path.join(programs, "join_csv"),
                       named + ["id, day", os.path.join(folder, "output"), "--kind", "full",
                                "--barks-broadcast-join-bytes=0", OPTION], folder)
    need(ended.status == 0, "it failed", ended)
    must_agree(programs, folder)


def one_with_losses_replays(programs, folder):
    run = kills.Run(5, os.path.join(programs, "wordcount"), [words(folder), os.path.join(folder, "output"), OPTION],
                    folder, kills.survival_options(), "kill:at=attempt.told:1,executor=2;kill:at=commit.taken:1,executor=3")
    ended = run.finish(LIMIT_SECONDS)
    need(ended.status == 0 and ended.stderr.count(b"barks: went on ") > 0, "none was lost, or it failed", ended)
    must_agree(programs, folder)


def the_log_of_a_killed_driver_replays(programs, folder):
    run = kills.Run(3, os.path.join(programs, "wordcount"), [words(folder), os.path.join(folder, "output"), OPTION],
                    folder, (), "slow:factor=20")
    run.signal(0, signal.SIGKILL)
    ended = run.finish(LIMIT_SECONDS)
    need(ended.status not in (None, 0), "it ended well", ended)
    must_agree(programs, folder, is_killed=True)


def a_flipped_byte_is_told_in_one_sentence(programs, folder):
    ended = run_wordcount(programs, shapes.PLAIN, folder)
    need(ended.status == 0, "it failed", ended)
    with open(os.path.join(folder, "log"), "rb") as file:
        whole = file.read()
    for at in (len(whole) // 3, len(whole) // 2, len(whole) - 2):
        inputs.write(folder, "flipped", whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1:])
        ended = replay(programs, folder, "flipped")
        need(ended.status == 3 and ended.stderr.startswith(b"barks: 'flipped': the record at byte ") and
             ended.stderr.count(b"\n") == 1 and not ended.stdout, f"byte {at} was flipped", ended)


def what_is_no_log_is_told(programs, folder):
    words(folder)
    for name, status, text in [("words", 3, b"damaged or cut off"), ("none", 5, b"No such file"), (".", 5, b"directory")]:
        ended = replay(programs, folder, name)
        need(ended.status == status and text in ended.stderr, f"not told of {name}", ended)


def without_the_setting_there_is_no_log(programs, folder):
    ended = run_wordcount(programs, shapes.PLAIN, folder, "--barks-scheduler-log=none")
    need(ended.status == 0, "it failed", ended)
    need(sorted(os.listdir(folder)) == ["output", "words"], f"it left {os.listdir(folder)}", ended)


def a_log_that_cannot_be_made_is_said_at_the_start(programs, shape, folder):
    ended = run_wordcount(programs, shape, folder, "--barks-scheduler-log=/proc/none/log")
    need(ended.status == 5, "not the status of a failed call", ended)
    need(ended.stderr.count(b"'/proc/none/log'") == 1 and b"scheduler_log" in ended.stderr, "no sentence", ended)


def a_full_disk_costs_the_log_and_not_the_job(programs, shape, folder):
    ended = run_wordcount(programs, shape, folder, "--barks-scheduler-log=/dev/full")
    need(ended.status == 0 and os.path.exists(os.path.join(folder, "output", "_SUCCESS")), "it failed", ended)
    need(ended.stderr.count(b"'/dev/full', which ends here: No space left") == 1, "not told once", ended)


def main():
    programs, wanted = os.path.abspath(sys.argv[1]), sys.argv[2:]
    two = [shapes.PLAIN, shapes.Shape(ranks=3)]
    calls = []

    def add(call, in_shapes=()):
        for shape in in_shapes or [None]:
            name = call.__name__.replace("_", " ") + (f", {shape.name}" if shape else "")
            arguments = [programs] + ([shape] if shape else [])
            calls.append((name, functools.partial(harness.in_folder, call, *arguments)))

    add(a_word_count_replays, SHAPES)
    add(a_join_replays, [shapes.Shape(ranks=3)])
    add(one_with_losses_replays)
    add(the_log_of_a_killed_driver_replays)
    add(a_flipped_byte_is_told_in_one_sentence)
    add(what_is_no_log_is_told)
    add(without_the_setting_there_is_no_log)
    add(a_log_that_cannot_be_made_is_said_at_the_start, two)
    add(a_full_disk_costs_the_log_and_not_the_job, two)
    sys.exit(harness.run_all([call for call in calls if not wanted or any(part in call[0] for part in wanted)]))


if __name__ == "__main__":
    main()
