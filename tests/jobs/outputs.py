"""Reading and comparing what a job has written."""

import filecmp
import os
import re

SUCCESS = "_SUCCESS"


class Wrong(Exception):
    """A test has found what must not be; the text says what."""


def part_names(folder, suffix):
    """The parts in order. Anything else that stands in the folder, but for _SUCCESS, is wrong; but the owner's mark may
    stay where removing it fails."""
    names = sorted(name for name in os.listdir(folder) if name != ".owner")
    if SUCCESS not in names:
        raise Wrong(f"{folder} has no {SUCCESS}: {names[:20]}")
    names.remove(SUCCESS)
    pattern = re.compile(r"part-[0-9]{5,}" + re.escape(suffix))
    strange = [name for name in names if not pattern.fullmatch(name)]
    if strange:
        raise Wrong(f"{folder} has other files than parts: {strange[:20]}")
    if not names:
        raise Wrong(f"{folder} has no part")
    return names


def parts(folder, suffix):
    for name in part_names(folder, suffix):
        with open(os.path.join(folder, name), "rb") as file:
            yield file.read()


def check_same(folder, other, suffix):
    """The same parts with the same bytes in both folders."""
    names, other_names = part_names(folder, suffix), part_names(other, suffix)
    if names != other_names:
        raise Wrong(f"{folder} has {len(names)} parts, {other} has {len(other_names)}")
    for name in names:
        if not filecmp.cmp(os.path.join(folder, name), os.path.join(other, name), shallow=False):
            raise Wrong(f"{name} is not the same in {folder} and in {other}")


def check_nothing_visible(folder):
    """A job that failed leaves no output that looks whole."""
    if os.path.exists(os.path.join(folder, SUCCESS)):
        raise Wrong(f"{folder} has a {SUCCESS} although the job failed")
    seen = [name for name in os.listdir(folder) if not name.startswith((".", "_"))] \
        if os.path.isdir(folder) else []
    if seen:
        raise Wrong(f"{folder} shows {seen[:20]} although the job failed")


def csv_rows(text, header):
    """The rows of a part in CSV, strictly: fields are quoted exactly where they must be, lines end in \\n."""
    if not text.startswith(header + b"\n"):
        raise Wrong(f"a part begins with {text[:60]!r}, not with the header {header!r}")
    body = text[len(header) + 1:]
    if body and not body.endswith(b"\n"):
        raise Wrong("a part does not end with a newline")
    for line in body.split(b"\n")[:-1]:
        word, comma, count = line.rpartition(b",")
        if word.startswith(b'"'):
            inner = word[1:-1]
            plain = inner.replace(b'""', b"")
            if len(word) < 2 or word[-1:] != b'"' or b'"' in plain:
                raise Wrong(f"badly quoted: {line[:80]!r}")
            word = inner.replace(b'""', b'"')
            if not re.search(rb'[",\r]', word):
                raise Wrong(f"quoted without need: {line[:80]!r}")
        elif b'"' in word or b"," in word:
            raise Wrong(f"not quoted: {line[:80]!r}")
        if not comma or not count.isdigit():
            raise Wrong(f"no count: {line[:80]!r}")
        yield word, int(count)
