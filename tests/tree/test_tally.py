#!/usr/bin/env python3
"""The closing line of scripts/test counts what really ran."""
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from tap import run_cases  # noqa: E402


def tally(*entries):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as log:
        for result, stdout in entries:
            log.write(json.dumps({"result": result, "stdout": stdout}) + "\n")
        log.flush()
        run = subprocess.run([sys.executable, ROOT / "tests/support/tally.py", log.name],
                             capture_output=True, text=True, check=True)
    return tuple(int(word) for word in run.stdout.split())


def tap_tests_count_one_by_one():
    assert tally(("OK", "ok 1 - a\nok 2 - b\n1..2\n")) == (2, 0, 0)
    assert tally(("FAIL", "1..3\nok 1 - a\nnot ok 2 - b\nok 3 # SKIP none\n")) == (1, 1, 1)


def tests_that_never_reported_count_as_failed():
    assert tally(("ERROR", "1..5\nok 1\nok 2\n")) == (2, 3, 0)
    assert tally(("TIMEOUT", "ok 1\n")) == (1, 1, 0)
    assert tally(("ERROR", "")) == (0, 1, 0)


def other_programs_are_one_test():
    assert tally(("OK", ""), ("FAIL", "words"), ("SKIP", ""), ("OK", "okay\n")) == (2, 1, 1)


run_cases(tap_tests_count_one_by_one, tests_that_never_reported_count_as_failed,
          other_programs_are_one_test)
