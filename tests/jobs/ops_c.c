/* Actions, and what tasks share and keep. */
#include "ops.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

BARKS_RECORD(op_count, (i64, rows));
static barks_rdd *run_count(const struct op_run *run)
{
    struct op_count count = {.rows = barks_count(op_rows(run, "left"))};
    return count.rows < 0 ? NULL : barks_parallelize(run->context, op_count, &count, 1, 1);
}

/* What an action gave, as a dataset again. */
static barks_rdd *op_again(const struct op_run *run, const struct op_row *rows,
                           const int64_t *count)
{
    return rows != NULL ? barks_parallelize(run->context, op_row, rows, (size_t)*count, 1) : NULL;
}

/* ---- kept datasets ---- */

BARKS_FILTER(op_has_number, op_row) { return in->number.valid; }

static barks_rdd *run_cached(const struct op_run *run)
{
    barks_rdd *rows = barks_cache(barks_filter(op_rows(run, "left"), op_has_number, NULL));
    return barks_count(rows) < 0 || barks_count(rows) < 0 ? NULL : rows;
}

static barks_rdd *run_cached_exchange(const struct op_run *run)
{
    barks_rdd *rows =
        barks_persist(barks_distinct(op_rows(run, "left"), .partitions = run->partitions),
                      .level = BARKS_MEMORY_AND_DISK, .compressed = true);
    if (barks_count(rows) < 0)
        return NULL;
    return barks_distinct(barks_union(rows, op_rows(run, "right")), .partitions = run->partitions);
}

BARKS_MAP(op_touch, op_row, op_row, barks_accumulator)
{
    *out = *in;
    barks_add(*env, 1);
}

/* Whether all of the dataset is kept, on two executors each where there are two: with mpirun, every
 * rank but the driver's is one. */
static bool op_is_kept(barks_rdd *rows, bool twice)
{
    barks_storage storage;
    const char *ranks = getenv("OMPI_COMM_WORLD_SIZE");
    bool has_copies = twice && ranks != NULL && strtol(ranks, NULL, 10) > 2;
    return barks_storage_info(rows, &storage) && storage.kept_count == storage.partition_count &&
           storage.copied_count == (has_copies ? storage.partition_count : 0);
}

/* By every level, once and twice, one behind the other; each is computed once for three jobs. */
static barks_rdd *run_persisted(const struct op_run *run)
{
    barks_accumulator calls = barks_counter(run->context, "calls of op_touch");
    barks_rdd *all[6];
    int64_t row_count = 0;
    for (int i = 0; i < 6; i++) {
        barks_rdd *rows =
            barks_repartition(barks_map(op_rows(run, "left"), op_touch, &calls), run->partitions);
        all[i] = barks_persist(rows, .level = (barks_level)(1 + i / 2), .compressed = i > 2,
                               .copies = i % 2 == 0 ? 2 : 1);
        row_count = barks_count(all[i]);
        if (row_count < 0 || barks_count(all[i]) != row_count || !op_is_kept(all[i], i % 2 == 0) ||
            barks_counter_value(run->context, calls) != (i + 1) * row_count)
            return NULL;
    }
    return barks_union_all(all, 6);
}

static barks_rdd *run_checkpointed(const struct op_run *run)
{
    char path[1000];
    snprintf(path, sizeof path, "%s/checkpoint", run->data);
    barks_rdd *rows =
        barks_partition_by(op_rows(run, "left"), "key", .partitions = run->partitions);
    barks_rdd *numbers = barks_filter(rows, op_has_number, NULL); /* made before, and follows */
    if (!barks_checkpoint(rows, path, .overwrite = true))
        return NULL;
    barks_rdd *both = barks_union(rows, numbers);
    return barks_local_checkpoint(both) ? barks_distinct(both, .partitions = run->partitions)
                                        : NULL;
}

