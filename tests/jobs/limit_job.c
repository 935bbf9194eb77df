/* Jobs that want more memory than they may have: limit_job MODE OUTPUT, with a small
 * --barks-memory. Each writes the field `key` of its result, of ROWS rows where nothing else is
 * said: distinct, reduce, sort, join, zip, repartition cogroup     one row for each of KEYS keys
 *   group       the same, as lists
 *   cartesian   each row beside each of FEW
 *   transposed  each of FEW beside each row
 *   collect     all rows to the driver, which is always too much
 *   row         one row that is larger than the budget */
#include <barks/barks.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 1200000, KEYS = 1000, FEW = 3, PARTITIONS = 16, TEXT_BYTES = 100 };

BARKS_RECORD(row, (i64, key), (i64, id), (str, text));
BARKS_RECORD(key_only, (i64, key));

/* No two texts are alike, and none is small when it is packed. */
BARKS_MAP(make_row, barks_number, row)
{
    char text[TEXT_BYTES];
    uint64_t random = (uint64_t)in->value * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (int i = 0; i < TEXT_BYTES; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        text[i] = (char)('!' + (random >> 33) % 90);
    }
    out->key = in->value % KEYS;
    out->id = in->value;
    out->text = barks_str_make(out, text, sizeof text);
}
BARKS_MAP(make_large, barks_number, row)
{
    enum { LARGE_BYTES = 100 << 20 };
    char *bytes = malloc(LARGE_BYTES);
    if (bytes == NULL)
        fail("no memory at all");
    memset(bytes, 'x', LARGE_BYTES);
    out->key = in->value;
    out->text = barks_str_make(out, bytes, LARGE_BYTES);
    free(bytes);
}
BARKS_REDUCE(keep_first, row) { acc->id = in->id < acc->id ? in->id : acc->id; }
BARKS_COGROUP(first_key, key_only, (a, row), (b, row))
{
    struct row next;
    struct key_only first = {-1};
    while (barks_next_row(a, &next))
        first.key = next.key;
    while (barks_next_row(b, &next))
        first.key = next.key;
    emit(.key = first.key);
}

static barks_rdd *rows_of(barks_context *context, int64_t count)
{
    return barks_map(barks_range(context, 0, count, 1, PARTITIONS), make_row, NULL);
}

static barks_rdd *result_of(barks_context *context, const char *mode)
{
    barks_rdd *rows = rows_of(context, ROWS);
    barks_rdd *others = barks_rename(rows, "key as other, id as number, text as words");
    barks_rdd *few =
        barks_rename(rows_of(context, FEW), "key as other, id as number, text as words");
    if (strcmp(mode, "distinct") == 0)
        return barks_distinct(rows);
    if (strcmp(mode, "reduce") == 0)
        return barks_reduce_by_key(rows, "text", keep_first);
    if (strcmp(mode, "sort") == 0)
        return barks_sort_by(rows, "text");
    if (strcmp(mode, "join") == 0)
        return barks_join(rows, others, "text", .right_keys = "words");
    if (strcmp(mode, "zip") == 0)
        return barks_zip(rows, others);
    if (strcmp(mode, "repartition") == 0)
        return barks_repartition(rows, 3);
    if (strcmp(mode, "group") == 0)
        return barks_group_by_key(rows, "key", .partitions = 2);
    if (strcmp(mode, "cogroup") == 0)
        return barks_cogroup(rows, rows, "key", first_key, .partitions = 2);
    if (strcmp(mode, "cartesian") == 0)
        return barks_cartesian(rows, few);
    if (strcmp(mode, "transposed") == 0)
        return barks_cartesian(few, rows);
    return barks_sort_by(barks_map(barks_range(context, 0, 2, 1, 2), make_large, NULL), "key");
}

int main(int argc, char **argv)
{
    barks_context *context = barks_init(&argc, &argv);
    int64_t count = 0;
    if (argc == 3 && strcmp(argv[1], "collect") == 0)
        (void)barks_collect(rows_of(context, ROWS), row, &count);
    else if (argc == 3)
        (void)barks_write_csv(barks_select(result_of(context, argv[1]), "key"), argv[2]);
    else
        fprintf(stderr, "usage: limit_job MODE OUTPUT\n");
    int status = barks_finalize(context);
    return argc == 3 ? status : 2;
}
