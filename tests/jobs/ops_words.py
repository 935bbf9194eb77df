"""What the operations of ops_words.c give; see ops_a.py."""

from ops_rows import ordered


def _by_key(rows):
    groups = {}
    for row in rows:
        groups.setdefault(row.key, []).append(row)
    return groups


def aggregate_to_lists(data, _):
    return [(key, place, row.id, sum(row.text is not None for row in rows))
            for key, rows in _by_key(data.left).items() for place, row in enumerate(rows)]


def aggregate_of_all(data, _):
    numbers = [row.number for row in data.left if row.number is not None]
    texts = [row.text for row in data.left if row.text is not None]
    return [(len(data.left), sum(numbers) if numbers else None, data.left[0].id, data.left[-1].text,
             min(texts) if texts else None)]


def distinct_by_key(data, _):
    return [(key, len({row.number for row in rows})) for key, rows in _by_key(data.left).items()]


def all_reduce(data, _):
    total = sum(row.id for row in data.left)
    return ordered([(row.id + total,) for row in data.left])