static barks_rdd *run_checkpoint_in_order(const struct op_run *run)
{
    char path[1000];
    snprintf(path, sizeof path, "%s/checkpoint_in_order", run->data);
    barks_rdd *rows = barks_filter(op_rows(run, "left"), op_has_number, NULL);
    if (!barks_local_checkpoint(rows))
        return NULL;
    rows = barks_union(rows, op_rows(run, "right"));
    return barks_checkpoint(rows, path, .overwrite = true) ? rows : NULL;
}

BARKS_MAP(op_halve_id, op_row, op_row)
{
    *out = *in;
    out->id = in->id % 2 == 0 ? in->id / 2 : in->id;
}

static barks_rdd *op_halved(barks_rdd *rows, int64_t round, void *env)
{
    const uint32_t *partitions = env;
    rows = barks_map(rows, op_halve_id, NULL);
    return round % 2 == 0 ? barks_distinct(rows, .partitions = *partitions) : rows;
}

/* In all of the ways that a lineage of rounds is cut. */
static barks_rdd *run_repeated(const struct op_run *run)
{
    uint32_t partitions = run->partitions;
    barks_rdd *rows = op_rows(run, "left");
    barks_rdd *all[3] = {
        barks_repeat(rows, op_halved, &partitions, .rounds = 7),
        barks_repeat(rows, op_halved, &partitions, .rounds = 7, .every = 2, .copies = 2),
        barks_repeat(rows, op_halved, &partitions, .rounds = 7, .every = 3, .checkpoint = run->data,
                     .level = BARKS_DISK),
    };
    return barks_union_all(all, 3);
}

/* ---- shared values ---- */

struct op_shared {
    barks_broadcast right;
    barks_accumulator rows, least, texts;
    barks_accumulator half;
};
BARKS_RECORD(op_text_of, (i64, key), (optional(str), text));

BARKS_MAP_BATCHES(op_find_text, op_row, op_text_of, struct op_shared)
{
    int64_t count = 0;
    const struct op_row *right = barks_shared_rows(env->right, op_row, &count);
    for (uint32_t i = 0; i < batch->row_count; i++)
        for (int64_t k = 0; k < count; k++)
            if (right[k].key == batch->key[i]) {
                emit(.key = right[k].key, .text = right[k].text);
                break;
            }
}

static barks_rdd *run_broadcast(const struct op_run *run)
{
    struct op_shared env = {.right = barks_broadcast_rdd(op_rows(run, "right"))};
    return barks_map_batches(op_rows(run, "left"), op_find_text, &env);
}

BARKS_MAP(op_note, op_row, op_row, struct op_shared)
{
    *out = *in;
    barks_add(env->rows, 1);
    barks_add(env->least, in->id);
    barks_add_real(env->half, (double)in->id / 2);
    if (in->id % 10 == 0 && in->text.valid)
        barks_add_text(env->texts, in->text.value);
}

BARKS_RECORD(op_noted, (i64, rows), (i64, least), (f64, half), (i64, texts), (str, last));
static barks_rdd *run_accumulators(const struct op_run *run)
{
    struct op_shared env = {.rows = barks_counter(run->context, "rows"),
                            .least = barks_least(run->context, "least id"),
                            .half = barks_real_sum(run->context, "halves"),
                            .texts = barks_text_list(run->context, "texts")};
    if (barks_count(barks_map(op_rows(run, "left"), op_note, &env)) < 0)
        return NULL;
    struct op_noted noted = {.rows = barks_counter_value(run->context, env.rows),
                             .least = barks_counter_value(run->context, env.least),
                             .half = barks_real_value(run->context, env.half)};
    const barks_str *texts = barks_texts_value(run->context, env.texts, &noted.texts);
    if (noted.texts > 0)
        noted.last = texts[noted.texts - 1];
    return barks_parallelize(run->context, op_noted, &noted, 1, 1);
}

/* ---- rows ---- */

/* ---- shipped files and what an executor makes of them ---- */

struct op_lines {
    int64_t count;
};
struct op_name {
    char name[16];
};

static void op_forget_lines(struct op_lines *lines) { lines->count = -1; }

