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


def with_columns(data, _):
    def half(number):
        return None if number is None else number // 2 if number % 2 == 0 else number / 2
    return ordered([(row.key, row.id, half(row.number), row.text, row.key % 2 == 0) for row in data.left])


def filter_batches(data, _):
    return ordered([row for row in data.left if row.number is not None and row.number > 10])


def map_batches_of(data, _):
    return ordered([(data.left[at].key, min(100, len(data.left) - at)) for at in range(0, len(data.left), 100)])


def aggregate_by_key(data, _):
    totals = {}
    for row in data.left:
        total, rows = totals.get(row.key, (0, 0))
        totals[row.key] = (total + (row.number or 0), rows + 1)
    return [(key, total, rows) for key, (total, rows) in totals.items()]


def fold_by_key(data, partitions):
    return aggregate_by_key(data, partitions)


def combine_by_key(data, partitions):
    return aggregate_by_key(data, partitions)


def reduce_partitioned(data, partitions):
    return [(key, 2 * total, 2 * rows) for key, total, rows in aggregate_by_key(data, partitions)]


def _by_key(rows):
    groups = {}
    for row in rows:
        groups.setdefault(row.key, []).append(row)
    return groups


def aggregate_words(data, _):
    result = []
    for key, rows in _by_key(data.left).items():
        numbers = [row.number for row in rows if row.number is not None]
        texts = [row.text for row in rows if row.text is not None]
        result.append((key, len(rows), len(numbers), sum(numbers) if numbers else None,
                       min(texts, default=None), max(numbers, default=None), rows[0].id, rows[-1].text))
    return result


def distinct_by(data, _):
    return [rows[0] for rows in _by_key(data.left + data.right).values()]


def select(data, _):
    return ordered((row.text, row.key, row.number) for row in data.left)


def repartition(data, _):
    return data.left


def coalesce(data, _):
    return ordered(data.left + data.right)


def _nulls_last(value, null):
    return value is None, null if value is None else value


def coalesce_sorted(data, _):
    return ordered(sorted(data.right, key=lambda row: (-row.key, row.id, _nulls_last(row.number, 0),
                                                       _nulls_last(row.text, ""))))


def partition_by_range(data, _):
    return data.left


def repartition_and_sort(data, _):
    return ordered(sorted(data.left, key=lambda row: (row.key, -row.id, _nulls_last(row.number, 0),
                                                      _nulls_last(row.text, ""))))
