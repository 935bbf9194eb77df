#!/usr/bin/env python3
"""Manual pages are well-formed and name all that there is: test_man.py BUILD"""
import os
import pathlib
import re
import shutil
import signal
import tempfile

from compiling import BUILD, ROOT, run
from tap import Skip, run_cases  # found by compiling

MAN = ROOT / "docs/man"
PAGES = sorted(MAN.glob("*.[1-9]"))
SETTING = re.compile(r'SETTING\((\w+),\s*"([^"]*)",\s*(\w+),\s*"([^"]*)",\s*"([^"]*)",\s*"([^"]*)"\)')


def page(name):
    return (MAN / name).read_text()


def words_of(name):
    """The page without escapes."""
    return page(name).replace("\\-", "-").replace("\\&", "")


def pages_have_no_warnings_of_groff():
    if shutil.which("groff") is None:
        raise Skip("groff is not installed")
    for path in PAGES:
        done = run(["groff", "-k", "-Tutf8", "-ww", "-mdoc", path])
        if "doc.tmac" in done.stderr:
            raise Skip("groff's macros of manual pages are not installed")
        assert done.returncode == 0 and not done.stderr, (path.name, done.stderr)


def pages_have_no_warnings_of_mandoc():
    if shutil.which("mandoc") is None:
        raise Skip("mandoc is not installed")
    for path in PAGES:
        # What other pages the machine has is not what is asked.
        found = [line for line in run(["mandoc", "-T", "lint", path]).stdout.splitlines()
                 if "mandoc.db" not in line and "referenced manual not found" not in line]
        assert not found, found


def every_page_is_installed():
    listed = set(re.findall(r"'([\w.-]+\.\d)'", (MAN / "meson.build").read_text()))
    assert listed == {path.name for path in PAGES}, listed


def pages_refer_to_pages_that_exist():
    ours = {path.name for path in PAGES}
    for path in PAGES:
        for name, section in re.findall(r"\.?Xr (\S+) (\d)", path.read_text()):
            assert not name.startswith("barks") or f"{name}.{section}" in ours, (path.name, name)


def table_of_settings():
    """{key: (type, default, limits)} of config.h."""
    text = (ROOT / "src/base/config.h").read_text().replace("\\\n", "\n")
    table = text[text.index("#define CONFIG_TABLE"):text.index("enum config_key")]
    rows = {key: (kind, initial, limits) for _, key, kind, initial, limits, _ in SETTING.findall(table)}
    assert len(rows) == len(re.findall(r"\bSETTING\(\w+,", table)) and len(rows) > 10, rows
    return rows


def conf_page_has_every_setting_of_the_table():
    shown = {}
    for key, kind, initial, _, limits in re.findall(
            r"^\.It Ic (\S+) = Ar (\S+) Pq default ([^,\n]+)(, limits (\S+))?$", page("barks.conf.5"), re.MULTILINE):
        shown[key] = (kind, initial, limits)
    expected = {key: (limits, initial, "") if kind == "CHOICE" else (kind.lower(), initial, limits)
                for key, (kind, initial, limits) in table_of_settings().items()}
    assert shown == expected, (sorted(shown.items() ^ expected.items()))
    assert list(shown) == list(expected), "the page has them in another order"


def help_has_every_setting_of_the_table():
    with tempfile.TemporaryDirectory() as empty:
        done = run([BUILD / "jobs/wordcount", "--barks-help"], cwd=empty,
                   env={**os.environ, "HOME": empty, "XDG_CONFIG_HOME": empty})
    lines = done.stdout.splitlines()
    first = next(index for index, line in enumerate(lines) if line.startswith("key "))
    shown = {}
    for line in lines[first + 1:]:
        key, kind, initial, _ = re.split(r" {2,}", line, maxsplit=3)
        shown[key] = (kind, initial)
    expected = {key: (limits if kind == "CHOICE" else kind.lower(), initial)
                for key, (kind, initial, limits) in table_of_settings().items()}
    assert done.returncode == 0 and shown == expected, (done, expected)


