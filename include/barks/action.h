/* Actions beside those of rdd.h, what brings an answer to the driver; and keeping datasets between
 * actions.
 *
 * What holds for every call here, where nothing else is said:
 *
 * Ownership: arrays that are returned are the context's, until barks_finalize or barks_release.
 * Errors:    false, -1 or NULL, after one sentence; those of the job.
 * Threads:   the one that called barks_init. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"
#include "barks/transform.h"

/* ---- keeping datasets ---- */

typedef enum barks_level {
    BARKS_MEMORY = 1,      /* what does not fit is computed again when it is wanted */
    BARKS_MEMORY_AND_DISK, /* what does not fit is written to --barks-scratch */
    BARKS_DISK,
} barks_level;

typedef struct barks_persist_options {
    char first_;       /* for the macros: so that options can be left out */
    barks_level level; /* 0: BARKS_MEMORY */
    bool encoded;      /* in memory as bytes, not as batches: smaller, slower to read */
    bool compressed;   /* by LZ4, in memory and on disk; implies encoded */
    uint32_t copies;   /* 2: each partition on two executors, of two machines where there are */
} barks_persist_options;

/**
 * Keeps the dataset's partitions on the executors that compute them, from the next action on:
 * barks_persist(links, .level = BARKS_MEMORY_AND_DISK, .compressed = true). Later actions read them
 * there, and what lies below, exchanges too, is not computed again. Returns rdd; datasets made of
 * it before read it likewise.
 *
 * Partitions that an action does not need, or leaves early, are not kept by it. All kept datasets
 * together take --barks-kept-bytes-max of an executor's memory (half of it); then the partitions
 * read least recently give way, never those of a dataset that is just computed or read; where
 * operators find no other memory, these go to --barks-scratch, whatever the level. What is gone is
 * computed again. So caching changes times only, never an answer. A dataset that is kept
 * already stays as it is.
 *
 * With .copies = 2 the action that has computed partitions, once it has its answer, copies them to
 * another executor each: of another machine where there are several, else of the same. What one
 * executor gives up is then read at the other, and only what both have given up is computed again;
 * it is copied anew then. Bodies are not called for copies. A copy that finds no room is left out.
 * A job of a single executor keeps one copy, and warns.
 *
 * Options: .level, .encoded, .compressed, .copies (0, 1 or 2).
 */
#define barks_persist(...) BARKS_PERSIST_(__VA_ARGS__, )
#define BARKS_PERSIST_(rdd, ...)                                                                   \
    barks_persist_at((rdd), &(barks_persist_options){0, __VA_ARGS__}, BARKS_HERE)
/* barks_persist(rdd): in memory. */
#define barks_cache(rdd) barks_persist_at((rdd), &(barks_persist_options){0}, BARKS_HERE)
BARKS_API barks_rdd *barks_persist_at(barks_rdd *rdd, const barks_persist_options *options,
                                      const char *where);

/* Frees what executors keep of the dataset, now, and what they hold of it for joins (.broadcast).
 * Returns rdd. One that is not kept stays as it is. */
#define barks_unpersist(rdd) barks_unpersist_at((rdd), BARKS_HERE)
BARKS_API barks_rdd *barks_unpersist_at(barks_rdd *rdd, const char *where);

/**
 * Computes the dataset, writes it to the directory path as encoded batches, a file for each
 * partition, and cuts its lineage: from then on it, and what is made of it, before or later, is
 * read there, in as many partitions, partitioned as it was. The directory must be one that all
 * ranks see; it appears whole or not at all, and a later job reads it by barks_read_batches. What
 * is kept of the dataset (barks_persist) stays so. While it is used nothing may change the files.
 *
 * Options: .overwrite, .mode (BARKS_OVERWRITE). False on an error; the lineage is then as before.
 *
 * Errors:    those of barks_write_batches: BARKS_INVALID (path exists, another mode), BARKS_IO,
 *            BARKS_LIMIT (more than 100,000 partitions; disk full).
 */
