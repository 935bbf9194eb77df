#!/usr/bin/env python3
"""Manual pages are well-formed and name all that there is: test_man.py BUILD"""
import os
import pathlib
import re
import shutil
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


def named_in(name, call):
    return re.search(rf"\b(Fn|Fo) {call}\b", page(name))


def pages_name_every_public_call():
    include = ROOT / "include/barks"
    text = {path.name: path.read_text() for path in include.glob("*.h")}
    called = r"^#define ({}\w*)\("
    expected = {
        "barks_rdd.3": re.findall(called.format("barks_"), text["rdd.h"], re.MULTILINE) + ["barks_release"],
        "barks_async.3": re.findall(called.format("barks_"), (include / "async.h").read_text(), re.MULTILINE)
                         + re.findall(r"^BARKS_API[^;(]*?\b(barks_\w+)\(", (include / "async.h").read_text(), re.MULTILINE),
        "barks_order.3": re.findall(called.format("(?:barks_|BARKS_)"), text["order.h"], re.MULTILINE),
        "barks_sample.3": re.findall(called.format("barks_"), text["sample.h"], re.MULTILINE),
        "barks_context.3": re.findall(r"\b(barks_\w+)\((?!const char \*where)[^;]*\)[^;]*;",
                                      "\n".join(line for line in re.findall(r"^BARKS_API[^;]*;",
                                                text["context.h"] + text["status.h"], re.MULTILINE))),
        "barks_within.3": re.findall(called.format("barks_"), text["within.h"], re.MULTILINE),
        "barks_explain.3":
            re.findall(called.format("barks_"), text["explain.h"], re.MULTILINE)
            + re.findall(r"\b(barks_\w+)\(", "\n".join(re.findall(r"^BARKS_API[^;]*;", text["explain.h"], re.MULTILINE))),
        "barks_shared.3":
            re.findall(called.format("(?:barks|BARKS)_"), text["shared.h"] + text["resource.h"], re.MULTILINE)
            + re.findall(r"\b(barks_\w+)\(", "\n".join(re.findall(r"^BARKS_API[^;]*;", text["shared.h"], re.MULTILINE))),
        "barks_record.3":
            re.findall(called.format("BARKS_"), text["body.h"] + text["body_rows.h"], re.MULTILINE)
            + re.findall(called.format("(?:emit|fail|barks_)"), text["body.h"], re.MULTILINE)
            + re.findall(called.format("BARKS_RECORD"), text["record.h"], re.MULTILINE)
            + re.findall(called.format("barks_"), text["field.h"], re.MULTILINE)
            + re.findall(called.format("(?:barks|BARKS_STR)_"), text["str.h"] + text["words.h"], re.MULTILINE)
            + re.findall(r"^(?:static inline|BARKS_INLINE|BARKS_API)\b[^;{(=]*?\b(barks_\w+)\(",
                         text["str.h"] + text["words.h"], re.MULTILINE),
    }
    # What macros are made of, and what they call.
    inner = re.compile(r"_$|_at$|_of_exactly$|_of_quick$|_begin$|_find_from$|_spaces_of_|_bit$|^BARKS_(FUNCTION_OF|ENV_OF)$|"
                       r"^BARKS_(RESOURCE|RECORD|MAP|FLAT_MAP|FILTER|MAP_BATCHES|REDUCE|AGGREGATE|FOREACH)_")
    kinds = {"BARKS_MAP_BATCHES", "BARKS_MAP_PARTITIONS", "BARKS_FILTER_BATCHES"}
    for name, calls in expected.items():
        public = {call for call in calls if call in kinds or not inner.search(call)}
        assert len(public) >= 4, (name, public)
        missing = sorted(call for call in public if not named_in(name, call))
        assert not missing, (name, missing)


def pages_name_nothing_that_is_gone():
    headers = "\n".join(path.read_text() for path in (ROOT / "include/barks").glob("*.h"))
    for path in PAGES:
        for call in re.findall(r"\b(?:Fn|Fo) ((?:barks|BARKS)_\w+)", path.read_text()):
            assert re.search(rf"\b{call}\b", headers), (path.name, call)


def exit_statuses_are_those_of_the_code():
    code = (ROOT / "src/runtime/context.c").read_text()
    body = code[code.index("int barks_exit_code("):]
    numbers = {int(number) for number in re.findall(r"return (\d+);", body[:body.index("\n}\n")])}
    listed = page("barks.7")
    listed = listed[listed.index(".Sh EXIT STATUS"):]
    assert {int(number) for number in re.findall(r"^\.It (\d+)$", listed, re.MULTILINE)} == numbers
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
