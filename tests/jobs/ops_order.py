"""What the operations of ops_order.c give; see ops_a.py."""

from ops_rows import ordered


def _longer(row):
    return row.text is None, -len(row.text or "")


def sort_by_fn(data, _):
    return ordered(sorted(data.left, key=_longer))


def top_by(data, _):
    return ordered(sorted(data.left, key=_longer)[:30])


def max_by(data, _):
    greatest = max(map(_longer, data.left))
    return [next(row for row in data.left if _longer(row) == greatest)]


def only_partitions(data, _):
    return list(set(data.left))


def _place(row):
    return row.key, row.number is None, row.number or 0, row.text is None, (row.text or "").encode()


def filter_by_range(data, _):
    rows = [row for row in data.left if 20 <= row.id <= 150]
    return ordered(sorted(rows, key=lambda row: (-row.id, *_place(row))))
