/* Jobs whose functions fail where the rows come from an exchange:
 * again_job MODE FAILURES ROWS OUTPUT
 * The task that meets the key REFUSED fails in its first FAILURES attempts, or, where this is
 * negative, always in the same words.
 *   reduce, group, with, join, cogroup, sort, repartition
 *            after this step, in the last stage
 *   chain    in a stage in the middle, which combines what it reads of an exchange
 *   stuck    as reduce, but it goes on until it is cancelled
 * Prints how many rows came by, as attempts that count have counted them. */
#include <barks/barks.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS = 3000, REFUSED = 777, PARTITIONS = 8, TEXT_BYTES = 300 };

BARKS_RECORD(row, (i64, key), (i64, id), (str, text));
BARKS_RECORD(key_only, (i64, key));
BARKS_RECORD(key_and_id, (i64, key), (i64, id));

struct trouble {
    int64_t failures;
    bool is_stuck;
    barks_accumulator rows;
};

/* No two texts are alike, and none is small when it is packed. env: how many keys there are. */
BARKS_MAP(make_row, barks_number, row, int64_t)
{
    char text[TEXT_BYTES];
    uint64_t random = (uint64_t)in->value * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (int i = 0; i < TEXT_BYTES; i++) {
        random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        text[i] = (char)('!' + (random >> 33) % 90);
    }
    out->key = in->value % *env;
    out->id = in->value;
    out->text = barks_str_make(out, text, sizeof text);
}
BARKS_REDUCE(keep_first, row)
{
    if (in->id < acc->id)
        *acc = *in;
}
BARKS_REDUCE(add_ids, key_and_id) { acc->id += in->id; }
BARKS_GROUP(first_of_group, row, key_only)
{
    struct row next;
    struct key_only first = {-1};
    while (barks_next_row(rows, &next))
        first.key = next.key;
    emit(.key = first.key);
}
BARKS_COGROUP(first_of_both, key_only, (a, row), (b, row))
{
    struct row next;
    struct key_only first = {-1};
    while (barks_next_row(a, &next))
        first.key = next.key;
    while (barks_next_row(b, &next))
        first.key = next.key;
    emit(.key = first.key);
}

BARKS_MAP(meet, key_only, key_and_id, struct trouble)
{
    int64_t attempt = barks_task()->attempt;
    barks_add(env->rows, 1);
    if (in->key == REFUSED && env->failures < 0)
        fail("key %" PRId64 " is refused", in->key);
    while (in->key == REFUSED && env->is_stuck && attempt < env->failures)
        if (barks_cancelled())
            break;
    if (in->key == REFUSED && attempt < env->failures)
        fail("key %" PRId64 " is refused for reason %" PRId64, in->key, attempt);
    out->key = in->key % 100;
    out->id = in->key;
}

/* So that one task alone meets the key that is refused. */
static bool has_a_row_for_each_key(const char *mode)
{
    return strcmp(mode, "join") == 0 || strcmp(mode, "sort") == 0 ||
           strcmp(mode, "repartition") == 0;
}

static barks_rdd *step(barks_rdd *rows, const char *mode)
{
    if (strcmp(mode, "group") == 0)
        return barks_group_by_key(rows, "key");
    if (strcmp(mode, "with") == 0)
        return barks_group_with(rows, "key", first_of_group);
    if (strcmp(mode, "join") == 0)
        return barks_join(rows, barks_rename(rows, "id as other, text as words"), "key",
                          .broadcast = BARKS_NEVER);
    if (strcmp(mode, "cogroup") == 0)
        return barks_cogroup(rows, rows, "key", first_of_both);
    if (strcmp(mode, "sort") == 0)
        return barks_sort_by(rows, "text");
    if (strcmp(mode, "repartition") == 0)
        return barks_repartition(rows, 5);
    return barks_reduce_by_key(rows, "key", keep_first);
}

int main(int argc, char **argv)
{
    barks_context *context = barks_init(&argc, &argv);
    if (argc != 5) {
        fprintf(stderr, "usage: again_job MODE FAILURES ROWS OUTPUT\n");
        return barks_finalize(context) + 2;
    }
    struct trouble trouble = {.failures = strtoll(argv[2], NULL, 10),
                              .is_stuck = strcmp(argv[1], "stuck") == 0,
                              .rows = barks_counter(context, "rows")};
    int64_t row_count = strtoll(argv[3], NULL, 10);
    int64_t key_count = has_a_row_for_each_key(argv[1]) ? row_count : KEYS;
    barks_rdd *rows =
        barks_map(barks_range(context, 0, row_count, 1, PARTITIONS), make_row, &key_count);
    barks_rdd *met = barks_map(barks_select(step(rows, argv[1]), "key"), meet, &trouble);
    if (strcmp(argv[1], "chain") == 0)
        met = barks_reduce_by_key(met, "key", add_ids);
    (void)barks_write_csv(met, argv[4]); /* what fails is in the status of barks_finalize */
    printf("%" PRId64 " rows\n", barks_counter_value(context, trouble.rows));
    return barks_finalize(context);
}
