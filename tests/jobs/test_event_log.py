"""The event log of whole jobs says what they did: test_event_log.py FAILING-JOB JOBS-FOLDER [PART-OF-A-NAME...]

It is read here without the reader of barks, and compared with the input, with the summary and with itself.
"""

import functools
import os
import re
import stat
import sys

import event_log
import harness
import inputs
import outputs
import shapes

SHAPES = [shapes.PLAIN, shapes.Shape(executors=2), shapes.Shape(ranks=1), shapes.Shape(ranks=2), shapes.Shape(ranks=3)]
SUMMARY = re.compile(rb"in [\d.]+ s: (\d+) executors? with (\d+) workers?, (\d+) stages, (\d+) tasks")
LINES = 30000
OPTION = "--barks-event-log=log"


def need(condition, what, ended):
    if not condition:
        raise outputs.Wrong(f"{what}\n{ended.describe()}")


def the_log(folder, ended, is_part=False):
    """Its path; there is one, nobody else may read it, and it is whole or not as it should be."""
    names = os.listdir(os.path.join(folder, "log"))
    need(len(names) == 1, f"not one log but {names}", ended)
    end = r"-\d{8}T\d{6}Z-\d+\.events" + (r"\.part" if is_part else "")
    need(re.fullmatch(r"(wordcount|failing_job)" + end, names[0]), f"the log's name is {names[0]}", ended)
    path = os.path.join(folder, "log", names[0])
    need(stat.S_IMODE(os.stat(path).st_mode) == 0o600, "others may read it", ended)
    return path


def text_of(folder):
    return inputs.write(folder, "text", b"".join(b"word%d again\n" % (i % 1000) for i in range(LINES)))


def run_wordcount(program, shape, folder, *options):
    return shapes.run(shape, program, [text_of(folder), os.path.join(folder, "output"), OPTION, *options], folder)


def check_tasks(records, ended):
    """Each attempt begins once and ends once, on an executor that is there, and stages are the sums of theirs."""
    executors = {record["executor"] for record in event_log.of_kind(records, "executor")}
    key = lambda record: tuple(record[name] for name in ("action", "stage", "task", "attempt", "executor"))
    begun = {key(record): record for record in event_log.of_kind(records, "task_started")}
    done = {key(record): record for record in event_log.of_kind(records, "task_ended")}
    need(begun.keys() == done.keys(), "attempts that begin are not those that end", ended)
    need(len(begun) == len(event_log.of_kind(records, "task_started")), "an attempt begins twice", ended)
    for name, end in done.items():
        need(begun[name]["time_ns"] <= end["time_ns"], f"{name} ends before it begins", ended)
        need(end["executor"] in executors, f"{name} runs on none", ended)
        need(end["exit_code"] == 0 and end["error"] is None, f"{name} failed", ended)
    for stage in event_log.of_kind(records, "stage_ended"):
        tasks = [end for name, end in done.items() if name[:2] == (stage["action"], stage["stage"])]
        need(len(tasks) == stage["task_count"] > 0, f"tasks of {stage}", ended)
        for field, total in (("rows_read", "rows"), ("bytes_read", "bytes")):
            need(sum(task[field] for task in tasks) == stage[total], f"{total} of {stage}", ended)
    return list(done.values())


def counts_are_those_of_the_job(program, shape, folder):
    ended = run_wordcount(program, shape, folder)
    need(ended.status == 0, "it failed", ended)
    path = the_log(folder, ended)
    need(b"event log: log/" + os.path.basename(path).encode() in ended.stderr, "nothing says where it is", ended)
    records = event_log.read(path)
    tasks = check_tasks(records, ended)
    first, last = records[0], records[-1]
    need((first["kind"], first["magic"], first["name"]) == ("job", "barks event log", "wordcount"), first, ended)
    need((last["kind"], last["exit_code"], last["dropped_count"]) == ("job_ended", 0, 0), last, ended)
    need(last["output"].endswith("/output"), last, ended)
    executors = event_log.of_kind(records, "executor")
    stages = event_log.of_kind(records, "stage_started")
    counts = (len(executors), sum(one["worker_count"] for one in executors), len(stages), len(tasks))
    need(counts == tuple(map(int, SUMMARY.search(ended.stderr).groups())), f"not the summary's: {counts}", ended)
    need(counts[2:] == (last["stage_count"], last["task_count"]), last, ended)
    size = os.path.getsize(os.path.join(folder, "text"))
    need((last["rows_read"], last["rows_written"]) == (LINES, 1001), last, ended)
    need(last["bytes_read"] == sum(task["bytes_read"] for task in tasks) >= size, last, ended)
    need([(one["reads"], one["output"]) for one in stages] == [("files", "shuffle"), ("shuffles", "files")], stages, ended)
    need(sum(one["bytes_total"] for one in stages) == size, stages, ended)
    need("flat_map split_words" in stages[0]["steps"], stages, ended)
    written = sum(len(part) for part in outputs.parts(os.path.join(folder, "output"), ".csv"))
    need(sum(task["bytes_written"] for task in tasks) == last["bytes_written"] == written, "bytes written", ended)
    sent = [task for task in tasks if task["stage"] == 0]
    need(sum(task["rows_sent"] for task in sent) == sum(task["rows_read"] for task in tasks if task["stage"] == 1),
         "rows that are sent and not read", ended)
    actions = [event_log.of_kind(records, kind) for kind in ("action_started", "action_ended")]
    need(len(actions[0]) == len(actions[1]) == 1 and actions[1][0]["exit_code"] == 0, actions, ended)
    need(re.fullmatch(r"write csv at jobs/wordcount.c:\d+", actions[0][0]["what"]), actions, ended)
    settings = {one["key"]: (one["value"], one["origin"]) for one in event_log.of_kind(records, "setting")}
    need(settings["split_bytes"] == ("64k", "option --barks-split-bytes"), settings, ended)
    need(settings["memory"] == ("0", "default"), settings, ended)
    memory = {one["executor"] for one in event_log.of_kind(records, "memory")}
    need(memory == {one["executor"] for one in executors}, "executors without memory", ended)


