"""What the operations of ops_custom.c give; see ops_a.py."""

from ops_rows import ordered


def custom_sink_and_source(data, _):
    return ordered(data.left)


def _nulls_last(row):
    return (row.key, row.id, row.number is None, row.number or 0, row.text is None, row.text or "")


def custom_twice(data, _):
    return ordered(sorted(data.left, key=_nulls_last))


def custom_sink_fails(_, __):
    return [(True, True, True)]
