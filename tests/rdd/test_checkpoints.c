/* Datasets whose lineage is cut: the same rows in the same partitions, and nothing computed again.
 */
#include "rdd/cases.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { ROWS = 5000 };

BARKS_RECORD(item, (i64, id), (i64, key), (str, text));
BARKS_RECORD(key_sum, (i64, key), (i64, total));
BARKS_RECORD(key_other, (i64, key), (i64, other));

struct counting {
    barks_accumulator calls;
};
BARKS_MAP(touch, barks_number, item, struct counting)
{
    out->id = in->value;
    out->key = in->value % 101;
    out->text = BARKS_STR_LITERAL("a longer text than fits inline");
    barks_add(env->calls, 1);
}
BARKS_MAP(to_sum, item, key_sum)
{
    out->key = in->key;
    out->total = in->id;
}
BARKS_MAP(to_other, key_sum, key_other)
{
    out->key = in->key;
    out->other = in->total;
}
BARKS_MAP(of_other, key_other, key_sum)
{
    out->key = in->key;
    out->total = in->other;
}
BARKS_REDUCE(add_sum, key_sum) { acc->total += in->total; }
BARKS_PAIR(add_ids, item, item, key_sum)
{
    out->key = left->key;
    out->total = left->id + right->id;
}

/* A directory that ends with the test. */
struct folder {
    char path[64];
};

static struct folder folder_make(void)
{
    struct folder folder = {"/tmp/barks-checkpoint-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(folder.path));
    return folder;
}

static void folder_remove(const struct folder *folder)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder->path);
    ck_assert_int_eq(system(command), 0);
}

static const char *inside(const struct folder *folder, const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    return path;
}

static barks_rdd *touched(barks_context *context, struct counting *env, uint32_t partitions)
{
    env->calls = barks_counter(context, "calls");
    return barks_map(barks_range(context, 0, ROWS, 1, partitions), touch, env);
}

static void check_items(barks_rdd *rdd, uint32_t partitions)
{
    int64_t count = 0;
    struct item *rows = barks_collect(rdd, item, &count);
    ck_assert_int_eq(count, ROWS);
    ck_assert_uint_eq(barks_partition_count(rdd), partitions);
    for (int64_t i = 0; i < count; i++)
        ck_assert(rows[i].id == i && rows[i].key == i % 101 && rows[i].text.length == 30);
}

static int exchanges_of(barks_rdd *rdd)
{
    const char *text = barks_explain(rdd);
    ck_assert_ptr_nonnull(text);
    return (int)strtol(strstr(text, "exchanges: ") + strlen("exchanges: "), NULL, 10);
}

static bool cut(barks_rdd *rdd, const struct folder *folder, const char *name, bool is_local)
{
    return is_local ? barks_local_checkpoint(rdd) : barks_checkpoint(rdd, inside(folder, name));
}

static void check_cut(barks_context *context, bool is_local)
{
    struct folder folder = folder_make();
    struct counting env;
    barks_rdd *rdd = touched(context, &env, 7);
    barks_rdd *before = barks_map(rdd, to_sum, NULL);
    ck_assert(cut(rdd, &folder, "a", is_local));
    ck_assert_int_eq(barks_counter_value(context, env.calls), ROWS);
    for (int round = 0; round < 2; round++) {
        check_items(rdd, 7);
        ck_assert_int_eq(barks_count(before), ROWS);
        ck_assert_int_eq(barks_count(barks_union(rdd, rdd)), 2 * ROWS);
        ck_assert_int_eq(barks_count(barks_zip_with(rdd, rdd, add_ids, NULL)), ROWS);
        ck_assert_int_eq(barks_count(barks_zip_with(barks_union(rdd, rdd), barks_union(rdd, rdd),
                                                    add_ids, NULL)),
                         2 * ROWS);
        ck_assert_int_eq(barks_count(barks_coalesce(rdd, 2)), ROWS);
    }
    ck_assert_int_eq(barks_counter_value(context, env.calls), ROWS);
    const char *text = barks_explain(rdd);
    ck_assert_ptr_nonnull(strstr(text, is_local ? "local checkpoint" : "checkpoint in"));
    ck_assert_ptr_null(strstr(text, "touch"));
    /* It can be kept in memory, and cut again. */
    check_items(barks_cache(rdd), 7);
    check_items(rdd, 7);
    ck_assert(cut(rdd, &folder, "b", !is_local));
    check_items(rdd, 7);
    ck_assert_int_eq(barks_counter_value(context, env.calls), ROWS);
    if (!is_local) {
        barks_rdd *later = barks_read_batches(context, inside(&folder, "a"), item);
        ck_assert_int_eq(barks_count(later), ROWS);
    }
    folder_remove(&folder);
}

SHAPES(a_checkpoint_is_read_and_nothing_computed_again) { check_cut(context, false); }

SHAPES(a_local_checkpoint_is_read_and_nothing_computed_again) { check_cut(context, true); }