def a_job_without_the_setting_leaves_no_log(program, folder):
    ended = shapes.run(shapes.PLAIN, program, [text_of(folder), os.path.join(folder, "output")], folder)
    need(ended.status == 0 and b"event log" not in ended.stderr, "it speaks of a log", ended)
    need(sorted(os.listdir(folder)) == ["output", "text"], os.listdir(folder), ended)


def a_failure_is_told_with_its_cause(failing, shape, folder):
    ended = shapes.run(shape, failing, ["body", os.path.join(folder, "output"), OPTION], folder)
    need(ended.status == 6, "not the status of a user's error", ended)
    records = event_log.read(the_log(folder, ended))
    failed = [one for one in event_log.of_kind(records, "task_ended") if one["exit_code"] == 6]
    need(failed and all("row 777 is refused" in one["error"] for one in failed), "no task says why", ended)
    action = event_log.of_kind(records, "action_ended")[0]
    need(action["exit_code"] == 6 and "row 777" in action["error"], action, ended)
    need(records[-1]["kind"] == "job_ended" and records[-1]["exit_code"] == 6, records[-1], ended)


def what_is_left_of_a_killed_driver_is_readable(program, shape, folder):
    fault = "stall:at=report.taken,rank=0,for=500ms;kill:at=stage.committed,rank=0"
    ended = run_wordcount(program, shape, folder, f"--barks-fault={fault}")
    need(ended.status not in (0, None), "it was not killed", ended)
    records = event_log.read(the_log(folder, ended, is_part=True), may_be_cut=True)
    need(records[0]["kind"] == "job", records[0], ended)
    need(not event_log.of_kind(records, "job_ended"), "it ends well", ended)
    need(event_log.of_kind(records, "task_started"), "it has no tasks", ended)


def a_lost_executor_is_named(program, folder):
    ended = run_wordcount(program, shapes.Shape(ranks=3), folder, "--barks-fault=kill:at=partition.begun,rank=2")
    need(ended.status not in (0, None), "it was not killed", ended)
    is_part = any(name.endswith(".part") for name in os.listdir(os.path.join(folder, "log")))
    records = event_log.read(the_log(folder, ended, is_part), may_be_cut=True)
    trouble = event_log.of_kind(records, "trouble")
    need(trouble and "executor 2 on" in trouble[0]["error"], trouble, ended)
    need(trouble[0]["exit_code"] == 7, trouble, ended)


def a_full_disk_costs_the_log_and_not_the_job(program, shape, folder):
    disk = os.path.join(folder, "disk")
    with harness.small_disk(disk, "4k"):
        inputs.write(disk, "filler", b"x" * 4096)
        ended = run_wordcount(program, shape, folder, f"--barks-event-log={disk}/log")
        need(ended.status == 0, "it failed", ended)
        need(len(re.findall(rb"cannot write the event log .*No space left", ended.stderr)) == 1, "nothing is said", ended)
        the_log(disk, ended, is_part=True)


def a_log_that_cannot_be_made_is_said_at_the_start(program, shape, folder):
    ended = run_wordcount(program, shape, folder, "--barks-event-log=/proc/none/log")
    need(ended.status == 5, "not the status of a failed call", ended)
    need(ended.stderr.count(b"'/proc/none/log'") == 1 and b"--barks-event-log" in ended.stderr, "no sentence", ended)
    need(not os.path.exists(os.path.join(folder, "output")), "it ran", ended)


def main():
    failing, jobs = map(os.path.abspath, sys.argv[1:3])
    program, wanted = os.path.join(jobs, "wordcount"), sys.argv[3:]
    two = [shapes.PLAIN, shapes.Shape(ranks=3)]
    calls = []

    def add(call, job, in_shapes=()):
        for shape in in_shapes or [None]:
            name = call.__name__.replace("_", " ") + (f", {shape.name}" if shape else "")
            arguments = [job] + ([shape] if shape else [])
            calls.append((name, functools.partial(harness.in_folder, call, *arguments)))

    add(counts_are_those_of_the_job, program, SHAPES)
    add(a_job_without_the_setting_leaves_no_log, program)
    add(a_failure_is_told_with_its_cause, failing, SHAPES)
    add(what_is_left_of_a_killed_driver_is_readable, program, two)
    add(a_lost_executor_is_named, program)
    add(a_full_disk_costs_the_log_and_not_the_job, program, two)
    add(a_log_that_cannot_be_made_is_said_at_the_start, program, two)
    sys.exit(harness.run_all([call for call in calls if not wanted or any(part in call[0] for part in wanted)]))


if __name__ == "__main__":
    main()
