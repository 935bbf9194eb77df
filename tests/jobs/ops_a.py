"""What the operations of ops_a.c give. Each function has the operation's name and takes (data, partitions); it
returns the rows, or ordered(rows) where their order counts. data.left and data.right are lists of Row."""

from ops_rows import Row, ordered


def distinct(data, _):
    return list(set(data.left) | set(data.right))


def sort(data, _):
    def place(row: Row):
        text = () if row.text is None else tuple(-byte for byte in row.text.encode()) + (1,)
        return row.text is not None, text, row.number is None, row.number or 0, row.id
    return ordered(sorted(data.left, key=place))


def aggregate_by_key(data, _):
    totals = {}
    for row in data.left:
        total, rows = totals.get(row.key, (0, 0))
        totals[row.key] = (total + (row.number or 0), rows + 1)
    return [(key, total, rows) for key, (total, rows) in totals.items()]
