#!/usr/bin/env python3
"""The programs in README.md, docs and manual pages compile without a warning and do what is said: test_examples.py BUILD"""
import collections
import csv
import pathlib
import re
import subprocess
import tempfile

from compiling import ROOT, compile_job, run_job
from tap import run_cases  # found by compiling

TEXT = "the quick brown fox\tjumps\n\nover the lazy, \"lazy\" dog\r\nthe end"


def programs_of(path):
    """All C programs, and pieces of C that call barks_, in a page."""
    text = (ROOT / path).read_text()
    if path.endswith(".md"):
        return re.findall(r"```c\n(.*?)```", text, re.DOTALL)
    blocks = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed", text, re.DOTALL | re.MULTILINE)
    return [block.replace("\\&", "").replace("\\e", "\\") for block in blocks if ";\n" in block]


def read_csv(folder):
    """Rows of all parts, without the headers, which must be equal."""
    rows, headers = [], set()
    for part in sorted(pathlib.Path(folder).glob("part-*.csv")):
        head, *body = csv.reader(part.open(newline=""))
        headers.add(tuple(head))
        rows += body
    assert pathlib.Path(folder, "_SUCCESS").exists() and len(headers) == 1, (folder, headers)
    return headers.pop(), rows


def every_program_compiles():
    pages = ["README.md", *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("docs/**/*.md"))),
             *(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("docs/man/*.[1357]")))]
    count = 0
    with tempfile.TemporaryDirectory(prefix="barks docs ") as folder:
        for page in pages:
            for program in programs_of(page):
                if "int main(" in program:
                    compile_job(program, folder, f"example_{count}")
                    count += 1
    assert count >= 3, count


def readme_job_counts_words_as_coreutils_do():
    (program,) = [text for text in programs_of("README.md") if "int main(" in text]
    with tempfile.TemporaryDirectory(prefix="barks docs ") as folder:
        job = compile_job(program, folder, "readme")
        pathlib.Path(folder, "text").write_text(TEXT, newline="")
        lines = subprocess.run(r"tr -s ' \t\n\v\f\r' '\n' < text | sed '/^$/d' | sort | uniq -c", shell=True, check=True,
                               cwd=folder, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
        expected = {word: count for count, word in (line.split() for line in lines.stdout.splitlines())}
        assert expected["the"] == "3" and expected['"lazy"'] == "1", expected
        for output, options in (("plain", []), ("local", ["--barks-local", "3"])):
            run_job(job, "text", output, *options, cwd=folder)
            header, rows = read_csv(pathlib.Path(folder, output))
            assert header == ("word", "count") and len(rows) == len(expected) and dict(rows) == expected, rows
        _, errors = run_job(job, "text", "plain", status=2, cwd=folder)
        assert "exists" in errors, errors


def page_of_datasets_prints_what_it_says():
    program, printed = re.search(r"(#include.*?^}\n)\.Ed\n\.Pp\nprints\n\.Bd[^\n]*\n(.*?)\.Ed",
                                 (ROOT / "docs/man/barks_rdd.3").read_text(), re.DOTALL | re.MULTILINE).groups()
    with tempfile.TemporaryDirectory(prefix="barks docs ") as folder:
        output, _ = run_job(compile_job(program.replace("\\e", "\\"), folder, "datasets"), cwd=folder)
        assert output == printed, output


def page_of_records_splits_pairs():
    (program,) = [text for text in programs_of("docs/man/barks_record.3") if "int main(" in text]
    with tempfile.TemporaryDirectory(prefix="barks docs ") as folder:
        job = compile_job(program, folder, "records")
        pathlib.Path(folder, "good").write_text("a=1\nb=\na key that is long=-70\n")
        run_job(job, "good", "pairs", cwd=folder)
        assert read_csv(pathlib.Path(folder, "pairs")) == (
            ("key", "value"), [["a", "1"], ["b", ""], ["a key that is long", "-70"]])
        for bad, words in (("c\n", "no '=' in 'c'"), ("d=x\n", "'x' is no number")):
            pathlib.Path(folder, "bad").write_text("a=1\n" + bad)
            _, errors = run_job(job, "bad", "none", status=6, cwd=folder)
            assert words in errors and not pathlib.Path(folder, "none").exists(), errors


def page_of_contexts_goes_on_after_an_error():
    (piece,) = [text for text in programs_of("docs/man/barks_context.3") if "barks_take_error" in text]
    program = ("#include <barks/barks.h>\nint main(int argc, char **argv)\n{\n"
               "barks_context *ctx = barks_init(&argc, &argv);\n" + piece + "return barks_finalize(ctx);\n}\n")
    with tempfile.TemporaryDirectory(prefix="barks docs ") as folder:
        job = compile_job(program, folder, "contexts")
        _, errors = run_job(job, cwd=folder)
        assert "maybe-missing.txt" in errors, errors
        pathlib.Path(folder, "maybe-missing.txt").write_text("there\n")
        assert run_job(job, cwd=folder) == ("", "")


def jobs_named_in_pages_exist():
    """What README, the pages of jobs/ and scripts/ name is there."""
    for page in ("README.md", "jobs/README.md", "scripts/README.md", "include/barks/README.md"):
        text = (ROOT / page).read_text()
        names = collections.Counter(re.findall(r"\b(?:scripts|jobs|docs|src|include|tests)/[\w./-]*\w", text))
        for name in names:
            if name.startswith("jobs/") and name.endswith("NAME") or name.endswith(("NAME.c", "NAME.py")):
                continue
            there = ROOT / name
            assert there.exists() or there.with_suffix(".c").exists(), (page, name)


run_cases(every_program_compiles, readme_job_counts_words_as_coreutils_do, page_of_datasets_prints_what_it_says,
          page_of_records_splits_pairs, page_of_contexts_goes_on_after_an_error, jobs_named_in_pages_exist)
