"""What the operations of ops_b.c give; see ops_a.py."""

from ops_rows import ordered


def _by(rows, key):
    groups = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _small(rows):
    return [row for row in rows if row.id < 300]


def _pairs(data, keep_left, keep_right):
    """Pairs of small rows of one key; None for a side that is missing."""
    left, right = _small(data.left), _small(data.right)
    partners, keys = _by(right, lambda row: row.key), {row.key for row in left}
    pairs = []
    for row in left:
        found = partners.get(row.key, [])
        pairs += [(row, other) for other in found]
        if not found and keep_left:
            pairs.append((row, None))
    if keep_right:
        pairs += [(None, other) for other in right if other.key not in keys]
    return pairs


def _joined(pairs):
    rows = []
    for left, right in pairs:
        rows.append(((left or right).key,)
                    + ((left.id, left.number, left.text) if left else (None, None, None))
                    + ((right.id, right.text) if right else (None, None)))
    return rows


def union(data, _):
    return ordered(data.left + data.right)


def join(data, _):
    return _joined(_pairs(data, False, False))


def join_in_place(data, _):
    return _joined(_pairs(data, False, False))


def left_join(data, _):
    return _joined(_pairs(data, True, False))


def right_join(data, _):
    return _joined(_pairs(data, False, True))


def _by_right(data):
    """Pairs of small rows in the order of the right, then of the left; every row of the right."""
    partners = _by(_small(data.left), lambda row: row.key)
    return [(left, right) for right in _small(data.right) for left in partners.get(right.key, [None])]


def broadcast_left_join(data, _):
    return ordered(_joined(_pairs(data, True, False)))


def broadcast_right_join(data, _):
    return ordered(_joined(_by_right(data)))


def broadcast_right_join_with(data, _):
    return ordered((right.key, left.id if left else -1, right.id) for left, right in _by_right(data))


def broadcast_join(data, _):
    return _joined(_pairs(data, False, False))


def broadcast_semi_join(data, _):
    return ordered(semi_join(data, _))


def broadcast_anti_join(data, _):
    return ordered(anti_join(data, _))


def full_join(data, _):
    return _joined(_pairs(data, True, True))


def full_join_with(data, _):
    return [((left or right).key, left.id if left else -1, right.id if right else -1)
            for left, right in _pairs(data, True, True)]


def semi_join(data, _):
    keys = {(row.number, row.text) for row in data.right}
    return [row for row in data.left if (row.number, row.text) in keys]


def anti_join(data, _):
    keys = {row.text for row in data.right}
    return [row for row in data.left if row.text not in keys]


def intersection(data, _):
    return list({(row.key, row.id) for row in data.left} & {(row.key, row.id) for row in data.right})


def subtract(data, _):
    others = {(row.key, row.id) for row in data.right}
    return [(row.key, row.id) for row in data.left if (row.key, row.id) not in others]


def group_by_key(data, _):
    return [(key, len(rows), rows[0].id, rows[-1].id) for key, rows in _by(data.left, lambda row: row.key).items()]


def group_with(data, _):
    sessions = []
    for key, rows in _by(data.left, lambda row: row.key).items():
        rows.sort(key=lambda row: (row.number is None, row.number or 0, -row.id))
        sessions.append((key, len(rows), rows[0].id, rows[-1].id))
    return sessions


def cogroup(data, _):
    left, right = _by(data.left, lambda row: row.key), _by(data.right, lambda row: row.key)
    return [(key, len(left.get(key, [])), len(right.get(key, [])),
             sum(row.id for row in left.get(key, [])) + 1000 * sum(row.id for row in right.get(key, [])))
            for key in left.keys() | right.keys()]


def zip(data, _):  # pylint: disable=redefined-builtin
    return ordered((row.key, 4 * row.id) for row in data.left)


def zip_with_index(data, _):
    return ordered(tuple(row) + (place,) for place, row in enumerate(data.left))


def cartesian(data, _):
    return [(left.id, left.number, right.id) for left in data.left if left.id < 40
            for right in data.right if right.id < 30]


def map_values(data, _):
    return ordered((row.key, 2 * row.id) for row in data.left)


def flat_map_values(data, _):
    return ordered((row.key, row.text, 2 * row.id + i) for row in data.left for i in range(row.id % 3))


def random_split(data, _):
    return data.left


def pipe(data, _):
    return ordered(((row.text or "").translate({97: 65, 98: 66, 99: 67}),) for row in data.left)
