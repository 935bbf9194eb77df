#!/usr/bin/env python3
"""The command barks tells of jobs what they did: test_barks_command.py FAILING_JOB JOBS_FOLDER"""
import html.parser
import json
import os
import re
import signal
import subprocess
import sys
import time

import harness
import inputs
import outputs
import shapes

FAILING_JOB, FOLDER = map(os.path.abspath, sys.argv[1:3])
BARKS = os.path.join(FOLDER, "..", "src", "cli", "barks")
VOID = {"meta", "link", "br", "img", "input", "hr"}
SHAPES = [shapes.Shape(ranks=n) for n in (1, 2, 3)] + [shapes.PLAIN, shapes.Shape(executors=2)]


class Page(html.parser.HTMLParser):
    """What a page holds: texts of the cells of each table, by its id, and of other things with one."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tables, self.texts, self.tags, self.open = {}, {}, [], []
        self.id = None
        self.feed(text)
        self.close()
        check(not self.open, f"elements are left open: {self.open}")

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag not in VOID:
            self.open.append(tag)
        self.id = attributes.get("id", self.id)
        if tag == "tr":
            self.tables.setdefault(self.id, []).append([])
        if tag in ("td", "th"):
            self.tables[self.id][-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        check(self.open and self.open[-1] == tag, f"</{tag}> within {self.open}")
        self.open.pop()

    def handle_data(self, data):
        self.texts[self.id] = self.texts.get(self.id, "") + data
        if any(tag in self.open for tag in ("td", "th")):
            self.tables[self.id][-1][-1] += data


def check(is_right, words):
    if not is_right:
        raise outputs.Wrong(words)


def barks(folder, *arguments, status=0, **environment):
    done = subprocess.run([BARKS, *arguments], cwd=folder, env={**shapes.environment(), **environment},
                          capture_output=True, check=False, timeout=60 * shapes.SLOWNESS)
    check(done.returncode == status, f"barks {arguments}: status {done.returncode}, not {status}: "
          f"{done.stdout.decode(errors='replace')[-500:]} {done.stderr.decode(errors='replace')}")
    return done.stdout.decode(), done.stderr.decode()


def only_log(folder):
    names = os.listdir(os.path.join(folder, "logs"))
    check(len(names) == 1, f"the job should have left one log: {names}")
    return os.path.join(folder, "logs", names[0])


def listed(folder):
    text, _ = barks(folder, "log", "--dir", "logs", "--json")
    lines = [json.loads(line) for line in text.splitlines()]
    check(len(lines) == 1, f"one job was run: {lines}")
    return lines[0]


def events_of(folder):
    text, _ = barks(folder, "trace", os.listdir(os.path.join(folder, "logs"))[0][:9], "--dir=logs", "-o", "-")
    return json.loads(text)["traceEvents"]


def page_of(folder):
    path = only_log(folder)
    name, _ = barks(folder, "report", path)
    with open(os.path.join(folder, name.strip()), encoding="utf-8") as file:
        text = file.read()
    page = Page(text)
    for tag, attributes in page.tags:
        check(tag not in ("script", "iframe", "link", "img", "object"), f"the page has <{tag}>")
        check(not any(key in ("src", "href") or key.startswith("on") for key in attributes),
              f"<{tag} {attributes}> wants more than the page")
    check(not re.search(r"url\(|@import", text), "the page's style wants more than the page")
    return page


def rows_of(page, table):
    return page.tables[table][1:]


def run_job(shape, folder, program, arguments, status=0):
    ended = shapes.run(shape, os.path.join(FOLDER, program), arguments + ["--barks-event-log=logs"], folder)
    check(ended.status == status, ended.describe())
    return ended


def makes_pages_that_agree_with_the_job(shape, folder):
    lines = 20000
    text = inputs.write(folder, "text", b"to be or not to be\n" * lines)
    ended = run_job(shape, folder, "wordcount", [text, "out"])
    said = re.search(r"(\d+) executors? with (\d+) workers?, (\d+) stages, (\d+) tasks", ended.stderr.decode())
    executors, workers, stages, tasks = map(int, said.groups())
    job = listed(folder)
    check(job["state"] == "done" and job["exit_status"] == 0 and job["name"] == "wordcount", job)
    check((job["executors"], job["workers"], job["hosts"]) == (executors, workers, 1), (job, said.groups()))
    check(job["rows_read"] == lines and job["bytes_read"] >= 19 * lines and job["dropped"] == 0, job)
    check(job["output"] == os.path.realpath(os.path.join(folder, "out")), job)
    check(abs(job["start_s"] - time.time()) < 600 and 0 < job["duration_s"] < 600, job)

    events = events_of(folder)
    attempts = [event for event in events if event["ph"] == "X"]
    spans = [event for event in events if event["ph"] == "b" and event["cat"] == "stage"]
    check((len(attempts), len(spans)) == (tasks, stages), (len(attempts), len(spans), said.groups()))
    first = [event["args"]["rows_read"] for event in attempts if event["args"]["stage"] == 1]
    check(sum(first) == lines, f"tasks of stage 1 read {first}")
    check({event["pid"] for event in attempts} <= set(range(1, executors + 1)), attempts)
    check(all(event["dur"] >= 0 and event["args"]["state"] == "done" for event in attempts), attempts)
    check({event["ph"] for event in events} >= {"M", "X", "b", "e", "C"}, "a kind of event is missing")

    page = page_of(folder)
    summary = dict(page.tables["summary"])
    check(summary["work"] == f"{stages} stages, {tasks} tasks", summary)
    check(summary["read"].startswith("20 000 rows"), summary)
    check(sum(int(row[4]) for row in rows_of(page, "stages")) == tasks, page.tables["stages"])
    check(rows_of(page, "stages")[0][6] == "20 000", page.tables["stages"])
    check(len(rows_of(page, "executors")) == executors, page.tables["executors"])
    check(len([tag for tag, _ in page.tags if tag == "rect"]) == tasks, "a bar for each task")
    settings = {row[0]: row[1:] for row in rows_of(page, "settings")}
    check(settings["split_bytes"] == ["64k", "option --barks-split-bytes"], settings["split_bytes"])
    check(settings["memory"][1] == "default", settings["memory"])
    ranks = 1 if shape.ranks < 2 else shape.ranks
    asked = dict(re.findall(r"#SBATCH --([\w-]+)=(\S+)", page.texts["sbatch"]))
    check(asked["nodes"] == "1" and asked["ntasks-per-node"] == str(ranks), asked)
    check(int(asked["mem"][:-1]) % 256 == 0 and re.fullmatch(r"\d\d:\d\d:00", asked["time"]), asked)
    check("failures" not in page.tables, "nothing failed")


def tells_why_a_job_failed(shape, folder):
    run_job(shape, folder, FAILING_JOB, ["body", "out"], status=6)
    job = listed(folder)
    check(job["state"] == "failed" and job["exit_status"] == 6, job)
    failures = rows_of(page_of(folder), "failures")
    check(any("row 777 is refused" in row[3] for row in failures), failures)
    check(any(row[1].startswith("action 1, stage 1, task ") for row in failures), failures)
    failed = [event for event in events_of(folder) if event["ph"] == "X" and event["args"]["state"] == "failed"]
    check(failed and all("row 777 is refused" in event["args"]["error"] for event in failed), failed)


def tells_of_a_job_that_was_killed(shape, folder):
    endless = ["100000000000000", "--barks-event-log=logs", "--barks-workers=1"]  # a core is left for those who ask
    process = shapes.start(shape.command(os.path.join(FOLDER, "pi"), endless), folder)
    deadline = time.monotonic() + 30 * shapes.SLOWNESS
    try:
        while True:
            check(time.monotonic() < deadline and process.poll() is None, "the job never began its tasks")
            logs = os.path.join(folder, "logs")
            if os.path.isdir(logs) and os.listdir(logs) and os.path.getsize(only_log(folder)) > 0 and any(
                    event["ph"] == "X" for event in events_of(folder)):
                break
            time.sleep(0.05)
        check(listed(folder)["state"] == "running", listed(folder))
        pid = int(re.search(r"-(\d+)\.events\.part$", only_log(folder)).group(1))
        os.kill(pid, signal.SIGKILL)  # of rank 0; mpirun ends the others
    finally:
        if process.poll() is None and shape.ranks == 0:
            process.kill()
        ended = shapes.finish(process, 30)
    check(ended.status != 0, ended.describe())
    job = listed(folder)
    check(job["state"] == "unfinished" and job["exit_status"] is None, job)
    page = page_of(folder)
    check("does not tell the job's end" in "".join(page.texts.values()), page.texts)
    check(rows_of(page, "stages"), "the stage is known")
    states = [event["args"]["state"] for event in events_of(folder) if event["ph"] == "X"]
    check(set(states) == {"no end"}, f"tasks have no end: {states}")


def escapes_what_users_name(folder):
    name = '<img src=x onerror="alert(1)">&amp;'
    text = inputs.write(folder, "text", b"a b\n" * 10)
    run_job(shapes.PLAIN, folder, "wordcount", [text, name])
    page = page_of(folder)
    check(dict(page.tables["summary"])["output"].endswith("/" + name), page.tables["summary"])
    check(listed(folder)["output"].endswith("/" + name), listed(folder))


def reads_what_is_left_of_damaged_logs(folder):
    text = inputs.write(folder, "text", b"a b\n" * 100000)
    run_job(shapes.PLAIN, folder, "wordcount", [text, "out"])
    path = only_log(folder)
    with open(path, "rb") as file:
        whole = file.read()

    def write(content):
        with open(path, "wb") as file:
            file.write(content)
    write(whole[:-7])
    check("ends within an event" in "".join(page_of(folder).texts.values()), "a cut log is told")
    check(listed(folder)["state"] == "unfinished", listed(folder))
    at = whole.rindex(b"files")  # in the middle of a record
    write(whole[:at] + b"F" + whole[at + 1:])
    check("1 events are damaged" in "".join(page_of(folder).texts.values()), "damage is told")
    write(b"")
    _, said = barks(folder, "report", path, status=3)
    check(path in said and "no event log" in said, said)
    write(b"<html>")
    _, said = barks(folder, "log", "--dir", "logs", status=3)
    check("no event log" in said, said)


def one_bad_log_does_not_hide_the_others(folder):
    text = inputs.write(folder, "text", b"a b\n" * 10)
    run_job(shapes.PLAIN, folder, "wordcount", [text, "out"])
    inputs.write(os.path.join(folder, "logs"), "bad-1.events", b"nothing")
    inputs.write(os.path.join(folder, "logs"), "bad-2.events", b"nothing")
    inputs.write(os.path.join(folder, "logs"), "strange.txt", b"nothing")
    told, said = barks(folder, "log", "--dir", "logs", status=3)
    check("wordcount-" in told and "done" in told, told)
    check("bad-1" in said and "bad-2" in said and "strange" not in said, said)
    told, said = barks(folder, "log", "--dir", "logs", "wordc")
    check("wordcount-" in told and said == "", (told, said))


def says_what_is_wrong_with_its_arguments(folder):
    os.mkdir(os.path.join(folder, "logs"))
    for arguments, status, words in (
            ([], 2, "which command"), (["repot"], 2, "unknown command 'repot'"),
            (["report"], 2, "wants one JOB"), (["report", "a", "b", "--dir", "logs"], 2, "wants one JOB"),
            (["report", "x", "--dir"], 2, "--dir wants a value"), (["log", "--all"], 2, "unknown option '--all'"),
            (["log"], 2, "--dir DIR"), (["report", "x"], 2, "'x' is no file"),
            (["report", "x", "--dir", "logs"], 2, "begins with 'x'"), (["log", "--dir", "none/here"], 5, "none/here"),
            (["trace", "./none"], 5, "./none"), (["report", "."], 5, "'.'"),
            (["trace", "x", "--json", "--dir", "logs"], 2, "--json"), (["log", "-o", "f", "--dir", "logs"], 2, "-o"),
            (["log", "--barks-event-lgo=x"], 2, "event")):
        told, said = barks(folder, *arguments, status=status)
        check(words in said and said.startswith("barks: ") and told == "", (arguments, told, said))
    check(barks(folder, "log", BARKS_EVENT_LOG="logs")[0] == "", "no job was run")
    for option, words in (("--help", "usage: barks log"), ("--version", "barks 0.")):
        check(barks(folder, option)[0].startswith(words), option)


def leaves_no_half_page(folder):
    text = inputs.write(folder, "text", b"a b\n" * 10)
    run_job(shapes.PLAIN, folder, "wordcount", [text, "out"])
    path = only_log(folder)
    _, said = barks(folder, "report", path, "-o", "none/page.html", status=5)
    check("none/page.html" in said, said)
    with harness.small_disk(os.path.join(folder, "small"), "4k"):
        _, said = barks(folder, "report", path, "-o", "small/page.html", status=5)
        check("small/page.html" in said and "No space" in said, said)
        check(os.listdir(os.path.join(folder, "small")) == [], "a half page is left")


def store_stages(folder):
    """Stages of two jobs: those of a word count were last used ten days ago. {job: their paths}."""
    text = inputs.write(folder, "text", b"a b\n" * 1000)
    records = inputs.write(folder, "records", bytes(100 * 500))
    stages = {}
    for job, path in (("wordcount", text), ("terasort", records)):
        before = set(os.listdir(os.path.join(folder, "work"))) if stages else set()
        run_job(shapes.Shape(ranks=2), folder, job, [path, job + "-out", "--barks-work=work"])
        names = set(os.listdir(os.path.join(folder, "work"))) - before
        stages[job] = sorted(os.path.join("work", name) for name in names if re.fullmatch("[0-9a-f]{32}", name))
        check(stages[job], f"{job} has stored no stage")
    for stage in stages["wordcount"]:
        for path in [os.path.join(stage, name) for name in os.listdir(os.path.join(folder, stage))] + [stage]:
            os.utime(os.path.join(folder, path), times=(time.time() - 864000,) * 2)
    return stages


def stages_there(folder):
    return {os.path.join("work", name) for name in os.listdir(os.path.join(folder, "work")) if len(name) == 32}


def size_of(folder, stage):
    return sum(os.path.getsize(os.path.join(folder, stage, name)) for name in os.listdir(os.path.join(folder, stage)))


def cleans_only_what_it_is_told(folder):
    stages = store_stages(folder)
    everything = set(stages["wordcount"] + stages["terasort"])
    lines, _ = barks(folder, "clean", "--json", "work")
    found = [json.loads(line) for line in lines.splitlines()]
    check({(stage["path"], stage["job"]) for stage in found} ==
          {(path, job) for job, paths in stages.items() for path in paths}, found)
    check([stage["job"] for stage in found[:len(stages["wordcount"])]] == ["wordcount"] * len(stages["wordcount"]),
          f"not the oldest first: {found}")
    for stage in found:
        check(stage["bytes"] == size_of(folder, stage["path"]) > 0, stage)
        check(864000 <= stage["age_s"] < 865000 if stage["job"] == "wordcount" else stage["age_s"] < 1000, stage)
    told, _ = barks(folder, "clean", "--older=7d", BARKS_WORK="work")
    check(told.count("10 d 00 h") == told.count("  wordcount  ") == len(stages["wordcount"]) and "terasort" not in told,
          told)
    check("nothing was removed: that takes --yes" in told and stages_there(folder) == everything, told)
    told, _ = barks(folder, "clean", "--older=7d", "--yes", "work")
    check(told.endswith("stay\n") and "\nremoved %d stages" % len(stages["wordcount"]) in told, told)
    check(stages_there(folder) == set(stages["terasort"]), stages_there(folder))
    told, _ = barks(folder, "clean", "--keep=1g", "--yes", "work")
    check("removed 0 stages" in told and stages_there(folder) == set(stages["terasort"]), told)
    told, _ = barks(folder, "clean", "--newest=1", "--yes", "work")
    check("1 stages" in told and len(stages_there(folder)) == 1, told)
    (left,) = stages_there(folder)
    os.remove(os.path.join(folder, left, "manifest"))
    check("  (unfinished)  " in barks(folder, "clean", "work")[0], "what a killed job has left")
    barks(folder, "clean", "--older=0s", "--yes", "work")
    check(stages_there(folder) == set(), stages_there(folder))
    run_job(shapes.PLAIN, folder, "wordcount", ["text", "again", "--barks-work=work"])  # it still is one


def says_what_it_cannot_clean(folder):
    os.makedirs(os.path.join(folder, "thesis", "a" * 32))
    for arguments, words in (
            (["clean"], "which work directory"), (["clean", "a", "b"], "got 2"), (["clean", "thesis"], "'thesis'"),
            (["clean", "thesis", "--older", "0s", "--yes"], "'thesis'"), (["clean", "thesis", "--yes"], "--older 0s"),
            (["clean", "--older", "old", "thesis"], "'old' is no age"),
            (["clean", "--keep", "few", "thesis"], "'few' is no size"),
            (["clean", "--newest", "-1", "thesis"], "'-1' is no number"), (["log", "--yes"], "options of barks clean")):
        told, said = barks(folder, *arguments, status=2)
        check(words in said and said.startswith("barks: ") and told == "", (arguments, told, said))
    check("'none'" in barks(folder, "clean", "none", status=5)[1], "a directory that is not there")
    check(os.listdir(os.path.join(folder, "thesis")) == ["a" * 32], "it was touched")


def in_shape(call, shape):
    return (f"{call.__name__.replace('_', ' ')}, {shape.name}", lambda: harness.in_folder(call, shape))


def alone(call):
    return (call.__name__.replace("_", " "), lambda: harness.in_folder(call))


sys.exit(harness.run_all(
    [in_shape(makes_pages_that_agree_with_the_job, shape) for shape in SHAPES] +
    [in_shape(tells_why_a_job_failed, shape) for shape in SHAPES[:4]] +
    [in_shape(tells_of_a_job_that_was_killed, shape) for shape in (shapes.PLAIN, shapes.Shape(ranks=2))] +
    [alone(call) for call in (escapes_what_users_name, reads_what_is_left_of_damaged_logs,
                              one_bad_log_does_not_hide_the_others, says_what_is_wrong_with_its_arguments,
                              leaves_no_half_page, cleans_only_what_it_is_told, says_what_it_cannot_clean)]))
