#!/usr/bin/env python3
"""Counts the tests in meson's testlog.json: prints "passed failed skipped".

A TAP program counts as its tests, and those that it had planned or begun but did not report count as
failed; any other program is one test.
"""
import json
import re
import sys

TAP_LINE = re.compile(r"^(not ok|ok)\b(?:.*?#\s*(skip|todo)\b)?", re.IGNORECASE)
TAP_PLAN = re.compile(r"^1\.\.(\d+)")


def tally_tap(output):
    """(passed, failed, skipped) of TAP output, or None where it is none."""
    passed = failed = skipped = 0
    planned = None
    for line in output.splitlines():
        plan = TAP_PLAN.match(line)
        if plan:
            planned = int(plan.group(1))
        result = TAP_LINE.match(line)
        if result and result.group(2):
            skipped += 1
        elif result:
            passed += result.group(1).lower() == "ok"
            failed += result.group(1).lower() != "ok"
    seen = passed + failed + skipped
    if planned is None and seen == 0:
        return None
    if planned is not None and planned > seen:
        failed += planned - seen
    return passed, failed, skipped


def tally(entry):
    result = entry["result"]
    if result == "SKIP":
        return 0, 0, 1
    is_good = result in ("OK", "EXPECTEDFAIL")
    counts = tally_tap(entry.get("stdout", ""))
    if counts is None:
        return (1, 0, 0) if is_good else (0, 1, 0)
    passed, failed, skipped = counts
    if not is_good and failed == 0:
        failed = 1  # it crashed, or hung, after what it reported
    return passed, failed, skipped


def main(paths):
    totals = [0, 0, 0]
    for path in paths:
        with open(path, encoding="utf-8", errors="replace") as log:
            for line in log:
                totals = [a + b for a, b in zip(totals, tally(json.loads(line)))]
    print(*totals)


if __name__ == "__main__":
    main(sys.argv[1:])