# Where each header's calls are to be found, in any of the pages.
PAGES_OF = {
    "action.h": ("barks_action.3", "barks_explain.3", "barks_keep.3"),
    "arrow.h": ("barks_arrow.3",),
    "async.h": ("barks_async.3",),
    "batch.h": ("barks_record.3",),
    "body.h": ("barks_record.3",),
    "body_rows.h": ("barks_record.3",),
    "context.h": ("barks_context.3",),
    "custom.h": ("barks_custom.3",),
    "explain.h": ("barks_explain.3",),
    "field.h": ("barks_record.3",),
    "group.h": ("barks_group.3",),
    "keyed.h": ("barks_join.3",),
    "listener.h": ("barks_schedule.3",),
    "needs.h": ("barks_needs.3",),
    "order.h": ("barks_order.3",),
    "rdd.h": ("barks_rdd.3",),
    "record.h": ("barks_record.3",),
    "repeat.h": ("barks_keep.3",),
    "resource.h": ("barks_shared.3",),
    "sample.h": ("barks_sample.3",),
    "schedule.h": ("barks_schedule.3",),
    "shared.h": ("barks_shared.3",),
    "sink.h": ("barks_rdd.3",),
    "source.h": ("barks_rdd.3",),
    "status.h": ("barks_context.3",),
    "str.h": ("barks_record.3",),
    "sum.h": ("barks_sum.3",),
    "together.h": ("barks_together.3",),
    "transform.h": ("barks_transform.3",),
    "within.h": ("barks_within.3",),
    "words.h": ("barks_record.3",),
}
WITHOUT_CALLS = {"api.h", "barks.h", "each.h", "function.h"}  # for compilers, and what macros are made of
CALL = re.compile(r"^#define (barks_\w+|BARKS_\w+|emit|fail)\("
                  r"|^(?:static inline|BARKS_INLINE|BARKS_API)\b[^;{(=]*?\b(barks_\w+)\(", re.MULTILINE)
# What macros are made of, and what they call.
INNER = re.compile(r"_$|_at$|_of_exactly$|_of_quick$|_begin$|_find_from$|_spaces_of_|_bit$"
                   r"|^BARKS_(FUNCTION_OF|ENV_OF|STRING|LIKELY|UNLIKELY|FIELD|RECORD_OF|NAMED|C|VALUES|TARGET|OPEN|AIM|LOAD"
                   r"|STORE|KEEP|TYPE|NULLABLE)$|^BARKS_(CLASS|INNER|OUTER|ITEM)(_|$)")


def calls_of(header):
    found = CALL.findall((ROOT / "include/barks" / header).read_text())
    return {call for pair in found for call in pair if call and not INNER.search(call)}


def pages_name_every_public_call():
    headers = {path.name for path in (ROOT / "include/barks").glob("*.h")}
    assert headers == set(PAGES_OF) | WITHOUT_CALLS, headers ^ (set(PAGES_OF) | WITHOUT_CALLS)
    assert {"emit", "BARKS_MAP", "barks_join", "barks_sum_add", "barks_wait"} <= set().union(*map(calls_of, PAGES_OF))
    for header, names in PAGES_OF.items():
        text = "".join(page(name) for name in names)
        calls = calls_of(header)
        assert calls, header
        missing = sorted(call for call in calls if not re.search(rf"\b(Fn|Fo) {call}\b", text))
        assert not missing, (header, names, missing)


def pages_name_nothing_that_is_gone():
    headers = "\n".join(path.read_text() for path in (ROOT / "include/barks").glob("*.h"))
    for path in PAGES:
        for call in re.findall(r"\b(?:Fn|Fo) ((?:barks|BARKS)_\w+)", path.read_text()):
            assert re.search(rf"\b{call}\b", headers), (path.name, call)


def exit_statuses_are_those_of_the_code():
    code = (ROOT / "src/base/exit_code.c").read_text()
    assert "_exit(128 + SIGINT)" in (ROOT / "src/runtime/signals.c").read_text()
    second_interrupt = 128 + signal.SIGINT
    body = code[code.index("int barks_exit_code("):]
    numbers = {int(number) for number in re.findall(r"return (\d+);", body[:body.index("\n}\n")])}
    listed = page("barks.7")
    listed = listed[listed.index(".Sh EXIT STATUS"):]
    assert {int(number) for number in re.findall(r"^\.It (\d+)$", listed, re.MULTILINE)} == numbers | {second_interrupt}
    readme = (ROOT / "README.md").read_text()
    sentence = readme[readme.index("Exit status: "):]
    sentence = sentence[:sentence.index(".")]
    assert {int(number) for number in re.findall(r"\b\d+\b", sentence)} == numbers, sentence


def job_pages_have_what_help_says():
    for job in ("grep", "pi", "sort_lines", "wordcount"):
        done = run([BUILD / "jobs" / job, "--help", "--barks-quiet"])
        assert done.returncode == 0, done
        usage = done.stdout.splitlines()[0]
        text = words_of(f"barks-{job}.1").lower()
        for word in re.findall(r"--?\w+|\b[A-Z]+\b", usage):
            assert word.strip("-").lower() in text, (job, word)
        for option in re.findall(r"--(\w+)", usage):
            assert f"fl -{option}" in text, (job, option)


run_cases(pages_have_no_warnings_of_groff, pages_have_no_warnings_of_mandoc, every_page_is_installed,
          pages_refer_to_pages_that_exist, conf_page_has_every_setting_of_the_table,
          help_has_every_setting_of_the_table, pages_name_every_public_call, pages_name_nothing_that_is_gone,
          exit_statuses_are_those_of_the_code, job_pages_have_what_help_says)
