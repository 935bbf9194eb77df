/* Actions that run while the job goes on.
 *
 * Every action has an asynchronous form, of the same arguments, that gives a handle at once. They
 * run side by side:
 *
 *     barks_future *all = barks_count_async(sales), *some = barks_take_async(sales, 10, sale);
 *     barks_future *sum = barks_sum_async(sales, "price", &total);
 *     if (barks_wait(all)) printf("%lld\n", (long long)barks_future_count(all));
 *     struct sale *rows = barks_future_rows(some, sale, &n);
 *     if (barks_wait(sum)) printf("%g\n", total);
 *
 * What an action returns is asked of the handle: numbers (of rows, of buckets, 1 or 0 of is_empty)
 * by barks_future_count, rows (of first, min and max one) by barks_future_rows, which have no
 * out_count. What it writes to (&total) must live until the action has ended, and holds the answer
 * when that went well.
 *
 * An error is told by barks_wait, and only there decides the exit status. Datasets that
 * asynchronous actions use may be used by others, and new ones be made, meanwhile. What an action
 * is given (keys, structs, arrays, env) is copied at once. barks_finalize cancels what still runs.
 *
 * Ownership: handles are the context's, until barks_finalize or barks_forget; NULL where the action
 *            could not start, which every call here takes as one that failed.
 * Threads:   the one that called barks_init. */
#pragma once
#pragma GCC system_header

#include "barks/action.h"
#include "barks/api.h"
#include "barks/sample.h"
#include "barks/sink.h"
#include "barks/within.h"

typedef struct barks_future barks_future;

/* For the macros: an action on what the first gives is started; the second is its handle. */
BARKS_API barks_rdd *barks_later_(barks_rdd *rdd);
BARKS_API barks_future *barks_started_(void);
#define BARKS_ASYNC_(call) ((void)(call), barks_started_())

/* ---- the actions ---- */

#define barks_count_async(rdd) BARKS_ASYNC_(barks_count(barks_later_(rdd)))
#define barks_is_empty_async(rdd) BARKS_ASYNC_(barks_is_empty(barks_later_(rdd)))
#define barks_collect_async(rdd, record)                                                           \
    BARKS_ASYNC_(barks_collect(barks_later_(rdd), record, NULL))
#define barks_take_async(rdd, n, record)                                                           \
    BARKS_ASYNC_(barks_take(barks_later_(rdd), n, record, NULL))
#define barks_first_async(rdd, record) BARKS_ASYNC_(barks_first(barks_later_(rdd), record))
#define barks_top_async(rdd, n, order, record)                                                     \
    BARKS_ASYNC_(barks_top(barks_later_(rdd), n, order, record, NULL))
#define barks_take_ordered_async(rdd, n, order, record) barks_top_async(rdd, n, order, record)
#define barks_take_sample_async(rdd, n, ...) BARKS_TAKE_SAMPLE_ASYNC_(rdd, n, __VA_ARGS__, )
#define BARKS_TAKE_SAMPLE_ASYNC_(rdd, n, record, ...)                                              \
    BARKS_ASYNC_(barks_take_sample_at(barks_later_(rdd), (n), &barks_record_##record, NULL,        \
                                      &(barks_sample_options){0, __VA_ARGS__}, BARKS_HERE))
#define barks_lookup_async(rdd, key_record, key, record)                                           \
    BARKS_ASYNC_(barks_lookup(barks_later_(rdd), key_record, key, record, NULL))
#define barks_collect_as_map_async(rdd, keys, record)                                              \
    BARKS_ASYNC_(barks_collect_as_map(barks_later_(rdd), keys, record, NULL))
#define barks_count_by_key_async(rdd, keys, record)                                                \
    BARKS_ASYNC_(barks_count_by_key(barks_later_(rdd), keys, record, NULL))
#define barks_count_by_value_async(rdd, record)                                                    \
    BARKS_ASYNC_(barks_count_by_value(barks_later_(rdd), record, NULL))

#define barks_reduce_async(rdd, f, out) BARKS_ASYNC_(barks_reduce(barks_later_(rdd), f, out))
#define barks_fold_async(rdd, zero, f, out)                                                        \
    BARKS_ASYNC_(barks_fold(barks_later_(rdd), zero, f, out))
#define barks_aggregate_all_async(rdd, zero, update, merge, out)                                   \
    BARKS_ASYNC_(barks_aggregate_all(barks_later_(rdd), zero, update, merge, out))
#define barks_tree_reduce_async(rdd, f, depth, out)                                                \
    BARKS_ASYNC_(barks_tree_reduce(barks_later_(rdd), f, depth, out))
#define barks_tree_aggregate_async(rdd, zero, update, merge, depth, out)                           \
    BARKS_ASYNC_(barks_tree_aggregate(barks_later_(rdd), zero, update, merge, depth, out))

#define barks_sum_async(rdd, column, out) BARKS_ASYNC_(barks_sum(barks_later_(rdd), column, out))
#define barks_sum_i64_async(rdd, column, out)                                                      \
    BARKS_ASYNC_(barks_sum_i64(barks_later_(rdd), column, out))
