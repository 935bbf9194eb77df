"""What the operations of ops_order.c give; see ops_a.py."""

import itertools

from ops_rows import Row, ordered


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


def rebalance(data, _):
    return ordered(data.left)


def concat(data, _):
    return ordered(data.right + data.left + data.right)


def zip_align(data, _):
    pairs = itertools.zip_longest(data.left, data.right, fillvalue=Row(None, None, None, None))
    return ordered([(*left, right.id, right.text) for left, right in pairs])


def zip_align_shortest(data, _):
    return ordered([(right.id, *left) for right, left in zip(data.right, data.left)])


def merge_sorted(data, _):
    rows = data.left + data.right + data.left
    return ordered(sorted(rows, key=lambda row: (row.number is not None, -(row.number or 0), row.id)))


def _windows(rows, width, step, partial):
    found = []
    for begin in range(0, len(rows), step):
        window = rows[begin:begin + width]
        seen = begin == 0 or begin - step + width < len(rows)
        if len(window) == width or (partial and seen):
            found.append((begin // step, len(window), window[0].id, window[-1].id, sum(row.id for row in window)))
    return found


def windows(data, _):
    return ordered(_windows(sorted(data.left, key=lambda row: row.key), 5, 2, True))


def blocks(data, partitions):
    return ordered(_windows(data.left, 100 * partitions, 100 * partitions, False))


def _running(rows, total, text, exclusive):
    found = []
    for row in rows:
        before = total, text
        total, text = total + row.id, row.text if row.text is not None else text
        shown = before if exclusive else (total, text)
        found.append((row.key, shown[0], row.number, shown[1]))
    return found


def scan(data, _):
    return ordered(_running(data.left, 0, None, False))


def scan_exclusive(data, _):
    return ordered(_running(data.left, 1000, None, True))


def reduce_to_index(data, _):
    sums = {}
    for row in data.left:
        sums[row.id] = sums.get(row.id, 0) + row.key
    return ordered([(index, sums.get(index, -1)) for index in range(10000)])


def group_to_index(data, _):
    keys = {}
    for row in data.left:
        keys.setdefault(row.id, []).append(row.key)
    return ordered([(index, len(keys.get(index, [])), max(keys.get(index, [-1]))) for index in range(9500)])