BARKS_RESOURCE(op_lines_of, struct op_lines, op_forget_lines, struct op_name)
{
    const char *path = barks_shipped(env->name);
    FILE *file = path != NULL ? fopen(path, "r") : NULL;
    if (file == NULL)
        fail("'%s' was not shipped", env->name);
    for (int c; (c = fgetc(file)) != EOF;)
        resource->count += c == '\n';
    fclose(file);
}

BARKS_RECORD(op_counted, (i64, id), (i64, lines));
BARKS_MAP(op_count_lines, op_row, op_counted, struct op_name)
{
    out->id = in->id;
    out->lines = barks_resource(op_lines_of, env)->count;
}

static barks_rdd *run_shipped(const struct op_run *run)
{
    const struct op_name env = {"right.txt"};
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", run->data, env.name);
    if (barks_shipped(env.name) == NULL && !barks_ship(run->context, path))
        return NULL;
    return barks_map(op_rows(run, "left"), op_count_lines, &env);
}

static barks_rdd *run_take(const struct op_run *run)
{
    int64_t count = 0;
    return op_again(run, barks_take(op_rows(run, "left"), 50, op_row, &count), &count);
}

static barks_rdd *run_take_ordered(const struct op_run *run)
{
    int64_t count = 0;
    return op_again(run,
                    barks_take_ordered(op_rows(run, "left"), 20, "number desc, id", op_row, &count),
                    &count);
}

static barks_rdd *run_take_sample(const struct op_run *run)
{
    int64_t count = 0;
    struct op_row *rows = barks_take_sample(op_rows(run, "left"), 25, op_row, &count, .seed = 3);
    struct op_count result = {.rows = count};
    return rows != NULL ? barks_parallelize(run->context, op_count, &result, 1, 1) : NULL;
}

BARKS_RECORD(op_key, (i64, key));
static barks_rdd *run_lookup(const struct op_run *run)
{
    int64_t count = 0;
    struct op_key key = {.key = 1};
    barks_rdd *rows = barks_distinct(op_rows(run, "left"), .partitions = run->partitions);
    return op_again(run, barks_lookup(rows, op_key, &key, op_row, &count), &count);
}

static barks_rdd *run_collect_as_map(const struct op_run *run)
{
    int64_t count = 0;
    return op_again(run, barks_collect_as_map(op_rows(run, "left"), "key", op_row, &count), &count);
}

static barks_rdd *run_iterate(const struct op_run *run)
{
    int64_t count = 0, all = 0;
    struct op_row *copies = calloc(100000, sizeof *copies);
    barks_rdd *sorted = barks_sort_by(op_rows(run, "left"), "id, key, number, text");
    barks_iterator *parts = barks_iterate(sorted, op_row);
    for (struct op_row *rows; (rows = barks_next_rows(parts, op_row, &count)) != NULL;)
        for (int64_t i = 0; i < count && all < 100000; i++, all++)
            copies[all] =
                (struct op_row){.key = rows[i].key, .id = rows[i].id, .number = rows[i].number};
    barks_rdd *again = barks_iterator_end(parts) ? op_again(run, copies, &all) : NULL;
    free(copies);
    return again;
}

BARKS_RECORD(op_key_count, (i64, key), (i64, count));
static barks_rdd *run_count_by_key(const struct op_run *run)
{
    int64_t count = 0;
    struct op_key_count *rows =
        barks_count_by_key(op_rows(run, "left"), "key", op_key_count, &count);
    return rows != NULL ? barks_parallelize(run->context, op_key_count, rows, (size_t)count, 1)
                        : NULL;
}

/* ---- one value ---- */

BARKS_RECORD(op_sum, (i64, sum), (i64, rows));
BARKS_AGGREGATE(op_add_id, op_row, op_sum)
{
    acc->sum += in->id;
    acc->rows++;
}
BARKS_REDUCE(op_merge_sums, op_sum)
{
    acc->sum += in->sum;
    acc->rows += in->rows;
}

