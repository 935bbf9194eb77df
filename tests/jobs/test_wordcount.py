"""wordcount INPUT... OUTPUT equals a count by Python, or by sort and uniq where there are millions."""

import collections
import os
import re
import subprocess

import harness
import inputs
import oracle
import outputs
import shapes

HEADER = b"word,count"


def check(named, output):
    expected = collections.Counter()
    for text in oracle.texts(named):
        expected.update(re.findall(rb"[^ \t\n\v\f\r]+", text))
    counted = collections.Counter()
    for part in outputs.parts(output, ".csv"):
        for word, count in outputs.csv_rows(part, HEADER):
            if word in counted:
                raise outputs.Wrong(f"{word[:60]!r} is there twice")
            counted[word] = count
    if counted != expected:
        word = next(word for word in expected.keys() | counted.keys() if counted[word] != expected[word])
        raise outputs.Wrong(f"{word[:60]!r}: {counted[word]}, not {expected[word]}; "
                            f"{len(counted)} distinct words, not {len(expected)}")


def top_case(count):
    def check_stdout(named, stdout):
        expected = collections.Counter()
        for text in oracle.texts(named):
            expected.update(text.split())
        rows = sorted(expected.items(), key=lambda row: (-row[1], row[0]))[:count]
        printed = [tuple(line.split()) for line in stdout.splitlines()]
        if printed != [(b"%d" % times, word) for word, times in rows]:
            raise outputs.Wrong(f"the most frequent words are {rows}")

    return harness.Case(f"the top {count}", inputs.one_text("many splits"), check, check_stdout=check_stdout,
                        arguments=lambda named, output: named + [output, "--top", str(count)])


DISTINCT = 50_000_000


def sequence(folder, rng):
    path = os.path.join(folder, "sequence")
    with open(path, "wb") as file:
        subprocess.run(["seq", str(DISTINCT)], check=True, stdout=file)
    return [path]


def check_sequence(named, output):
    """Each number once, by counting and sorting: numbers 1..n that are all distinct and n many are right."""
    script = """
        cd "$1" && for part in part-*.csv; do tail -n +2 "$part"; done |
        awk -F, -v n="$2" '$2 != 1 || $1 != int($1) || $1 < 1 || $1 > n { exit 1 } { print $1 }' |
        sort -n -S 1G | cmp - "$3" """
    if subprocess.run(["bash", "-o", "pipefail", "-c", script, "-", output, str(DISTINCT), named[0]],
                      env=shapes.environment(), check=False).returncode != 0:
        raise outputs.Wrong(f"not each of 1..{DISTINCT} once")


CASES = harness.all_inputs(check) + [
    harness.Case("on several nodes", inputs.one_text("many splits"), check,
                 shapes=[shapes.PLAIN] + shapes.NODES),
    top_case(1),
    top_case(100),
    harness.Case("50 million distinct words", sequence, check_sequence, shapes=shapes.FEW,
                 limit_seconds=300, is_slow=True),
]

if __name__ == "__main__":
    harness.main("wordcount", ".csv", CASES)
