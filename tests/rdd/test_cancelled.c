/* Whatever stands before a function of the job's, also what holds all rows back, a task that was
 * cancelled hands it no more than the rest of a batch. Counted in rows, not in time. */
#include "rdd/shapes.h"
#include "support/property.h"

#include <stdatomic.h>
#include <time.h>

enum {
    EXECUTORS = 3,
    PARTITIONS = 4,
    ROWS = 200 * 1000, /* of each partition far more than a batch, and than a frame has */
    GOES_AHEAD = 100,  /* rows that are seen before anyone cancels */
    BATCH = 1024,
    SEEN_MAX = EXECUTORS * 2 * BATCH, /* by who was cancelled; twice: rows are compared to bounds */
};

BARKS_RECORD(keyed, (i64, value), (i64, key));
BARKS_RECORD(listed, (i64, value), (list(i64), key));
BARKS_RECORD(nested, (record(keyed), inner));

/* ---- what the functions see ---- */

static atomic_int seen, seen_cancelled;
static atomic_bool is_awaited; /* somebody waits to be cancelled */

/* A row: each task goes ahead a little, and waits then until it is told to end. */
static void see(void)
{
    if (barks_task() == NULL)
        return; /* the driver, which sorts a sample */
    if (barks_cancelled()) {
        atomic_fetch_add(&seen_cancelled, 1);
        return;
    }
    if (atomic_fetch_add(&seen, 1) < GOES_AHEAD)
        return;
    atomic_store(&is_awaited, true);
    while (!barks_cancelled())
        nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
}

BARKS_FOREACH(see_number, barks_number) { see(); }
BARKS_FOREACH(see_list, listed) { see(); }
BARKS_FOREACH(see_nested, nested) { see(); }
BARKS_FOREACH_BATCH(see_batch, barks_number)
{
    for (uint32_t i = 0; i < batch->row_count; i++)
        see();
}
BARKS_FILTER(drop_seen, barks_number)
{
    see();
    return in->value < 0;
}
BARKS_FILTER_BATCHES(drop_seen_batch, barks_number)
{
    for (uint32_t i = 0; i < batch->row_count; i++) {
        see();
        keep[i] = batch->value[i] < 0;
    }
}
BARKS_MAP(map_seen, barks_number, barks_number)
{
    see();
    out->value = in->value;
}
BARKS_FLAT_MAP(emit_nothing, barks_number, barks_number) { see(); }
BARKS_MAP_BATCHES(emit_nothing_of_batch, barks_number, barks_number)
{
    for (uint32_t i = 0; i < batch->row_count; i++)
        see();
}
BARKS_GROUP(emit_nothing_of_group, barks_number, barks_number)
{
    struct barks_number row;
    while (barks_next_row(rows, &row))
        see();
}
BARKS_COGROUP(emit_nothing_of_groups, barks_number, (left, barks_number), (right, barks_number))
{
    struct barks_number row;
    while (barks_next_row(left, &row))
        see();
    while (barks_next_row(right, &row))
        see();
}
BARKS_PAIR(pair_seen, barks_number, barks_number, barks_number) { see(); }
BARKS_REDUCE(add_seen, barks_number)
{
    see();
    acc->value += in->value;
}
BARKS_COMPARE(seen_first, barks_number)
{
    see();
    return (a->value > b->value) - (a->value < b->value);
}
BARKS_PARTITION(seen_partition, barks_number)
{
    see();
    return in->value % 4;
}
BARKS_RECORD(no_state, (bool, unused));
BARKS_SINK(seen_sink, barks_number, struct no_state)
{
    for (uint32_t i = 0; phase == BARKS_BATCH && i < batch->row_count; i++)
        see();
}

/* ---- cancelling ---- */

static void check_case(barks_future *(*begin)(barks_context *context))
{
    char program[] = "test", quiet[] = "--barks-quiet", local[] = "--barks-local=3",
         workers[] = "--barks-workers=1", patience[] = "--barks-lost-deadline=60s";
    char *arguments[] = {program, quiet, local, workers, patience, NULL}, **argv = arguments;
    int argc = 5;
    barks_context *context = barks_init(&argc, &argv);
    barks_future *future = begin(context);
    while (!atomic_load(&is_awaited)) {
        ck_assert(!barks_is_done(future));
        nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
    }
    barks_cancel(future);
    ck_assert(!barks_wait(future));
    barks_status *error = barks_take_error(context);
    ck_assert_int_eq(barks_status_code(error), BARKS_CANCELLED);
    barks_status_free(error);
    /* Tasks may end after their action has. When all workers have done something else they have. */
    ck_assert_int_eq(barks_count(barks_range(context, 0, ROWS, 1, PARTITIONS)), ROWS);
    ck_assert_int_eq(barks_finalize(context), 0);
    ck_assert_int_le(atomic_load(&seen_cancelled), SEEN_MAX);
}

