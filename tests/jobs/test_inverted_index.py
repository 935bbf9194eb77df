"""inverted_index INPUT OUTPUT: for each word the files that hold it, and how often."""

import collections
import json
import os

import harness
import inputs
import outputs


def make(folder, rng):
    for name in ("a", "b", "c/d", "c/e"):
        inputs.write(folder, f"texts/{name}.txt", inputs.words_text(rng, 30000))
    return [os.path.join(folder, "texts")]


def check(named, output):
    expected = {}
    for root, _, names in os.walk(named[0]):
        for name in names:
            path = os.path.join(root, name)
            with open(path, "rb") as file:
                for word, count in collections.Counter(file.read().split()).items():
                    expected.setdefault(word.decode(), []).append((path, count))
    rows = [json.loads(line) for line in b"".join(outputs.parts(output, ".json")).splitlines()]
    if [row["word"] for row in rows] != sorted(expected):
        raise outputs.Wrong("other words, or in another order")
    if any(list(zip(row["path"], row["count"])) != sorted(expected[row["word"]]) for row in rows):
        raise outputs.Wrong("other files")


if __name__ == "__main__":
    harness.main("inverted_index", ".json", [harness.Case("four files", make, check)])
