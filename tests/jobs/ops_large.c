/* Operations on rows of up to five megabytes: each gives the length and a checksum of what came. */
#include "ops.h"

#include <stdlib.h>
#include <string.h>

BARKS_RECORD(op_large, (i64, key), (i64, id), (str, text));
BARKS_RECORD(op_large_other, (str, words), (i64, other));
BARKS_RECORD(op_large_lists, (i64, key), (list(i64), id), (list(str), text));
BARKS_RECORD(op_length, (i64, key), (i64, id), (i64, length), (i64, sum));

BARKS_RECORD(op_hot, (i64, key), (i64, id));
BARKS_RECORD(op_hot_other, (i64, key), (i64, other));

enum { LARGE_ROWS = 24, LARGE_KEYS = 8 };

/* Key k has a text of 1, 9, 81 ... bytes up to 4.8 MB, the same in each of its rows. */
BARKS_MAP(make_large, barks_number, op_large)
{
    size_t n = 1;
    for (int64_t i = 0; i < in->value % LARGE_KEYS; i++)
        n *= 9;
    char *bytes = malloc(n);
    if (bytes == NULL)
        fail("no memory for %zu bytes", n);
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)('a' + i % 23 + (size_t)(in->value % LARGE_KEYS) % 3);
    out->key = in->value % LARGE_KEYS;
    out->id = in->value;
    out->text = barks_str_make(out, bytes, n);
    free(bytes);
}

static int64_t sum_of(barks_str text)
{
    const char *bytes = barks_str_bytes(&text);
    int64_t sum = 0;
    for (uint32_t i = 0; i < text.length; i++)
        sum += bytes[i];
    return sum;
}

BARKS_MAP(measure, op_large, op_length)
{
    out->key = in->key;
    out->id = in->id;
    out->length = in->text.length;
    out->sum = sum_of(in->text);
}
BARKS_MAP(measure_lists, op_large_lists, op_length)
{
    out->key = in->key;
    for (uint32_t i = 0; i < in->text.count; i++) {
        out->id += in->id.items[i];
        out->length += in->text.items[i].length;
        out->sum += sum_of(in->text.items[i]);
    }
}
BARKS_PAIR(measure_pair, op_large, op_large_other, op_length)
{
    out->key = left->key;
    out->id = left->id * 100 + right->other;
    out->length = right->words.length;
    out->sum = sum_of(left->text);
}
BARKS_REDUCE(add_large_ids, op_large) { acc->id += in->id; }
BARKS_COGROUP(measure_sides, op_length, (a, op_large), (b, op_large))
{
    struct op_large row = {0};
    struct op_length found = {0};
    while (barks_next_row(a, &row))
        found.id += row.id;
    while (barks_next_row(b, &row)) {
        found.length += row.text.length;
        found.sum = sum_of(row.text);
    }
    emit(.key = row.key, .id = found.id, .length = found.length, .sum = found.sum);
}

static barks_rdd *large(const struct op_run *run)
{
    return barks_map(barks_range(run->context, 0, LARGE_ROWS, 1, 5), make_large, NULL);
}

static barks_rdd *run_distinct(const struct op_run *run)
{
    return barks_map(barks_distinct_by(large(run), "text", .partitions = run->partitions), measure,
                     NULL);
}
static barks_rdd *run_reduce(const struct op_run *run)
{
    return barks_map(
        barks_reduce_by_key(large(run), "text", add_large_ids, .partitions = run->partitions),
        measure, NULL);
}
static barks_rdd *run_sort(const struct op_run *run)
{
    return barks_map(barks_sort_by(large(run), "text desc, id", .partitions = run->partitions),
                     measure, NULL);
}
static barks_rdd *run_group(const struct op_run *run)
{
    return barks_map(barks_group_by_key(large(run), "key", .partitions = run->partitions),
                     measure_lists, NULL);
}
static barks_rdd *run_join(const struct op_run *run)
{
    barks_rdd *others = barks_select(large(run), "text as words, id as other");
    return barks_join_with(large(run), others, "text", measure_pair, .right_keys = "words",
                           .partitions = run->partitions);
}
static barks_rdd *run_cogroup(const struct op_run *run)
{
    barks_rdd *rows = large(run);
    return barks_cogroup(rows, rows, "text", measure_sides, .partitions = run->partitions);
}
static barks_rdd *run_repartition(const struct op_run *run)
{
    return barks_map(barks_repartition(large(run), run->partitions), measure, NULL);
}

/* Two of three rows have key 1, and a partition has enough of them to see that. */
enum { HOT_ROWS = 60000, HOT_OTHERS = 300 };
BARKS_MAP(make_hot, barks_number, op_hot)
{
    *out = (struct op_hot){in->value % 3 != 0 ? 1 : in->value, in->value};
}
BARKS_MAP(make_hot_other, barks_number, op_hot_other)
{
    *out = (struct op_hot_other){in->value % 100, in->value};
}

static barks_rdd *run_hot_join(const struct op_run *run)
{
    barks_rdd *rows = barks_map(barks_range(run->context, 0, HOT_ROWS, 1, 4), make_hot, NULL);
    barks_rdd *others =
        barks_map(barks_range(run->context, 0, HOT_OTHERS, 1, 3), make_hot_other, NULL);
    return barks_join(rows, others, "key", .broadcast = BARKS_NEVER);
}
static barks_rdd *run_hot_right_join(const struct op_run *run)
{
    barks_rdd *rows = barks_map(barks_range(run->context, 0, HOT_ROWS, 1, 4), make_hot, NULL);
    barks_rdd *others =
        barks_map(barks_range(run->context, 0, HOT_OTHERS, 1, 3), make_hot_other, NULL);
    return barks_select(barks_right_join(others, rows, "key", .broadcast = BARKS_NEVER),
                        "key, id, other");
}

const struct op_case ops_large[] = {
    {"large_distinct", run_distinct},
    {"large_reduce", run_reduce},
    {"large_sort", run_sort},
    {"large_group", run_group},
    {"large_join", run_join},
    {"large_cogroup", run_cogroup},
    {"large_repartition", run_repartition},
    {"hot_join", run_hot_join},
    {"hot_right_join", run_hot_right_join},
};
const size_t ops_large_count = sizeof ops_large / sizeof ops_large[0];