static barks_rdd *run_aggregate_all(const struct op_run *run)
{
    struct op_sum zero = {0}, result = {0};
    return barks_aggregate_all(op_rows(run, "left"), &zero, op_add_id, op_merge_sums, &result)
               ? barks_parallelize(run->context, op_sum, &result, 1, 1)
               : NULL;
}

static barks_rdd *run_tree_aggregate(const struct op_run *run)
{
    struct op_sum zero = {0}, result = {0};
    barks_rdd *rows = barks_distinct(op_rows(run, "left"), .partitions = 16);
    return barks_tree_aggregate(rows, &zero, op_add_id, op_merge_sums, 3, &result)
               ? barks_parallelize(run->context, op_sum, &result, 1, 1)
               : NULL;
}

BARKS_RECORD(op_stats, (i64, count), (f64, sum), (f64, min), (f64, max), (i64, whole));
static barks_rdd *run_stats(const struct op_run *run)
{
    barks_statistics stats;
    struct op_stats result = {0};
    barks_rdd *rows = op_rows(run, "left");
    if (!barks_stats(rows, "number", &stats) || !barks_sum_i64(rows, "number", &result.whole))
        return NULL;
    result.count = stats.count;
    result.sum = stats.sum;
    result.min = stats.min;
    result.max = stats.max;
    return barks_parallelize(run->context, op_stats, &result, 1, 1);
}

BARKS_RECORD(op_bucket, (i64, count));
static barks_rdd *run_histogram(const struct op_run *run)
{
    static const double bounds[] = {-20, -1, 0, 30};
    struct op_bucket buckets[3];
    int64_t counts[3];
    if (!barks_histogram_of(op_rows(run, "left"), "number", bounds, 4, counts))
        return NULL;
    for (int i = 0; i < 3; i++)
        buckets[i].count = counts[i];
    return barks_parallelize(run->context, op_bucket, buckets, 3, 1);
}

BARKS_RECORD(op_value, (f64, value));
static barks_rdd *run_quantiles(const struct op_run *run)
{
    static const double fractions[] = {0, 0.25, 0.5, 0.9, 1};
    double values[5];
    struct op_value rows[5];
    if (!barks_quantiles(op_rows(run, "left"), "id", fractions, 5, 0, values))
        return NULL;
    for (int i = 0; i < 5; i++)
        rows[i].value = values[i];
    return barks_parallelize(run->context, op_value, rows, 5, 1);
}

static barks_rdd *run_async(const struct op_run *run)
{
    barks_rdd *rows = barks_cache(op_rows(run, "left"));
    barks_future *first = barks_count_async(rows),
                 *second = barks_count_async(op_rows(run, "right"));
    struct op_count counts[2] = {{barks_future_count(first)}, {barks_future_count(second)}};
    return counts[0].rows >= 0 && counts[1].rows >= 0
               ? barks_parallelize(run->context, op_count, counts, 2, 1)
               : NULL;
}

const struct op_case ops_c[] = {
    {"count", run_count},
    {"cached", run_cached},
    {"cached_exchange", run_cached_exchange},
    {"persisted", run_persisted},
    {"checkpointed", run_checkpointed},
    {"repeated", run_repeated},
    {"checkpoint_in_order", run_checkpoint_in_order},
    {"broadcast", run_broadcast},
    {"accumulators", run_accumulators},
    {"shipped", run_shipped},
    {"take", run_take},
    {"take_ordered", run_take_ordered},
    {"take_sample", run_take_sample},
    {"lookup", run_lookup},
    {"collect_as_map", run_collect_as_map},
    {"iterate", run_iterate},
    {"count_by_key", run_count_by_key},
    {"aggregate_all", run_aggregate_all},
    {"tree_aggregate", run_tree_aggregate},
    {"stats", run_stats},
    {"histogram", run_histogram},
    {"quantiles", run_quantiles},
    {"async_counts", run_async},
};
const size_t ops_c_count = sizeof ops_c / sizeof ops_c[0];
