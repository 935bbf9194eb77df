/* The order of rows by functions of yours, and what goes by the place of rows in a dataset. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"

/**
 * BARKS_COMPARE(name, in record[, env type]) { return a->x < b->x ? -1 : a->x > b->x; }
 *
 * The order of two rows: below 0 where a comes before b, above 0 where b comes before a, 0 where
 * neither does. It must be a strict weak order: what is true of a before b and b before c is true
 * of a before c, and of a is equal to b likewise. One that is not gives the rows in some order,
 * which is unspecified; nothing worse happens.
 */
#define BARKS_COMPARE(...) BARKS_PASTE(BARKS_COMPARE_, BARKS_ENV_AFTER_2_(__VA_ARGS__))(__VA_ARGS__)
#define BARKS_COMPARE_BAD_(...) BARKS_BAD_ARGUMENTS_("BARKS_COMPARE(name, in[, env])", #__VA_ARGS__)
#define BARKS_COMPARE_WITHOUT_ENV_(name, in_name) BARKS_COMPARE_OF_(name, in_name, barks_no_env, 0)
#define BARKS_COMPARE_WITH_ENV_(name, in_name, env_type)                                           \
    BARKS_COMPARE_OF_(name, in_name, env_type, sizeof(env_type))
#define BARKS_COMPARE_BODY_(name, in_name, env_type)                                               \
    BARKS_INLINE int64_t barks_body_##name(                                                        \
        BARKS_UNUSED_ const struct in_name *a, BARKS_UNUSED_ const struct in_name *b,              \
        BARKS_UNUSED_ const env_type *env,                                                         \
        BARKS_UNUSED_ struct barks_number_body *fail_works_in_bodies_of_functions)
/* The loops hold the two rows that are compared, so that each step loads but the one that changed.
 * Runs that are in order already are copied; short ones are not worth asking for. */
