"""What the operations of ops_files.c give; see ops_a.py."""

from ops_rows import ordered


def csv_tabs(data, _):
    return ordered(data.left)


def _is_good(row):
    return row.number is not None and row.text is not None


def csv_good_rows(data, _):
    return ordered([row for row in data.left if _is_good(row)])


def bad_row_counts(data, _):
    good = sum(map(_is_good, data.left))
    bad = len(data.left) - good
    return [(good, bad, 2 * bad, True)]


def _lines(data):
    return ["\t".join("" if value is None else str(value) for value in row) for row in data.left]


def put_aside(data, _):
    found, at = [], 0
    for row, line in zip(data.left, _lines(data)):
        if not _is_good(row):
            found.append((at, line))
        at += len(line) + 1
    return ordered(found)


def _between(data, separator):
    pieces = ("\n".join(_lines(data)) + "\n").split(separator)
    if pieces[-1] == "":
        pieces.pop()
    return ordered([(len(piece),) for piece in pieces])


def separated(data, _):
    return _between(data, "\t")


def separated_by_two(data, _):
    return _between(data, "\n1")
