/* Datasets: transformations that are remembered, and actions that run them.
 *
 * A dataset is rows of one record in partitions, and how to compute them. It is immutable, belongs
 * to its context and dies with it, so a job frees nothing. A transformation cannot fail in the
 * caller's face: it returns a dataset that bears the error, and the action reports it with file and
 * line of the call that was wrong. An action that fails prints one sentence, says so by its result,
 * and decides the exit status that barks_finalize returns.
 *
 * What holds for every call here, where nothing else is said:
 *
 * Ownership: what is given is copied; datasets are the context's.
 * Errors:    transformations never fail; actions have those of the job (barks_take_error has the
 *            last one). BARKS_LIMIT: more than 20,000 steps one after another without an exchange.
 * Threads:   the one that called barks_init. Collective: none; only the driver's rank runs main. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/context.h"
#include "barks/record.h"
#include "barks/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct barks_rdd barks_rdd;

/* The record of text: what barks_read_text gives and barks_write_text takes. A job's own record
 * with this field does too. */
BARKS_RECORD(barks_text, (str, text));

/* ---- sources ---- */

/* Options of barks_read_text; what is left out is 0. */
typedef struct barks_text_options {
    char first_;            /* for the macros: so that options can be left out */
    const char *separator;  /* ends a row in place of \n, one byte or more; NULL: lines */
    size_t separator_bytes; /* 0: up to its first NUL; needed where it has one */
    bool recursive;         /* directories with all below them */
    const char *where_path; /* recursive, and only files below such directories: "year=2024" */
} barks_text_options;

/**
 * Lines of text: barks_read_text(context, "input/*.txt") gives rows with one field, (str, text).
 *
 * A path is a file, a directory, a pattern of * ? [ ] { } **, or @FILE with one path a line. Files
 * ending in .gz, .zst, .bz2, .xz, .lz4 and .sz (or beginning like them) are decompressed, each as a
 * whole; others are split by bytes at line ends, --barks-split-bytes to a partition. A line ends at
 * \n, one \r before it is dropped, a last line without \n counts; NUL and bytes that are not UTF-8
 * are data.
 * Partitions are in the order of the paths' bytes.
 *
 * With .separator = "||" a row ends at these bytes, taken exactly, in place of \n; files are split
 * all the same, but for a separator that can overlap itself, such as "--". .where_path =
 * "year=2024, country=de" takes only files below directories of these names, "year=2024/", and does
 * not look into those of other values; names and values are percent-decoded. Options: .separator,
 * .separator_bytes, .recursive, .where_path.
 *
 * Errors:    (sticky) BARKS_IO, BARKS_INVALID: missing, unreadable, not a file, a pattern that
 *            matches nothing, an empty separator, a .where_path that is no list of name=value.
 */
#define barks_read_text(context, ...) BARKS_READ_TEXT_(context, __VA_ARGS__, )
#define BARKS_READ_TEXT_(context, path, ...)                                                       \
    barks_read_text_at((context), (const char *const[]){(path)}, 1,                                \
                       &(barks_text_options){0, __VA_ARGS__}, BARKS_HERE)
/* The same for an array of count paths. */
#define barks_read_text_paths(context, paths, ...)                                                 \
    BARKS_READ_TEXT_PATHS_(context, paths, __VA_ARGS__, )