#define BARKS_COMPARE_OF_(name, in_name, env_type, env_bytes)                                      \
    BARKS_NEED_RECORD_(in_name);                                                                   \
    BARKS_COMPARE_BODY_(name, in_name, env_type);                                                  \
    BARKS_INLINE bool barks_is_before_##name(const barks_call *call, const struct in_name *a,      \
                                             const struct in_name *b,                              \
                                             struct barks_number_body *body)                       \
    {                                                                                              \
        int64_t order = call->descending ? barks_body_##name(b, a, call->env, body)                \
                                         : barks_body_##name(a, b, call->env, body);               \
        return order < 0 && !body->failed;                                                         \
    }                                                                                              \
    static void barks_loop_##name(barks_call *call, const uint32_t *from, uint32_t *to,            \
                                  uint32_t count, uint32_t width)                                  \
    {                                                                                              \
        struct barks_number_body body = {call, false};                                             \
        struct barks_batch_##in_name rows;                                                         \
        struct in_name a, b;                                                                       \
        barks_open_##in_name(&rows, call->columns);                                                \
        for (size_t first = 0, end; first < count && !body.failed; first = end) {                  \
            size_t middle = count - first < width ? count : first + width;                         \
            end = count - middle < width ? count : middle + width;                                 \
            size_t left = first, right = middle;                                                   \
            bool is_sorted = middle == end;                                                        \
            if (!is_sorted && width >= 8) {                                                        \
                barks_load_##in_name(&rows, from[middle - 1], &a);                                 \
                barks_load_##in_name(&rows, from[middle], &b);                                     \
                is_sorted = !barks_is_before_##name(call, &b, &a, &body);                          \
            }                                                                                      \
            if (is_sorted) {                                                                       \
                call->row_index = from[middle - 1];                                                \
                memcpy(to + first, from + first, (end - first) * sizeof *to);                      \
                continue;                                                                          \
            }                                                                                      \
            barks_load_##in_name(&rows, from[left], &a);                                           \
            barks_load_##in_name(&rows, from[right], &b);                                          \
            size_t k = first;                                                                      \
            while (left < middle && right < end && !body.failed) {                                 \
                call->row_index = from[left];                                                      \
                if (barks_is_before_##name(call, &b, &a, &body)) {                                 \
                    to[k++] = from[right++];                                                       \
                    if (right < end)                                                               \
                        barks_load_##in_name(&rows, from[right], &b);                              \
                } else {                                                                           \
                    to[k++] = from[left++];                                                        \
                    if (left < middle)                                                             \
                        barks_load_##in_name(&rows, from[left], &a);                               \
                }                                                                                  \
            }                                                                                      \
            memcpy(to + k, from + left, (middle - left) * sizeof *to);                             \
            memcpy(to + k + (middle - left), from + right, (end - right) * sizeof *to);            \
        }                                                                                          \
    }                                                                                              \
    static void barks_search_##name(barks_call *call, uint32_t bound_count, uint32_t *out_places)  \
    {                                                                                              \
        struct barks_number_body body = {call, false};                                             \
        struct barks_batch_##in_name rows, bounds;                                                 \
        barks_open_##in_name(&rows, call->columns);                                                \
        barks_open_##in_name(&bounds, call->right_columns);                                        \
        for (uint32_t row = 0; row < call->row_count && !body.failed; row++) {                     \
            struct in_name in, bound;                                                              \
            uint32_t low = 0, high = bound_count;                                                  \
            call->row_index = row;                                                                 \
            barks_load_##in_name(&rows, row, &in);                                                 \
            while (low < high) {                                                                   \
                uint32_t middle = low + (high - low) / 2;                                          \
                barks_load_##in_name(&bounds, middle, &bound);                                     \
                if (barks_is_before_##name(call, &in, &bound, &body))                              \
                    high = middle;                                                                 \
                else                                                                               \
                    low = middle + 1;                                                              \
            }                                                                                      \
            out_places[row] = low;                                                                 \
        }                                                                                          \
    }                                                                                              \
    BARKS_DEFINE_FUNCTION_OF_(compare, COMPARE, name, env_type, env_bytes, in_name, NULL, merge,   \
                              .input_count = 1, .search = barks_search_##name)                     \
    BARKS_COMPARE_BODY_(name, in_name, env_type)

/**
 * Sorts by a BARKS_COMPARE: barks_sort_by_fn(versions, by_version). As barks_sort_by: stable, and
 * in partitions by ranges of the order. The function runs on the executors, and on the driver for
 * the sample that decides the ranges. It sees the fields of its record, strings wholly. Options:
 * .partitions, .env.
 *
 * Cost: reads the input twice. An order that barks_sort_by can say is sorted faster by it.
 */
#define barks_sort_by_fn(rdd, ...) BARKS_SORT_BY_FN_(rdd, __VA_ARGS__, )
#define BARKS_SORT_BY_FN_(rdd, f, ...)                                                             \
    barks_sort_by_fn_at((rdd), BARKS_FUNCTION_OF(compare, f),                                      \
                        &(barks_exchange_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_sort_by_fn_at(barks_rdd *rdd, const barks_function *function,
                                         const barks_exchange_options *options, const char *where);

/* Options of actions by a comparator; what is left out is 0. */
typedef struct barks_compare_options {
    char first_;     /* for the macros: so that options can be left out */
    const void *env; /* of the function, or NULL */
} barks_compare_options;

/* The first n rows by a BARKS_COMPARE, ties in the order of the rows, without sorting all:
 * barks_top_by(versions, 10, newest_first, version, &n). NULL on an error. Option: .env. */
#define barks_top_by(rdd, n, f, record, ...) BARKS_TOP_BY_(rdd, n, f, record, __VA_ARGS__, )
#define BARKS_TOP_BY_(rdd, n, f, record, out_count, ...)                                           \
    ((struct record *)barks_top_by_at((rdd), (n), BARKS_FUNCTION_OF(compare, f),                   \
                                      &barks_record_##record, (out_count),                         \
                                      &(barks_compare_options){0, __VA_ARGS__}, BARKS_HERE))
/* The same by another name, as barks_take_ordered is of barks_top. */
#define barks_take_ordered_by(rdd, n, f, record, ...) barks_top_by(rdd, n, f, record, __VA_ARGS__)
BARKS_API void *barks_top_by_at(barks_rdd *rdd, int64_t n, const barks_function *function,
                                const barks_record *record, int64_t *out_count,
                                const barks_compare_options *options, const char *where);

/* The first row in order that none comes before, or none comes after, by a BARKS_COMPARE. NULL on
 * an error; that there are no rows is one. Option: .env. */
#define barks_min_by(rdd, f, ...) BARKS_BEST_BY_(rdd, f, false, __VA_ARGS__, )
#define barks_max_by(rdd, f, ...) BARKS_BEST_BY_(rdd, f, true, __VA_ARGS__, )
#define BARKS_BEST_BY_(rdd, f, greatest, record, ...)                                              \
    ((struct record *)barks_best_by_at((rdd), BARKS_FUNCTION_OF(compare, f), (greatest),           \
                                       &barks_record_##record,                                     \
                                       &(barks_compare_options){0, __VA_ARGS__}, BARKS_HERE))
BARKS_API void *barks_best_by_at(barks_rdd *rdd, const barks_function *function, bool greatest,
                                 const barks_record *record, const barks_compare_options *options,
                                 const char *where);

/* ---- some partitions ---- */

/**
 * The partitions that indices lists, in that order, of a dataset: barks_only_partitions(rdd,
 * (uint32_t[]){7, 2}, 2) has two. No others of its last stage are computed: an action on it is one
 * on these partitions. One may be listed several times.
 *
 * Errors:    (sticky) BARKS_INVALID: there is no such partition.
 */
#define barks_only_partitions(rdd, ...) barks_only_partitions_at((rdd), __VA_ARGS__, BARKS_HERE)
BARKS_API barks_rdd *barks_only_partitions_at(barks_rdd *rdd, const uint32_t *indices,
                                              uint32_t count, const char *where);

/**
 * Rows with *low <= key <= *high: barks_filter_by_range(trips, trip_day, &(struct trip_day){.day =
 * 3}, &(struct trip_day){.day = 9}). The key is what the record names, compared field by field as
 * barks_sort_by does (ascending, nulls last); NULL is no bound.
 *
 * Of a dataset in ranges of the key (sorted or partitioned by it, or by more that begins with it)
 * only the partitions that may have such rows are computed, and are those of the result; the ranges
 * must be known for that, so that the call samples where no action has yet. Others are filtered.
 *
 * Errors:    (sticky) BARKS_INVALID: no such field; those of the sampling.
 */
#define barks_filter_by_range(rdd, key_record, low, high)                                          \
    barks_filter_by_range_at((rdd), &barks_record_##key_record,                                    \
                             1 ? (low) : (const struct key_record *)0,                             \
                             1 ? (high) : (const struct key_record *)0, BARKS_HERE)
BARKS_API barks_rdd *barks_filter_by_range_at(barks_rdd *rdd, const barks_record *key_record,
                                              const void *low, const void *high, const char *where);

/* ---- rows by their place in the dataset ----
 *
 * What goes by places counts the rows of each partition first, by a job when the call is made,
 * unless that is known: of arrays and numbers, of what lies by place already, or since it was
 * counted before. Keep a dataset (barks_cache) that is dear to compute. One that gives other rows
 * each time that it is computed is an error of the action. */

/* The same rows in the same order, in so many partitions of as many rows each, or one more; 0: as
 * many partitions as there are. Rows move once; none where they lie so already. */
#define barks_rebalance(rdd, partitions) barks_rebalance_at((rdd), (partitions), BARKS_HERE)
BARKS_API barks_rdd *barks_rebalance_at(barks_rdd *rdd, uint32_t partition_count,
                                        const char *where);

/* All rows of the first dataset, then all of the second, and so on, in so many partitions of as
 * many rows each, or one more; 0: as many as all have together. barks_union moves no rows, and
 * gives rows that lie by key a place of their own. Fields must be equal by name and type. */
#define barks_concat(rdds, count, partitions)                                                      \
    barks_concat_at((rdds), (count), (partitions), BARKS_HERE)
BARKS_API barks_rdd *barks_concat_at(barks_rdd *const *rdds, size_t rdd_count,
                                     uint32_t partition_count, const char *where);

/* What becomes of the rows that one side has more. */
typedef enum barks_zip_mode {
    BARKS_ZIP_EXACT = 0, /* they are an error, which names both numbers */
    BARKS_ZIP_SHORTEST,  /* they are left out */
    BARKS_ZIP_LONGEST,   /* they get nulls, or NULL in a BARKS_PAIR, for the other side */
} barks_zip_mode;

/**
 * Pairs of rows of equal places, whatever the partitions: barks_zip_align(left, right,
 * BARKS_ZIP_LONGEST) has all fields of both, barks_zip_align_with what a BARKS_PAIR makes of them.
 * Of the longest all fields may be null. The result has the partitions of the side that decides how
 * many rows there are, or of the left; rows of the other move, unless they lie so already.
 *
 * Errors:    (sticky) BARKS_INVALID: two fields of one name, unequal numbers of rows.
 */
#define barks_zip_align(left, right, mode)                                                         \
    barks_zip_align_at((left), (right), (mode), NULL, NULL, BARKS_HERE)
#define barks_zip_align_with(left, right, mode, f, env)                                            \
    barks_zip_align_at((left), (right), (mode), BARKS_FUNCTION_OF(pair, f), BARKS_ENV_OF(f, env),  \
                       BARKS_HERE)
BARKS_API barks_rdd *barks_zip_align_at(barks_rdd *left, barks_rdd *right, barks_zip_mode mode,
                                        const barks_function *function, const void *env,
                                        const char *where);

/**
 * Datasets that are sorted by one order become one that is: barks_merge_sorted(days, 7, "time,
 * id"). Rows are exchanged by ranges of the order, and those of a partition, which come in runs,
 * are merged. Ties are in the order of the datasets, then of their rows. What is not sorted is
 * sorted all the same, but costs more. Option: .partitions (0: as the dataset that has most).
 */
#define barks_merge_sorted(rdds, count, ...) BARKS_MERGE_SORTED_(rdds, count, __VA_ARGS__, )
#define BARKS_MERGE_SORTED_(rdds, count, order, ...)                                               \
    barks_merge_sorted_at((rdds), (count), (order), &(barks_exchange_options){0, __VA_ARGS__},     \
                          BARKS_HERE)
BARKS_API barks_rdd *barks_merge_sorted_at(barks_rdd *const *rdds, size_t rdd_count,
                                           const char *order, const barks_exchange_options *options,
                                           const char *where);

/* Options of windows; what is left out is 0. */
typedef struct barks_window_options {
    char first_;     /* for the macros: so that options can be left out */
    bool partial;    /* rows that are left behind the last whole window are one, too */
    const void *env; /* of the function, or NULL */
} barks_window_options;

/**
 * Calls a BARKS_GROUP for windows over the rows in order, whatever the partitions: the rows 0 to
 * width - 1, those from step on, from 2 * step on, and so on. barks_windows(prices, 7, 1,
 * weekly_mean) slides, barks_windows(rows, 100, 100, to_block, .partial = true) cuts into blocks.
 *
 * Only whole windows count; with .partial also one last window of fewer rows, where rows are left
 * that no whole one has and a window begins at or before them. What windows emit is in their order,
 * in the partition where they begin. In the body barks_task()->index is the number of the window.
 * No more than the first width - 1 rows of partitions are sent to those before. Options: .partial,
 * .env.
 *
 * Rows that do not fit the memory go to disk; a window is then read from there.
 *
 * Errors:    (sticky) BARKS_INVALID: a width or step of 0, a width of 2^31.
 */
#define barks_windows(rdd, width, step, ...) BARKS_WINDOWS_(rdd, width, step, __VA_ARGS__, )
#define BARKS_WINDOWS_(rdd, width, step, f, ...)                                                   \
    barks_windows_at((rdd), (width), (step), BARKS_FUNCTION_OF(group, f),                          \
                     &(barks_window_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_windows_at(barks_rdd *rdd, uint64_t width, uint64_t step,
                                      const barks_function *function,
                                      const barks_window_options *options, const char *where);

/* Options of scans; what is left out is 0. */
typedef struct barks_scan_options {
    char first_;         /* for the macros: so that options can be left out */
    bool exclusive;      /* a row has the value of the rows before it, without itself */
    const void *initial; /* a struct of the function's record: the value before the first row */
    const void *env;     /* of the function, or NULL */
} barks_scan_options;

/**
 * Running values: each row with the fields that a BARKS_REDUCE sees replaced by what it makes of
 * all rows up to this one, in their order; the other fields stay. barks_scan(payments, add_amounts)
 * gives each payment with the balance after it, add_amounts being of a record (i64, amount).
 *
 * The value begins as the first row, or as .initial, into which all rows are folded; with
 * .exclusive rows have the value before them, the first one .initial (or zeros). The function must
 * be associative: partitions are folded by a job when the call is made, and their values before the
 * rows behind them. A sum of doubles is as exact as the function, so that its last digits depend on
 * the partitions. Options: .exclusive, .initial, .env.
 *
 * Errors:    (sticky) BARKS_INVALID, those of the job.
 */
#define barks_scan(rdd, ...) BARKS_SCAN_(rdd, __VA_ARGS__, )
#define BARKS_SCAN_(rdd, f, ...)                                                                   \
    barks_scan_at((rdd), BARKS_FUNCTION_OF(reduce, f), &(barks_scan_options){0, __VA_ARGS__},      \
                  BARKS_HERE)
BARKS_API barks_rdd *barks_scan_at(barks_rdd *rdd, const barks_function *function,
                                   const barks_scan_options *options, const char *where);

/* ---- to an index ---- */

/* Options of groups by index; what is left out is 0. */
typedef struct barks_index_options {
    char first_;         /* for the macros: so that options can be left out */
    uint32_t partitions; /* of the result; 0: as the input, at most --barks-partitions-max */
    const char *order;   /* of the rows of an index, as of barks_sort_by; NULL: as they were */
    const void *env;     /* of the function, or NULL */
} barks_index_options;

/**
 * One row for each index from 0 to count - 1, in that order: barks_reduce_to_index(visits, "page",
 * page_count, add_visits, .initial = &(struct visits){.last = -1}).
 *
 * key is a field of the record, an i64 that is never null; rows of one index are folded by a
 * BARKS_REDUCE as barks_reduce_by_key does. An index that no row has gets .initial (or zeros) with
 * the index filled in. Partition i of p has the indices from i * count / p to below (i + 1) * count
 * / p. Options: .initial, .partitions, .env.
 *
 * Errors:    (sticky) BARKS_INVALID: no such field. Of the job: a key that is no index.
 */
#define barks_reduce_to_index(rdd, key, count, ...)                                                \
    BARKS_REDUCE_TO_INDEX_(rdd, key, count, __VA_ARGS__, )
#define BARKS_REDUCE_TO_INDEX_(rdd, key, count, f, ...)                                            \
    barks_reduce_to_index_at((rdd), (key), (count), BARKS_FUNCTION_OF(reduce, f),                  \
                             &(barks_exchange_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_reduce_to_index_at(barks_rdd *rdd, const char *key, int64_t index_count,
                                              const barks_function *function,
                                              const barks_exchange_options *options,
                                              const char *where);

/**
 * Calls a BARKS_GROUP for each index from 0 to count - 1, in that order, with the rows that have
 * it: none, maybe. barks_task()->index is the index. barks_group_to_index(links, "page",
 * page_count, to_degree). The rest is as of barks_reduce_to_index. Options: .order (of the rows of
 * an index), .partitions, .env.
 */
#define barks_group_to_index(rdd, key, count, ...)                                                 \
    BARKS_GROUP_TO_INDEX_(rdd, key, count, __VA_ARGS__, )
#define BARKS_GROUP_TO_INDEX_(rdd, key, count, f, ...)                                             \
    barks_group_to_index_at((rdd), (key), (count), BARKS_FUNCTION_OF(group, f),                    \
                            &(barks_index_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_group_to_index_at(barks_rdd *rdd, const char *key, int64_t index_count,
                                             const barks_function *function,
                                             const barks_index_options *options, const char *where);
