"""Rows for ops and its oracles: made from a seed, written as the job reads them, read as it writes them."""

import dataclasses
import os
import typing


class Row(typing.NamedTuple):
    key: int
    id: int
    number: int | None
    text: str | None


class ordered(list):  # pylint: disable=invalid-name
    """Rows whose order counts."""


@dataclasses.dataclass
class Data:
    left: list
    right: list


def make_rows(rng, count, key_count):
    """Keys repeat, numbers and texts are null now and then, texts are of all short lengths."""
    return [Row(rng.randrange(key_count), rng.randrange(max(1, count)),
                None if rng.random() < 0.2 else rng.randrange(-50, 50),
                None if rng.random() < 0.2 else "".join(rng.choices("abcxyz", k=rng.randint(1, 30))))
            for _ in range(count)]


def write_rows(folder, name, rows):
    with open(os.path.join(folder, name + ".txt"), "w", encoding="utf-8") as file:
        for row in rows:
            file.write("\t".join("" if value is None else str(value) for value in row) + "\n")


def text_of(value):
    """A value as the CSV of a job has it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value == "":
        return '""'
    return repr(value) if isinstance(value, float) else str(value)


def lines_of(rows):
    return [",".join(text_of(value) for value in row) for row in rows]
