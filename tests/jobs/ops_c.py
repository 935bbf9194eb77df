"""What the operations of ops_c.c give; see ops_a.py."""

import math

from ops_rows import Row, ordered


def count(data, _):
    return [(len(data.left),)]


def cached(data, _):
    return ordered([row for row in data.left if row.number is not None])


def cached_exchange(data, _):
    return list(set(data.left) | set(data.right))


def persisted(data, _):
    return data.left * 6


def checkpointed(data, _):
    return list(set(data.left))


def checkpoint_in_order(data, _):
    return ordered([row for row in data.left if row.number is not None] + data.right)


def repeated(data, _):
    rows = data.left
    for turn in range(7):
        rows = [row._replace(id=row.id // 2 if row.id % 2 == 0 else row.id) for row in rows]
        rows = list(set(rows)) if turn % 2 == 0 else rows
    return rows * 3


def broadcast(data, _):
    first = {}
    for row in data.right:
        first.setdefault(row.key, row)
    return ordered([(row.key, first[row.key].text) for row in data.left if row.key in first])


def accumulators(data, _):
    texts = [row.text for row in data.left if row.id % 10 == 0 and row.text is not None]
    return [(len(data.left), min(row.id for row in data.left), _real(sum(row.id for row in data.left) / 2),
             len(texts), texts[-1] if texts else "")]


def shipped(data, _):
    return ordered([(row.id, len(data.right)) for row in data.left])


def take(data, _):
    return ordered(data.left[:50])


def take_ordered(data, _):
    return ordered(sorted(data.left, key=lambda row: (row.number is not None, -(row.number or 0), row.id))[:20])


def take_sample(data, _):
    return [(min(25, len(data.left)),)]


def lookup(data, _):
    return [row for row in set(data.left) if row.key == 1]


def collect_as_map(data, _):
    last = {row.key: row for row in data.left}
    return ordered([last[key] for key in sorted(last)])


def iterate(data, _):
    def place(row: Row):
        return row.id, row.key, row.number is None, row.number or 0, row.text is None, (row.text or "").encode()
    return ordered([(row.key, row.id, row.number, None) for row in sorted(data.left, key=place)])


def count_by_key(data, _):
    counts = {}
    for row in data.left:
        counts[row.key] = counts.get(row.key, 0) + 1
    return ordered(sorted(counts.items()))


def aggregate_all(data, _):
    return [(sum(row.id for row in data.left), len(data.left))]


def tree_aggregate(data, _):
    rows = set(data.left)
    return [(sum(row.id for row in rows), len(rows))]


def _numbers(data):
    return [row.number for row in data.left if row.number is not None]


def stats(data, _):
    numbers = _numbers(data)
    return [(len(numbers), _real(sum(numbers)), _real(min(numbers)), _real(max(numbers)), sum(numbers))]


def histogram(data, _):
    numbers = _numbers(data)
    return ordered([(sum(-20 <= x < -1 for x in numbers),), (sum(-1 <= x < 0 for x in numbers),),
                    (sum(0 <= x <= 30 for x in numbers),)])


def quantiles(data, _):
    ids = sorted(row.id for row in data.left)
    return ordered([(_real(ids[max(1, math.ceil(q * len(ids))) - 1]),) for q in (0, 0.25, 0.5, 0.9, 1)])


def async_counts(data, _):
    return ordered([(len(data.left),), (len(data.right),)])


def _real(number):
    """A number as a double is written: without a fraction where it has none."""
    return int(number) if number == int(number) else number