/* ---- where it stands ---- */

BARKS_MAP(add_key, barks_number, keyed)
{
    out->value = in->value;
    out->key = in->value;
}
BARKS_MAP(nest, barks_number, nested) { out->inner.value = in->value; }
BARKS_MAP(same_for_all, barks_number, keyed) { out->value = in->value; }
BARKS_REDUCE(keep_first, keyed) { acc->key += in->key; }

static barks_rdd *numbers(barks_context *context)
{
    return barks_range(context, 0, ROWS, 1, PARTITIONS);
}

/* In frames of an exchange, which have far more rows than a batch. */
static barks_rdd *dealt(barks_context *context)
{
    return barks_repartition(numbers(context), PARTITIONS);
}

#define CASE(name, action)                                                                         \
    static barks_future *begin_##name(barks_context *context) { return (action); }                 \
    START_TEST(name) { check_case(begin_##name); }                                                 \
    END_TEST
CASE(a_range, barks_foreach_async(numbers(context), see_number, NULL))
CASE(a_sort, barks_foreach_async(barks_sort_by(numbers(context), "value desc"), see_number, NULL))
CASE(reduce_by_key,
     barks_foreach_async(barks_reduce_by_key(barks_map(numbers(context), add_key, NULL), "value",
                                             keep_first),
                         see_number, NULL))
CASE(distinct_rows, barks_foreach_async(barks_distinct(numbers(context)), see_number, NULL))
CASE(lists,
     barks_foreach_async(barks_group_by_key(barks_map(numbers(context), add_key, NULL), "value"),
                         see_list, NULL))
CASE(groups, barks_count_async(barks_group_with(numbers(context), "value", emit_nothing_of_group)))
CASE(one_group, barks_count_async(barks_group_with(barks_map(numbers(context), same_for_all, NULL),
                                                   "key", emit_nothing_of_group)))
CASE(cogroups, barks_count_async(barks_cogroup(numbers(context), numbers(context), "value",
                                               emit_nothing_of_groups)))
CASE(a_join, barks_foreach_async(barks_join(numbers(context), numbers(context), "value",
                                            .broadcast = BARKS_NEVER),
                                 see_number, NULL))
CASE(pairs, barks_count_async(barks_join_with(numbers(context), numbers(context), "value",
                                              pair_seen, .broadcast = BARKS_NEVER)))
CASE(windows, barks_count_async(barks_windows(dealt(context), 10, 10, emit_nothing_of_group)))
CASE(sort_by_function,
     barks_count_async(barks_sort_by_fn(numbers(context), seen_first, .partitions = 1)))
CASE(dealt_rows, barks_foreach_async(dealt(context), see_number, NULL))
CASE(dealt_records,
     barks_foreach_async(barks_repartition(barks_map(numbers(context), nest, NULL), PARTITIONS),
                         see_nested, NULL))
CASE(dealt_batches, barks_foreach_batch_async(dealt(context), see_batch, NULL))
CASE(dealt_to_filter, barks_count_async(barks_filter(dealt(context), drop_seen, NULL)))
CASE(dealt_to_filter_batches,
     barks_count_async(barks_filter(dealt(context), drop_seen_batch, NULL)))
CASE(dealt_to_map, barks_count_async(barks_map(dealt(context), map_seen, NULL)))
CASE(dealt_to_flat_map, barks_count_async(barks_flat_map(dealt(context), emit_nothing, NULL)))
CASE(dealt_to_map_batches,
     barks_count_async(barks_map_batches(dealt(context), emit_nothing_of_batch, NULL)))
CASE(dealt_to_reduce, barks_reduce_async(dealt(context), add_seen, &(struct barks_number){0}))
CASE(dealt_to_partition, barks_count_async(barks_partition_with(dealt(context), seen_partition,
                                                                .partitions = PARTITIONS)))
CASE(dealt_to_sink, barks_write_custom_async(dealt(context), seen_sink, NULL))

SUITE_MAIN("rdd/cancelled", a_range, a_sort, reduce_by_key, distinct_rows, lists, groups, one_group,
           cogroups, a_join, pairs, windows, sort_by_function, dealt_rows, dealt_records,
           dealt_batches, dealt_to_filter, dealt_to_filter_batches, dealt_to_map, dealt_to_flat_map,
           dealt_to_map_batches, dealt_to_reduce, dealt_to_partition, dealt_to_sink)