#define barks_mean_async(rdd, column, out) BARKS_ASYNC_(barks_mean(barks_later_(rdd), column, out))
#define barks_min_async(rdd, column, record)                                                       \
    BARKS_ASYNC_(barks_min(barks_later_(rdd), column, record))
#define barks_max_async(rdd, column, record)                                                       \
    BARKS_ASYNC_(barks_max(barks_later_(rdd), column, record))
#define barks_stats_async(rdd, column, out)                                                        \
    BARKS_ASYNC_(barks_stats(barks_later_(rdd), column, out))
#define barks_histogram_async(rdd, column, bucket_count, out_bounds, out_counts)                   \
    BARKS_ASYNC_(barks_histogram(barks_later_(rdd), column, bucket_count, out_bounds, out_counts))
#define barks_histogram_of_async(rdd, column, bounds, bound_count, out_counts)                     \
    BARKS_ASYNC_(barks_histogram_of(barks_later_(rdd), column, bounds, bound_count, out_counts))
#define barks_quantiles_async(rdd, column, fractions, count, error, out_values)                    \
    BARKS_ASYNC_(barks_quantiles(barks_later_(rdd), column, fractions, count, error, out_values))
#define barks_count_approx_distinct_async(rdd, fields, deviation)                                  \
    BARKS_ASYNC_(barks_count_approx_distinct(barks_later_(rdd), fields, deviation))

#define barks_count_within_async(rdd, seconds, confidence, out)                                    \
    BARKS_ASYNC_(barks_count_within(barks_later_(rdd), seconds, confidence, out))
#define barks_sum_within_async(rdd, column, seconds, confidence, out)                              \
    BARKS_ASYNC_(barks_sum_within(barks_later_(rdd), column, seconds, confidence, out))
#define barks_mean_within_async(rdd, column, seconds, confidence, out)                             \
    BARKS_ASYNC_(barks_mean_within(barks_later_(rdd), column, seconds, confidence, out))
#define barks_count_by_value_within_async(rdd, record, seconds, confidence, out_total)             \
    BARKS_ASYNC_(barks_count_by_value_within(barks_later_(rdd), record, seconds, confidence,       \
                                             out_total, NULL))

#define barks_foreach_async(rdd, f, env) BARKS_ASYNC_(barks_foreach(barks_later_(rdd), f, env))
#define barks_foreach_batch_async(rdd, f, env)                                                     \
    BARKS_ASYNC_(barks_foreach_batch(barks_later_(rdd), f, env))
#define barks_write_csv_async(rdd, ...)                                                            \
    BARKS_ASYNC_(barks_write_csv(barks_later_(rdd), __VA_ARGS__))
#define barks_write_text_async(rdd, ...)                                                           \
    BARKS_ASYNC_(barks_write_text(barks_later_(rdd), __VA_ARGS__))
#define barks_write_json_async(rdd, ...)                                                           \
    BARKS_ASYNC_(barks_write_json(barks_later_(rdd), __VA_ARGS__))
#define barks_write_fixed_async(rdd, ...)                                                          \
    BARKS_ASYNC_(barks_write_fixed(barks_later_(rdd), __VA_ARGS__))
#define barks_write_custom_async(rdd, f, env)                                                      \
    BARKS_ASYNC_(barks_write_custom(barks_later_(rdd), f, env))
#define barks_write_batches_async(rdd, ...)                                                        \
    BARKS_ASYNC_(barks_write_batches(barks_later_(rdd), __VA_ARGS__))

/* ---- handles ---- */

/* Waits for the end. False: it failed, or was cancelled, which is told the first time. */
BARKS_API bool barks_wait(barks_future *future);
/* Waits for the ends of all; false where one failed. Each that did is told. */
BARKS_API bool barks_wait_all(barks_future *const *futures, size_t count);
/* Whether it has ended, well or not. Never waits. */
BARKS_API bool barks_is_done(barks_future *future);
/* The action ends soon, as one that failed with BARKS_CANCELLED, unless it ends well before. */
BARKS_API void barks_cancel(barks_future *future);

/* Called once, when the action has ended, well or not. */
typedef void barks_done_callback(barks_future *future, bool is_well, void *user);
/**
 * Has callback called at the action's end, or now where it has ended. Several are called in the
 * order in which they came. False without memory.
 *
 * Threads: it is called in the thread of the action, or in that of the caller where it has ended
 *          (or is NULL) already; by the time that barks_wait returns it has returned, unless it was
 *          asked for later. In the action's thread it may call barks_is_done and barks_cancel, and
 *          nothing else of barks: so it tells the thread that waits, by a flag or a condition.
 */
BARKS_API bool barks_on_done(barks_future *future, barks_done_callback *callback, void *user);

/* These wait: the number that the action gives (-1: it failed), and its rows. */
BARKS_API int64_t barks_future_count(barks_future *future);
#define barks_future_rows(future, record, out_count)                                               \
    ((struct record *)barks_future_rows_at((future), (out_count)))
BARKS_API void *barks_future_rows_at(barks_future *future, int64_t *out_count);

/* Cancels what still runs, waits for its end, tells nothing, and frees the handle. Rows that it
 * gave stay. */
BARKS_API void barks_forget(barks_future *future);
