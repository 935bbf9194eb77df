/* Aggregates in words, and what all executors have. */
#include "ops.h"

BARKS_RECORD(op_lists, (i64, key), (list(i64), ids), (list(str), texts));
BARKS_RECORD(op_place, (i64, key), (i64, place), (i64, id), (i64, texts));
BARKS_FLAT_MAP(to_places, op_lists, op_place)
{
    for (int64_t i = 0; i < in->ids.count; i++)
        emit(.key = in->key, .place = i, .id = in->ids.items[i], .texts = in->texts.count);
}

static barks_rdd *run_aggregate_to_lists(const struct op_run *run)
{
    barks_rdd *lists =
        barks_aggregate(op_rows(run, "left"), "key", "list(id) as ids, list(text) as texts",
                        .partitions = run->partitions);
    return barks_flat_map(lists, to_places, NULL);
}

static barks_rdd *run_aggregate_of_all(const struct op_run *run)
{
    return barks_aggregate(op_rows(run, "left"), "",
                           "count() as n, sum(number) as total, first(id), last(text), min(text)");
}

static barks_rdd *run_distinct_by_key(const struct op_run *run)
{
    return barks_count_approx_distinct_by_key(op_rows(run, "left"), "key", "number", 0.03,
                                              .partitions = run->partitions);
}

BARKS_RECORD(op_id_sum, (i64, id));
BARKS_REDUCE(sum_op_ids, op_id_sum) { acc->id += in->id; }
struct op_sum_of_all {
    barks_broadcast sum;
};
BARKS_MAP(beside_sum, op_row, op_id_sum, struct op_sum_of_all)
{
    int64_t count = 0;
    const struct op_id_sum *sum = barks_shared_rows(env->sum, op_id_sum, &count);
    out->id = in->id + (sum != NULL ? sum->id : 0);
}

static barks_rdd *run_all_reduce(const struct op_run *run)
{
    struct op_sum_of_all env = {barks_all_reduce(op_rows(run, "left"), sum_op_ids)};
    return env.sum.id != 0 ? barks_map(op_rows(run, "left"), beside_sum, &env) : NULL;
}

const struct op_case ops_words[] = {
    {"aggregate_to_lists", run_aggregate_to_lists},
    {"aggregate_of_all", run_aggregate_of_all},
    {"distinct_by_key", run_distinct_by_key},
    {"all_reduce", run_all_reduce},
};
const size_t ops_words_count = sizeof ops_words / sizeof ops_words[0];
