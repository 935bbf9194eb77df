"""Tables in CSV, read by Python's own reader."""

import csv
import io

import outputs


def rows(text, header):
    first, *rest = csv.reader(io.StringIO(text.decode(), newline=""))
    if first != header:
        raise outputs.Wrong(f"the columns are {first}, not {header}")
    return [tuple(row) for row in rest]


def read(path, header):
    with open(path, "rb") as file:
        return rows(file.read(), header)


def written(folder, header):
    """The rows of all parts, each of which has the header."""
    return [row for part in outputs.parts(folder, ".csv") for row in rows(part, header)]
