"""What the operations of ops_large.c give; see ops_a.py."""

from ops_rows import ordered

ROWS, KEYS = 24, 8


def _text(key):
    """The letters go round, so that all but a part of the last round is known by its sum."""
    letters = bytes(ord("a") + i + key % 3 for i in range(23))
    count = 9**key
    return count, sum(letters) * (count // 23) + sum(letters[:count % 23])


def _ids(key):
    return range(key, ROWS, KEYS)


def large_distinct(_data, _partitions):
    return [(key, key, *_text(key)) for key in range(KEYS)]


def large_reduce(_data, _partitions):
    return [(key, sum(_ids(key)), *_text(key)) for key in range(KEYS)]


def large_sort(_data, _partitions):
    # Texts of keys of one remainder by 3 are prefixes of each other.
    keys = sorted(range(KEYS), key=lambda key: (key % 3, key), reverse=True)
    return ordered([(key, row, *_text(key)) for key in keys for row in _ids(key)])


def large_group(_data, _partitions):
    return [(key, sum(_ids(key)), 3 * _text(key)[0], 3 * _text(key)[1]) for key in range(KEYS)]


def large_join(_data, _partitions):
    return [(key, 100 * left + right, *_text(key)) for key in range(KEYS) for left in _ids(key) for right in _ids(key)]


def large_cogroup(_data, _partitions):
    return [(key, sum(_ids(key)), 3 * _text(key)[0], _text(key)[1]) for key in range(KEYS)]


def large_repartition(_data, _partitions):
    return [(row % KEYS, row, *_text(row % KEYS)) for row in range(ROWS)]


def _hot_rows():
    return [(1 if row % 3 else row, row) for row in range(60000)]


def hot_join(_data, _partitions):
    return [(key, row, other) for key, row in _hot_rows() for other in range(300) if other % 100 == key]


def hot_right_join(_data, _partitions):
    rows = hot_join(_data, _partitions)
    met = {row for _, row, _ in rows}
    return rows + [(key, row, None) for key, row in _hot_rows() if row not in met]