#define BARKS_READ_TEXT_PATHS_(context, paths, count, ...)                                         \
    barks_read_text_at((context), (const char *const *)(paths), (count),                           \
                       &(barks_text_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_read_text_at(barks_context *context, const char *const *paths,
                                        size_t path_count, const barks_text_options *options,
                                        const char *where);

/**
 * Rows of an array: barks_parallelize(context, point, points, n, partitions), point being a
 * BARKS_RECORD and points an array of n of them. Partition i has the elements [i*n/p, (i+1)*n/p).
 * partitions 0: min(64, n), at least 1.
 *
 * Ownership: the array, its strings and lists are copied.
 */
#define barks_parallelize(context, record, rows, count, partitions)                                \
    barks_parallelize_at((context), &barks_record_##record, 1 ? (rows) : (const struct record *)0, \
                         (count), (partitions), BARKS_HERE)
BARKS_API barks_rdd *barks_parallelize_at(barks_context *context, const barks_record *record,
                                          const void *rows, size_t row_count,
                                          uint32_t partition_count, const char *where);

/* ---- transformations ---- */

/* A function's record may name some of the dataset's fields, in any order: it sees only those. env:
 * a pointer to the function's env struct, which is copied, or NULL for a function without.
 * Partitions and order are kept. */
#define barks_map(rdd, f, env)                                                                     \
    barks_apply_at((rdd), BARKS_FUNCTION_OF(map, f), BARKS_ENV_OF(f, env), BARKS_HERE)
#define barks_flat_map(rdd, f, env)                                                                \
    barks_apply_at((rdd), BARKS_FUNCTION_OF(flat_map, f), BARKS_ENV_OF(f, env), BARKS_HERE)
#define barks_filter(rdd, f, env)                                                                  \
    barks_apply_at((rdd), BARKS_FUNCTION_OF(filter, f), BARKS_ENV_OF(f, env), BARKS_HERE)
/* A BARKS_FLAT_MAP that emits no row or one is a filter and a map at once. */
BARKS_API barks_rdd *barks_apply_at(barks_rdd *rdd, const barks_function *function, const void *env,
                                    const char *where);

typedef struct barks_batch_options {
    char first_;   /* for the macros: so that options can be left out */
    uint32_t rows; /* of each batch but a partition's last, up to 2^24; 0: as they come */
} barks_batch_options;

/* The same by whole batches: barks_map_batches(points, to_cells, NULL). Option: .rows, for a
 * function whose calls are dear. */
#define barks_map_batches(rdd, f, ...) BARKS_APPLY_BATCHES_(rdd, f, __VA_ARGS__, )
#define BARKS_APPLY_BATCHES_(rdd, f, env, ...)                                                     \
    barks_apply_batches_at((rdd), BARKS_FUNCTION_OF(map_batches, f), BARKS_ENV_OF(f, env),         \
                           &(barks_batch_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_apply_batches_at(barks_rdd *rdd, const barks_function *function,
                                            const void *env, const barks_batch_options *options,
                                            const char *where);

/* All rows of all datasets, duplicates too, in their order. Fields must be equal by name and type.
 * No exchange. */
#define barks_union(a, b) barks_union_at((barks_rdd *const[]){(a), (b)}, 2, BARKS_HERE)
#define barks_union_all(rdds, count) barks_union_at((rdds), (count), BARKS_HERE)
BARKS_API barks_rdd *barks_union_at(barks_rdd *const *rdds, size_t rdd_count, const char *where);

/* For what the engine may decide by itself. */
typedef enum barks_choice { BARKS_AUTO_CHOICE = 0, BARKS_ALWAYS, BARKS_NEVER } barks_choice;

/* Options of the operations that exchange rows; what is left out is 0. Operations with options are
 * macros in two steps: the first adds an empty last argument, since C17 wants one for "...". */
typedef struct barks_exchange_options {
    char first_; /* for the macros: so that options can be left out */
    uint32_t
        partitions; /* of the result; 0: as many as the input has, at most --barks-partitions-max */
    const void *env; /* of the function, or NULL */
    const void
        *initial; /* barks_aggregate_by_key: a struct of the accumulator's record; NULL: all zero */
    barks_choice map_side_combine; /* whether rows are combined before they are exchanged */
    const void *merge_env;         /* of the function that merges; NULL: env */
} barks_exchange_options;

/**
 * One row for each key: barks_reduce_by_key(words, "word", add_counts), with
 *
 *     BARKS_REDUCE(add_counts, word_count) { acc->count += in->count; }
 *
 * keys are fields of the record, "word" or "year, month"; the body folds the others of `in` into
 * `acc`, which begins as a copy of the key's first row. It must be associative and commutative.
 * null = null, NaN = NaN and -0.0 = 0.0 as keys. Rows are combined before they are exchanged. The
 * order of the result is unspecified, but the same on every run and for any number of ranks.
 * Options: .partitions, .env.
 */
#define barks_reduce_by_key(rdd, keys, ...) BARKS_REDUCE_BY_KEY_(rdd, keys, __VA_ARGS__, )
#define BARKS_REDUCE_BY_KEY_(rdd, keys, f, ...)                                                    \
    barks_reduce_by_key_at((rdd), (keys), BARKS_FUNCTION_OF(reduce, f),                            \
                           &(barks_exchange_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_reduce_by_key_at(barks_rdd *rdd, const char *keys,
                                            const barks_function *function,
                                            const barks_exchange_options *options,
                                            const char *where);

/**
 * One accumulator for each key, of another record than the rows: barks_aggregate_by_key(readings,
 * "sensor", add_reading, merge_means), add_reading being a BARKS_AGGREGATE and merge_means a
 * BARKS_REDUCE over its accumulators.
 *
 * The keys are fields of both records. An accumulator begins as .initial (or zeros) with the key
 * filled in; .initial must be neutral, since there is one for each key in many places. Options:
 * .partitions, .env (of both), .initial.
 */
#define barks_aggregate_by_key(rdd, keys, update, ...)                                             \
    BARKS_AGGREGATE_BY_KEY_(rdd, keys, update, __VA_ARGS__, )
#define BARKS_AGGREGATE_BY_KEY_(rdd, keys, update, merge, ...)                                     \
    barks_aggregate_by_key_at((rdd), (keys), BARKS_FUNCTION_OF(aggregate, update),                 \
                              BARKS_FUNCTION_OF(reduce, merge),                                    \
                              &(barks_exchange_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_aggregate_by_key_at(barks_rdd *rdd, const char *keys,
                                               const barks_function *update,
                                               const barks_function *merge,
                                               const barks_exchange_options *options,
                                               const char *where);

/* One of each row, compared by all fields. Option: .partitions. */
#define barks_distinct(...) BARKS_DISTINCT_(__VA_ARGS__, )
#define BARKS_DISTINCT_(rdd, ...)                                                                  \
    barks_distinct_at((rdd), (const char *)0, &(barks_exchange_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_distinct_at(barks_rdd *rdd, const char *keys,
                                       const barks_exchange_options *options, const char *where);

/**
 * Sorts: barks_sort_by(counts, "count desc, word"), each field with asc (default) or desc, and
 * nulls first or nulls last (default: nulls are the largest). Stable: equal rows keep their order.
 * The result is range-partitioned, so that the partitions, one after another, are the sorted rows.
 * Option: .partitions.
 *
 * Cost: reads the input twice, first for a sample that decides the ranges; of long files of text or
 *       of records of fixed length, pieces will do for that.
 */
#define barks_sort_by(rdd, ...) BARKS_SORT_BY_(rdd, __VA_ARGS__, )
#define BARKS_SORT_BY_(rdd, order, ...)                                                            \
    barks_sort_by_at((rdd), (order), &(barks_exchange_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_sort_by_at(barks_rdd *rdd, const char *order,
                                      const barks_exchange_options *options, const char *where);

/* ---- actions ---- */

/* The number of rows; -1 on an error. */
#define barks_count(rdd) barks_count_at((rdd), BARKS_HERE)
BARKS_API int64_t barks_count_at(barks_rdd *rdd, const char *where);

/**
 * All rows, in order, as an array of structs: struct word_count *rows = barks_collect(counts,
 * word_count, &n);
 *
 * The record may name some of the fields. NULL on an error; for no rows, not NULL.
 *
 * Ownership: the context's, until barks_finalize or barks_release.
 * Errors:    BARKS_LIMIT over --barks-collect-bytes-max (a quarter of the driver's memory).
 */
#define barks_collect(rdd, record, out_count)                                                      \
    ((struct record *)barks_take_at((rdd), INT64_MAX, &barks_record_##record, (out_count),         \
                                    BARKS_HERE))
/* The first n rows in order, or all where there are fewer. Runs no more partitions than it needs:
 * one, then four times as many; above an exchange one, then, where it has too few rows, all others,
 * for which what lies below the exchange is computed again. */
#define barks_take(rdd, n, record, out_count)                                                      \
    ((struct record *)barks_take_at((rdd), (n), &barks_record_##record, (out_count), BARKS_HERE))
BARKS_API void *barks_take_at(barks_rdd *rdd, int64_t n, const barks_record *record,
                              int64_t *out_count, const char *where);

/* The first n rows by an order as barks_sort_by takes it, without sorting all: barks_top(counts,
 * 10, "count desc", ...). */
#define barks_top(rdd, n, order, record, out_count)                                                \
    ((struct record *)barks_top_at((rdd), (n), (order), &barks_record_##record, (out_count),       \
                                   BARKS_HERE))
BARKS_API void *barks_top_at(barks_rdd *rdd, int64_t n, const char *order,
                             const barks_record *record, int64_t *out_count, const char *where);

/* Gives back what an action returned, before barks_finalize does. */
BARKS_API void barks_release(barks_context *context, const void *rows);

/**
 * All rows folded into one by a BARKS_REDUCE: struct total t; if (barks_reduce(rdd, add, &t)) ...
 *
 * False on an error; no rows are one ("empty dataset").
 *
 * Ownership: out is the caller's; its strings live until barks_finalize.
 * Errors:    BARKS_INVALID: no rows, *out is no struct of the function's record.
 */
#define barks_reduce(rdd, f, out)                                                                  \
    barks_reduce_at((rdd), BARKS_FUNCTION_OF(reduce, f), (out), sizeof *(out), BARKS_HERE)
BARKS_API bool barks_reduce_at(barks_rdd *rdd, const barks_function *function, void *out,
                               size_t out_bytes, const char *where);

/* Calls a BARKS_FOREACH on every row, on the executors, for its side effects. False on an error;
 * rows may then have been visited or not. */
#define barks_foreach(rdd, f, env)                                                                 \
    barks_foreach_at((rdd), BARKS_FUNCTION_OF(foreach, f), BARKS_ENV_OF(f, env), BARKS_HERE)
BARKS_API bool barks_foreach_at(barks_rdd *rdd, const barks_function *function, const void *env,
                                const char *where);

/* What becomes of an output that is there already. */
typedef enum barks_save_mode {
    BARKS_ERROR_IF_EXISTS = 0,
    BARKS_OVERWRITE, /* it is replaced, when the new one is complete */
    BARKS_APPEND,    /* new parts are added, all at once; their numbers go on. The file system must
                        have hard links */
    BARKS_IGNORE,    /* nothing is computed or written, and that is no error */
} barks_save_mode;

typedef struct barks_write_options {
    char first_;    /* for the macros: so that options can be left out */
    bool overwrite; /* the same as .mode = BARKS_OVERWRITE */
    barks_save_mode mode;
} barks_write_options;

/**
 * Writes a directory of part files, part-00000.csv and so on, one for each partition, and _SUCCESS.
 * The directory appears when all is written, or not at all.
 *
 * CSV has a header; quotes where needed; null is an empty field, an empty string is "". Text is one
 * str field, a row a line. Options: .overwrite, .mode. False on an error.
 *
 * Errors:    BARKS_INVALID (the output exists, fields that the format cannot hold), BARKS_IO,
 *            BARKS_LIMIT (disk full).
 */
#define barks_write_csv(rdd, ...) BARKS_WRITE_CSV_(rdd, __VA_ARGS__, )
#define BARKS_WRITE_CSV_(rdd, path, ...)                                                           \
    barks_write_at((rdd), "csv", (path), &(barks_write_options){0, __VA_ARGS__}, BARKS_HERE)
#define barks_write_text(rdd, ...) BARKS_WRITE_TEXT_(rdd, __VA_ARGS__, )
#define BARKS_WRITE_TEXT_(rdd, path, ...)                                                          \
    barks_write_at((rdd), "text", (path), &(barks_write_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API bool barks_write_at(barks_rdd *rdd, const char *format, const char *path,
                              const barks_write_options *options, const char *where);

/* The rest, by subject. */
#include "barks/action.h"
#include "barks/async.h"
#include "barks/explain.h"
#include "barks/group.h"
#include "barks/keyed.h"
#include "barks/order.h"
#include "barks/sample.h"
#include "barks/shared.h"
#include "barks/sink.h"
#include "barks/source.h"
#include "barks/sum.h"
#include "barks/transform.h"
#include "barks/within.h"