#define barks_checkpoint(rdd, ...) BARKS_CHECKPOINT_(rdd, __VA_ARGS__, )
#define BARKS_CHECKPOINT_(rdd, path, ...)                                                          \
    barks_checkpoint_at((rdd), (path), &(barks_write_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API bool barks_checkpoint_at(barks_rdd *rdd, const char *path,
                                   const barks_write_options *options, const char *where);

/* The same, on the executors' disks (--barks-scratch): faster, and gone with the job, or with an
 * executor; that is then an error that says so, and so is what is asked of it after
 * barks_unpersist, which frees the disks. */
#define barks_local_checkpoint(rdd) barks_local_checkpoint_at((rdd), BARKS_HERE)
BARKS_API bool barks_local_checkpoint_at(barks_rdd *rdd, const char *where);

typedef struct barks_storage {
    barks_level level;                            /* 0: not to be kept */
    uint32_t partition_count, kept_count;         /* of the dataset, and those that are kept now */
    uint64_t row_count, memory_bytes, disk_bytes; /* of the kept ones; bytes: of both copies */
    uint32_t copied_count;                        /* that are kept twice now */
} barks_storage;

/* What is kept of the dataset now. False on an error of the dataset. */
#define barks_storage_info(rdd, out) barks_storage_info_at((rdd), (out), BARKS_HERE)
BARKS_API bool barks_storage_info_at(barks_rdd *rdd, barks_storage *out, const char *where);

/* How it is kept; 0: not at all, or no dataset. */
BARKS_API barks_level barks_storage_level(const barks_rdd *rdd);

/* ---- a few rows ---- */

/* 1: there are no rows, 0: there are, -1: an error. Stops at the first row. */
#define barks_is_empty(rdd) barks_is_empty_at((rdd), BARKS_HERE)
BARKS_API int barks_is_empty_at(barks_rdd *rdd, const char *where);

/* The first row in order. NULL on an error; no rows are one ("empty dataset"). */
#define barks_first(rdd, record)                                                                   \
    ((struct record *)barks_first_at((rdd), &barks_record_##record, BARKS_HERE))
BARKS_API void *barks_first_at(barks_rdd *rdd, const barks_record *record, const char *where);

/* barks_top by another name: the first n rows by the order. */
#define barks_take_ordered(rdd, n, order, record, out_count)                                       \
    barks_top(rdd, n, order, record, out_count)

/* All rows whose fields equal those of *key, a struct of key_record, in order: barks_lookup(prices,
 * item_key, &(struct item_key){.item = 7}, price, &n). Reads one partition alone where the dataset
 * is partitioned by just these keys. */
#define barks_lookup(rdd, key_record, key, record, out_count)                                      \
    ((struct record *)barks_lookup_at((rdd), &barks_record_##key_record,                           \
                                      1 ? (key) : (const struct key_record *)0,                    \
                                      &barks_record_##record, (out_count), BARKS_HERE))
BARKS_API void *barks_lookup_at(barks_rdd *rdd, const barks_record *key_record, const void *key,
                                const barks_record *record, int64_t *out_count, const char *where);

/* All rows, one for each key (the last in order), ascending by the keys, so that bsearch finds
 * them. */
#define barks_collect_as_map(rdd, keys, record, out_count)                                         \
    ((struct record *)barks_collect_as_map_at((rdd), (keys), &barks_record_##record, (out_count),  \
                                              BARKS_HERE))
BARKS_API void *barks_collect_as_map_at(barks_rdd *rdd, const char *keys,
                                        const barks_record *record, int64_t *out_count,
                                        const char *where);

/* How many rows each key has, and each row: an array of the record, which has the keys (or all
 * fields) and (i64, count), ascending by them. As many keys as the driver has room for; more are an
 * error. */
#define barks_count_by_key(rdd, keys, record, out_count)                                           \
    ((struct record *)barks_count_by_key_at((rdd), (keys), &barks_record_##record, (out_count),    \
                                            BARKS_HERE))
#define barks_count_by_value(rdd, record, out_count)                                               \
    ((struct record *)barks_count_by_value_at((rdd), &barks_record_##record, (out_count),          \
                                              BARKS_HERE))
BARKS_API void *barks_count_by_key_at(barks_rdd *rdd, const char *keys, const barks_record *record,
                                      int64_t *out_count, const char *where);
BARKS_API void *barks_count_by_value_at(barks_rdd *rdd, const barks_record *record,
                                        int64_t *out_count, const char *where);

/* barks_reduce_by_key with its result at the driver, ascending by the keys. */
#define barks_reduce_by_key_locally(rdd, keys, f, record, out_count)                               \
    barks_collect_as_map(barks_reduce_by_key(rdd, keys, f), keys, record, out_count)

/* Prints the first n rows to the standard output, as a table, and flushes it. BARKS_IO where it
 * cannot be written. */
#define barks_show(rdd, n) barks_show_at((rdd), (n), BARKS_HERE)
BARKS_API bool barks_show_at(barks_rdd *rdd, int64_t n, const char *where);

/**
 * The rows, one partition after another, of which the driver holds one at a time:
 *
 *     barks_iterator *all = barks_iterate(rdd, record);
 *     for (struct record *rows; (rows = barks_next_rows(all, record, &n)) != NULL;) ...
 *     if (!barks_iterator_end(all)) ...
 *
 * Partitions are computed when they are asked for. A dataset that comes through an exchange is kept
 * (BARKS_MEMORY_AND_DISK) until the end, where it is not cached already, so that it is computed
 * once.
 *
 * Ownership: rows are the iterator's until the next call; it is freed by barks_iterator_end, which
 *            is false when a partition could not be computed.
 */
typedef struct barks_iterator barks_iterator;
#define barks_iterate(rdd, record) barks_iterate_at((rdd), &barks_record_##record, BARKS_HERE)
BARKS_API barks_iterator *barks_iterate_at(barks_rdd *rdd, const barks_record *record,
                                           const char *where);
#define barks_next_rows(iterator, record, out_count)                                               \
    ((struct record *)barks_next_rows_at((iterator), &barks_record_##record, (out_count)))
BARKS_API void *barks_next_rows_at(barks_iterator *iterator, const barks_record *record,
                                   int64_t *out_count);
BARKS_API bool barks_iterator_end(barks_iterator *iterator); /* NULL gives false */

/* ---- one value of all rows ---- */

/**
 * All rows folded into *zero by a BARKS_REDUCE, once in each partition and once more at the driver:
 * so a zero that is not neutral counts p + 1 times. Of no rows: zero.
 *
 * Ownership: out is the caller's; its strings live until barks_finalize.
 */
#define barks_fold(rdd, zero, f, out)                                                              \
    barks_fold_at((rdd), NULL, BARKS_FUNCTION_OF(reduce, f), (zero), (out),                        \
                  sizeof *(out) == sizeof *(zero) ? sizeof *(out) : 0, 1, BARKS_HERE)
/* The same into an accumulator of another record: rows by update, a BARKS_AGGREGATE, and
 * accumulators by merge, a BARKS_REDUCE. */
#define barks_aggregate_all(rdd, zero, update, merge, out)                                         \
    barks_fold_at((rdd), BARKS_FUNCTION_OF(aggregate, update), BARKS_FUNCTION_OF(reduce, merge),   \
                  (zero), (out), sizeof *(out) == sizeof *(zero) ? sizeof *(out) : 0, 1,           \
                  BARKS_HERE)
/* barks_reduce and barks_aggregate_all for many partitions: their values are merged by executors
 * first, in depth steps, so that few come to the driver. zero must be neutral. */
#define barks_tree_reduce(rdd, f, depth, out)                                                      \
    barks_tree_reduce_at((rdd), BARKS_FUNCTION_OF(reduce, f), (depth), (out), sizeof *(out),       \
                         BARKS_HERE)
#define barks_tree_aggregate(rdd, zero, update, merge, depth, out)                                 \
    barks_fold_at((rdd), BARKS_FUNCTION_OF(aggregate, update), BARKS_FUNCTION_OF(reduce, merge),   \
                  (zero), (out), sizeof *(out) == sizeof *(zero) ? sizeof *(out) : 0, (depth),     \
                  BARKS_HERE)
BARKS_API bool barks_fold_at(barks_rdd *rdd, const barks_function *update,
                             const barks_function *merge, const void *zero, void *out,
                             size_t out_bytes, uint32_t depth, const char *where);
BARKS_API bool barks_tree_reduce_at(barks_rdd *rdd, const barks_function *function, uint32_t depth,
                                    void *out, size_t out_bytes, const char *where);

/* ---- statistics of a column of numbers: i32, i64, f32, f64; nulls are skipped ---- */

/* The sum: of doubles the same for any order of the rows. Of nothing 0. False on an error. */
#define barks_sum(rdd, column, out) barks_sum_at((rdd), (column), (out), BARKS_HERE)
BARKS_API bool barks_sum_at(barks_rdd *rdd, const char *column, double *out, const char *where);
/* Of i32 or i64; a sum that does not fit is an error. */
#define barks_sum_i64(rdd, column, out) barks_sum_i64_at((rdd), (column), (out), BARKS_HERE)
BARKS_API bool barks_sum_i64_at(barks_rdd *rdd, const char *column, int64_t *out,
                                const char *where);
/* Of nothing NaN. */
#define barks_mean(rdd, column, out) barks_mean_at((rdd), (column), (out), BARKS_HERE)
BARKS_API bool barks_mean_at(barks_rdd *rdd, const char *column, double *out, const char *where);

/* The first row in order that has the least or greatest value of the column, of any type that has
 * an order. NaN is the greatest. NULL on an error; that there is no value is one. */
#define barks_min(rdd, column, record)                                                             \
    ((struct record *)barks_best_at((rdd), (column), false, &barks_record_##record, BARKS_HERE))
#define barks_max(rdd, column, record)                                                             \
    ((struct record *)barks_best_at((rdd), (column), true, &barks_record_##record, BARKS_HERE))
BARKS_API void *barks_best_at(barks_rdd *rdd, const char *column, bool greatest,
                              const barks_record *record, const char *where);

typedef struct barks_statistics {
    int64_t count;                            /* without nulls */
    double sum, mean;                         /* mean of nothing: NaN */
    double variance, deviation;               /* of the whole population; of nothing NaN */
    double sample_variance, sample_deviation; /* of fewer than two values NaN */
    double min, max;                          /* min of nothing and of NaN alone: NaN */
} barks_statistics;
/* All in one pass; the same for any order of the rows and any partitions. */
#define barks_stats(rdd, column, out) barks_stats_at((rdd), (column), (out), BARKS_HERE)
BARKS_API bool barks_stats_at(barks_rdd *rdd, const char *column, barks_statistics *out,
                              const char *where);

/**
 * Counts the values in bucket_count equal buckets between the least and the greatest; each has its
 * lower bound, the last one its upper bound too. Returns how many buckets there are: 1 where all
 * values are equal; -1 on an error: no values, or one that is infinite or NaN.
 *
 * Shapes: out_bounds has room for bucket_count + 1, out_counts for bucket_count.
 */
#define barks_histogram(rdd, column, bucket_count, out_bounds, out_counts)                         \
    barks_histogram_at((rdd), (column), (bucket_count), (out_bounds), (out_counts), BARKS_HERE)
BARKS_API int barks_histogram_at(barks_rdd *rdd, const char *column, uint32_t bucket_count,
                                 double *out_bounds, int64_t *out_counts, const char *where);
/* By bounds of the caller's, ascending and at least two; what lies outside of them, and NaN, is not
 * counted. out_counts has room for bound_count - 1. */
#define barks_histogram_of(rdd, column, bounds, bound_count, out_counts)                           \
    barks_histogram_of_at((rdd), (column), (bounds), (bound_count), (out_counts), BARKS_HERE)
BARKS_API bool barks_histogram_of_at(barks_rdd *rdd, const char *column, const double *bounds,
                                     uint32_t bound_count, int64_t *out_counts, const char *where);

/**
 * The values at fractions [0, 1] of the column's order, each one of the values: for fraction q of n
 * values the one of rank ceil(q n), or for an error e above 0 one whose rank is within e n of it,
 * which holds always, not just probably. An error of 0 takes some passes over the dataset: cache
 * it. Of i64 the nearest double.
 *
 * Shapes: fractions and out_values have `count` entries.
 */
#define barks_quantiles(rdd, column, fractions, count, error, out_values)                          \
    barks_quantiles_at((rdd), (column), (fractions), (count), (error), (out_values), BARKS_HERE)
BARKS_API bool barks_quantiles_at(barks_rdd *rdd, const char *column, const double *fractions,
                                  uint32_t count, double error, double *out_values,
                                  const char *where);

/* How many rows differ in the fields (all where it is NULL; null is a value): exact up to 2,048,
 * then by HyperLogLog with the relative standard deviation given, 0.0006 to 0.26; -1 on an error.
 */
#define barks_count_approx_distinct(rdd, fields, deviation)                                        \
    barks_count_approx_distinct_at((rdd), (fields), (deviation), BARKS_HERE)
BARKS_API int64_t barks_count_approx_distinct_at(barks_rdd *rdd, const char *fields,
                                                 double deviation, const char *where);

/* ---- batches for their effects ---- */

/**
 * BARKS_FOREACH_BATCH(name, in record[, env type]) { ... batch->x[i] ... }
 *
 * For its effects, as BARKS_FOREACH, once for a batch of some thousand rows, whose columns stand in
 * the struct barks_batch_<in record>.
 */
#define BARKS_FOREACH_BATCH(...)                                                                   \
    BARKS_PASTE(BARKS_FOREACH_BATCH_, BARKS_ENV_AFTER_2_(__VA_ARGS__))(__VA_ARGS__)
#define BARKS_FOREACH_BATCH_BAD_(...)                                                              \
    BARKS_BAD_ARGUMENTS_("BARKS_FOREACH_BATCH(name, in[, env])", #__VA_ARGS__)
#define BARKS_FOREACH_BATCH_WITHOUT_ENV_(name, in_name)                                            \
    BARKS_FOREACH_BATCH_OF_(name, in_name, barks_no_env, 0)
#define BARKS_FOREACH_BATCH_WITH_ENV_(name, in_name, env_type)                                     \
    BARKS_FOREACH_BATCH_OF_(name, in_name, env_type, sizeof(env_type))
#define BARKS_FOREACH_BATCH_OF_(name, in_name, env_type, env_bytes)                                \
    BARKS_NEED_RECORD_(in_name);                                                                   \
    BARKS_INLINE void barks_body_##name(                                                           \
        BARKS_UNUSED_ const struct barks_batch_##in_name *batch,                                   \
        BARKS_UNUSED_ const env_type *env,                                                         \
        BARKS_UNUSED_ struct barks_body *fail_works_in_bodies_of_functions);                       \
    static void barks_loop_##name(barks_call *call)                                                \
    {                                                                                              \
        struct barks_body body = {call, false};                                                    \
        struct barks_batch_##in_name from;                                                         \
        from.row_count = call->row_count;                                                          \
        barks_open_##in_name(&from, call->columns);                                                \
        call->row_index = 0;                                                                       \
        barks_body_##name(&from, call->env, &body);                                                \
    }                                                                                              \
    BARKS_DEFINE_FUNCTION_(foreach_batch, FOREACH_BATCH, name, env_type, env_bytes, in_name, NULL, \
                           foreach)                                                                \
    BARKS_INLINE void barks_body_##name(                                                           \
        BARKS_UNUSED_ const struct barks_batch_##in_name *batch,                                   \
        BARKS_UNUSED_ const env_type *env,                                                         \
        BARKS_UNUSED_ struct barks_body *fail_works_in_bodies_of_functions)
/* Calls it on every batch of the rows. Rows of a repeated attempt are visited again. */
#define barks_foreach_batch(rdd, f, env)                                                           \
    barks_foreach_at((rdd), BARKS_FUNCTION_OF(foreach_batch, f), BARKS_ENV_OF(f, env), BARKS_HERE)