static void check_partitioning(barks_context *context, bool is_local)
{
    struct folder folder = folder_make();
    struct counting env;
    barks_rdd *sums = barks_reduce_by_key(barks_map(touched(context, &env, 5), to_sum, NULL), "key",
                                          add_sum, .partitions = 6);
    barks_rdd *others = barks_partition_by(barks_map(sums, to_other, NULL), "key", .partitions = 6);
    barks_rdd *early = barks_join(sums, others, "key");
    barks_rdd *pairs = barks_zip(barks_rename(sums, "key as a, total as b"), sums);
    ck_assert(cut(sums, &folder, "sums", is_local));
    ck_assert(cut(others, &folder, "others", is_local));
    barks_rdd *late = barks_join(sums, others, "key");
    if (!is_local) {
        ck_assert_int_eq(exchanges_of(late), 0);
        ck_assert_int_eq(exchanges_of(early), 0);
    }
    int64_t count = 0;
    ck_assert_int_eq(exchanges_of(barks_distinct_by(sums, "key")), 0);
    for (int round = 0; round < 2; round++) {
        barks_rdd *joined = round == 0 ? early : late;
        struct key_other *rows = barks_collect(barks_sort_by(joined, "key"), key_other, &count);
        ck_assert_int_eq(count, 101);
        for (int64_t i = 0; i < count; i++)
            ck_assert_int_eq(rows[i].key, i);
        ck_assert_int_eq(barks_count(pairs), 101);
    }
    barks_rdd *united = barks_union(sums, barks_map_keeping(others, of_other, NULL));
    ck_assert_uint_eq(barks_partition_count(united), 6);
    ck_assert_int_eq(barks_count(barks_reduce_by_key(united, "key", add_sum)), 101);
    ck_assert_int_eq(barks_counter_value(context, env.calls), ROWS);
    folder_remove(&folder);
}

SHAPES(a_checkpoint_keeps_the_partitioning) { check_partitioning(context, false); }

SHAPES(a_local_checkpoint_keeps_the_partitioning) { check_partitioning(context, true); }

SHAPES(awkward_rows_are_the_same)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 6; run++) {
        struct folder folder = folder_make();
        struct cases cases = cases_make(&seed);
        barks_rdd *rdd = cases_dataset(context, &cases);
        if (run % 3 == 2)
            rdd = barks_repartition(rdd, 5);
        int64_t count = 0, before_count = 0;
        struct case_row *before = barks_collect(rdd, case_row, &before_count);
        ck_assert(cut(rdd, &folder, "rows", run % 2 == 1));
        struct case_row *rows = barks_collect(rdd, case_row, &count);
        ck_assert_int_eq(count, before_count);
        for (int64_t i = 0; i < count; i++) {
            ck_assert_int_eq(rows[i].id, before[i].id);
            ck_assert_mem_eq(&rows[i].real, &before[i].real, sizeof rows[i].real);
            ck_assert(rows[i].number.valid == before[i].number.valid);
            ck_assert(rows[i].text.valid == before[i].text.valid);
            ck_assert(!rows[i].text.valid ||
                      barks_str_equal(rows[i].text.value, before[i].text.value));
        }
        cases_drop(&cases);
        folder_remove(&folder);
    }
    struct folder folder = folder_make();
    FILE *empty = fopen(inside(&folder, "empty"), "w");
    ck_assert(empty != NULL && fclose(empty) == 0);
    for (int is_local = 0; is_local < 2; is_local++) {
        barks_rdd *none = barks_read_text(context, inside(&folder, "empty"));
        ck_assert(cut(none, &folder, "none", is_local));
        ck_assert_int_eq(barks_count(none), 0);
        ck_assert_uint_eq(barks_partition_count(none), 0);
    }
    folder_remove(&folder);
}

static void expect_error(barks_context *context, bool done, const char *words)
{
    char text[2048];
    ck_assert(!done);
    barks_status *error = barks_take_error(context);
    ck_assert_ptr_nonnull(error);
    barks_status_format(error, text, sizeof text);
    ck_assert_msg(strstr(text, words) != NULL, "%s", text);
    barks_status_free(error);
}

BARKS_MAP(fails_late, item, item)
{
    if (in->id == ROWS - 1)
        fail("the last one");
    *out = *in;
}

SHAPES(what_cannot_be_cut_says_why_and_stays)
{
    struct folder folder = folder_make();
    struct counting env;
    barks_rdd *rdd = touched(context, &env, 3);
    ck_assert(barks_checkpoint(rdd, inside(&folder, "a")));
    barks_rdd *other = barks_map(rdd, to_sum, NULL);
    expect_error(context, barks_checkpoint(other, inside(&folder, "a")), "exists");
    expect_error(context, barks_checkpoint(other, inside(&folder, "b"), .mode = BARKS_APPEND),
                 "just the rows");
    expect_error(context, barks_checkpoint(other, inside(&folder, "no/where")), "no/where");
    barks_rdd *failing = barks_map(rdd, fails_late, NULL);
    expect_error(context, barks_checkpoint(failing, inside(&folder, "b")), "the last one");
    expect_error(context, barks_local_checkpoint(failing), "the last one");
    expect_error(context, barks_count(failing) >= 0, "the last one");
    expect_error(context, barks_checkpoint(barks_select(rdd, "nothing"), inside(&folder, "b")),
                 "no field 'nothing'");
    ck_assert_int_eq(barks_count(other), ROWS);
    ck_assert(barks_checkpoint(other, inside(&folder, "a2")));
    ck_assert(barks_checkpoint(other, inside(&folder, "a2"), .overwrite = true));
    ck_assert_int_eq(barks_count(other), ROWS);
    barks_rdd *local = barks_map(rdd, to_sum, NULL);
    ck_assert(barks_local_checkpoint(local));
    ck_assert(barks_local_checkpoint(local));
    barks_unpersist(local);
    expect_error(context, barks_count(local) >= 0, "local checkpoint");
    folder_remove(&folder);
    expect_error(context, barks_count(other) >= 0, "a2");
}

SUITE_MAIN("rdd/checkpoints", ON_SHAPES(a_checkpoint_is_read_and_nothing_computed_again),
           ON_SHAPES(a_local_checkpoint_is_read_and_nothing_computed_again),
           ON_SHAPES(a_checkpoint_keeps_the_partitioning),
           ON_SHAPES(a_local_checkpoint_keeps_the_partitioning),
           ON_SHAPES(awkward_rows_are_the_same), ON_SHAPES(what_cannot_be_cut_says_why_and_stays))
