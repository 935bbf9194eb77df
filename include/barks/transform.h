/* Transformations that change what rows are, and where they lie. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"

/* ---- columns ---- */

/**
 * Some fields, in the order given, by new names where that is said: barks_select(trips, "day,
 * price as cost"). The rows are of no BARKS_RECORD; functions and actions that follow name the
 * fields that they want. Nothing is copied.
 *
 * Errors:    (sticky) BARKS_INVALID: no such field, two fields of one name.
 */
#define barks_select(rdd, fields) barks_select_at((rdd), (fields), BARKS_HERE)
BARKS_API barks_rdd *barks_select_at(barks_rdd *rdd, const char *fields, const char *where);
/* All fields but those: barks_drop(trips, "price, day"). */
#define barks_drop(rdd, fields) barks_drop_at((rdd), (fields), BARKS_HERE)
BARKS_API barks_rdd *barks_drop_at(barks_rdd *rdd, const char *fields, const char *where);
/* All fields, some by other names: barks_rename(trips, "price as cost"). */
#define barks_rename(rdd, fields) barks_rename_at((rdd), (fields), BARKS_HERE)
BARKS_API barks_rdd *barks_rename_at(barks_rdd *rdd, const char *fields, const char *where);
/**
 * All fields, and those that a BARKS_MAP makes of each row: barks_with_columns(trips, add_tax,
 * &env) where add_tax gives (f64, tax). A field that the rows have already is replaced where it
 * stands, also by one of another type; new ones come last. Where a field is left as it is, it is
 * not copied, and rows of equal keys in such fields stay together.
 *
 * Errors:    (sticky) BARKS_INVALID: the function wants a field that the rows lack.
 */
#define barks_with_columns(rdd, f, env)                                                            \
    barks_with_columns_at((rdd), BARKS_FUNCTION_OF(map, f), BARKS_ENV_OF(f, env), BARKS_HERE)
BARKS_API barks_rdd *barks_with_columns_at(barks_rdd *rdd, const barks_function *function,
                                           const void *env, const char *where);
/* The key fields alone, of every row; and the others alone. */
#define barks_keys(rdd, keys) barks_select_at((rdd), (keys), BARKS_HERE)
#define barks_values(rdd, keys) barks_drop_at((rdd), (keys), BARKS_HERE)

/* ---- functions ---- */

/* As barks_map, with your word that it leaves the key fields as they are: rows of equal keys that
 * lie together still do, and no exchange is made for them. */
#define barks_map_keeping(rdd, f, env)                                                             \
    barks_apply_keeping_at((rdd), BARKS_FUNCTION_OF(map, f), BARKS_ENV_OF(f, env), BARKS_HERE)
BARKS_API barks_rdd *barks_apply_keeping_at(barks_rdd *rdd, const barks_function *function,
                                            const void *env, const char *where);

/* Rows with fields before their own that a BARKS_MAP makes of them: barks_key_by(visits, to_day,
 * NULL) where to_day gives (i64, day). Its field names must be new. */
#define barks_key_by(rdd, f, env)                                                                  \
    barks_key_by_at((rdd), BARKS_FUNCTION_OF(map, f), BARKS_ENV_OF(f, env), BARKS_HERE)
BARKS_API barks_rdd *barks_key_by_at(barks_rdd *rdd, const barks_function *function,
                                     const void *env, const char *where);

/* ---- duplicates ---- */

/* The first row of each key, in the order of the rows: barks_distinct_by(visits, "user, day").
 * Option: .partitions. */
#define barks_distinct_by(rdd, ...) BARKS_DISTINCT_BY_(rdd, __VA_ARGS__, )
#define BARKS_DISTINCT_BY_(rdd, keys, ...)                                                         \
    barks_distinct_at((rdd), (keys), &(barks_exchange_options){0, __VA_ARGS__}, BARKS_HERE)

/* ---- aggregates ---- */

/**
 * One row for each key, of aggregates that are told in words: barks_aggregate(trips, "day",
 * "count() as trips, sum(price) as total, avg(price), max(tip), first(driver)").
 *
 * The result has the key fields and one for each aggregate, named as it says or "avg_price".
 * count() counts rows, count(field) values that are not null; the others leave nulls out, and are
 * null where nothing else is there; but for first and last, which give the value of the first or
 * last row of the key, in the order of the rows, whatever it is. sum of integers is an i64, and one
 * that is beyond it fails the job; sum and avg of floats are f64, exact until they are rounded once
 * at the end, so that they are the same on any number of ranks. min and max go by the order of
 * sorting. list gives the values that are not null, in the order of the rows, as a list; a list of
 * none is empty. approx_count_distinct(a, b, 0.01) is about how many rows differ in up to eight
 * fields (null is a value), with the relative standard deviation given, 0.0006 to 0.26 (left out:
 * 0.05); exact up to 256. Rows are combined before they are exchanged. Option: .partitions.
 *
 * Without keys (NULL or "") there is one row for all, also of no rows: count is then 0, the others
 * are null.
 *
 * Errors:    (sticky) BARKS_INVALID: not such words, no such field, a sum of texts.
 */
#define barks_aggregate(rdd, keys, ...) BARKS_AGGREGATE_COLUMNS_(rdd, keys, __VA_ARGS__, )
#define BARKS_AGGREGATE_COLUMNS_(rdd, keys, aggregates, ...)                                       \
    barks_aggregate_at((rdd), (keys), (aggregates), &(barks_exchange_options){0, __VA_ARGS__},     \
                       BARKS_HERE)
BARKS_API barks_rdd *barks_aggregate_at(barks_rdd *rdd, const char *keys, const char *aggregates,
                                        const barks_exchange_options *options, const char *where);

/* As barks_reduce_by_key, but every accumulator begins as .initial (or zeros) with the key filled
 * in, and then all rows are folded. .initial must be neutral: there is one for each key in many
 * places. Options: .partitions, .env, .initial. */
#define barks_fold_by_key(rdd, keys, ...) BARKS_FOLD_BY_KEY_(rdd, keys, __VA_ARGS__, )
#define BARKS_FOLD_BY_KEY_(rdd, keys, f, ...)                                                      \
    barks_fold_by_key_at((rdd), (keys), BARKS_FUNCTION_OF(reduce, f),                              \
                         &(barks_exchange_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_fold_by_key_at(barks_rdd *rdd, const char *keys,
                                          const barks_function *function,
                                          const barks_exchange_options *options, const char *where);

/* Each row becomes an accumulator by a BARKS_MAP, and those of a key are merged by a BARKS_REDUCE:
 * barks_combine_by_key(readings, "sensor", to_range, widen). Options: .partitions, .env of the map,
 * .merge_env of the reduce. */
#define barks_combine_by_key(rdd, keys, create, ...)                                               \
    BARKS_COMBINE_BY_KEY_(rdd, keys, create, __VA_ARGS__, )
#define BARKS_COMBINE_BY_KEY_(rdd, keys, create, merge, ...)                                       \
    barks_combine_by_key_at((rdd), (keys), BARKS_FUNCTION_OF(map, create),                         \
                            BARKS_FUNCTION_OF(reduce, merge),                                      \
                            &(barks_exchange_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_combine_by_key_at(barks_rdd *rdd, const char *keys,
                                             const barks_function *create,
                                             const barks_function *merge,
                                             const barks_exchange_options *options,
                                             const char *where);

/* About how many rows of each key differ in other fields, as rows of the keys and (i64, count):
 * barks_count_approx_distinct_by_key(visits, "page", "user", 0.05). As approx_count_distinct of
 * barks_aggregate. Option: .partitions. */
#define barks_count_approx_distinct_by_key(rdd, keys, fields, ...)                                 \
    BARKS_COUNT_DISTINCT_BY_KEY_(rdd, keys, fields, __VA_ARGS__, )
#define BARKS_COUNT_DISTINCT_BY_KEY_(rdd, keys, fields, deviation, ...)                            \
    barks_count_approx_distinct_by_key_at((rdd), (keys), (fields), (deviation),                    \
                                          &(barks_exchange_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_count_approx_distinct_by_key_at(barks_rdd *rdd, const char *keys,
                                                           const char *fields, double deviation,
                                                           const barks_exchange_options *options,
                                                           const char *where);

/* ---- where rows lie ---- */

/**
 * Rows of equal keys in one partition, chosen by the hash of the keys' values: barks_partition_by(
 * links, "page", .partitions = 16). What follows by these keys (a reduce, a join with rows that are
 * partitioned likewise) needs no exchange; keep the dataset (barks_cache) where it is used often.
 * Nothing is done for rows that lie so already. Rows keep their order in a partition: by the
 * partition that they come from, then as there. Option: .partitions.
 *
 * Errors:    (sticky) BARKS_INVALID: no such field, too many partitions.
 */
#define barks_partition_by(rdd, ...) BARKS_PARTITION_BY_(rdd, __VA_ARGS__, )
#define BARKS_PARTITION_BY_(rdd, keys, ...)                                                        \
    barks_partition_by_at((rdd), (keys), &(barks_exchange_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_partition_by_at(barks_rdd *rdd, const char *keys,
                                           const barks_exchange_options *options,
                                           const char *where);
/* The same by ranges of an order as barks_sort_by takes it, found from a sample; inside a partition
 * rows are in no order. */
#define barks_partition_by_range(rdd, ...) BARKS_PARTITION_BY_RANGE_(rdd, __VA_ARGS__, )
#define BARKS_PARTITION_BY_RANGE_(rdd, order, ...)                                                 \
    barks_partition_by_range_at((rdd), (order), &(barks_exchange_options){0, __VA_ARGS__},         \
                                BARKS_HERE)
BARKS_API barks_rdd *barks_partition_by_range_at(barks_rdd *rdd, const char *order,
                                                 const barks_exchange_options *options,
                                                 const char *where);
/* The same by a function of yours, a BARKS_PARTITION, which gives each row the number of its
 * partition, from 0 to below .partitions; another number fails the job with that row. Options:
 * .partitions, .env. */
#define barks_partition_with(rdd, ...) BARKS_PARTITION_WITH_(rdd, __VA_ARGS__, )
#define BARKS_PARTITION_WITH_(rdd, f, ...)                                                         \
    barks_partition_with_at((rdd), BARKS_FUNCTION_OF(partition, f),                                \
                            &(barks_exchange_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_partition_with_at(barks_rdd *rdd, const barks_function *function,
                                             const barks_exchange_options *options,
                                             const char *where);

/* Rows dealt evenly to so many partitions, in turn. */
#define barks_repartition(rdd, partitions) barks_repartition_at((rdd), (partitions), BARKS_HERE)
BARKS_API barks_rdd *barks_repartition_at(barks_rdd *rdd, uint32_t partition_count,
                                          const char *where);
/* Fewer partitions, each of neighbours one after another, in order; more are never made. Without an
 * exchange, but for rows that come through one or are kept, which lie where they are: those move
 * once. barks_coalesce_with_shuffle deals them evenly instead. */
#define barks_coalesce(rdd, partitions) barks_coalesce_at((rdd), (partitions), BARKS_HERE)
#define barks_coalesce_with_shuffle(rdd, partitions) barks_repartition((rdd), (partitions))
BARKS_API barks_rdd *barks_coalesce_at(barks_rdd *rdd, uint32_t partition_count, const char *where);

/* barks_partition_by, and each partition sorted: barks_repartition_and_sort(clicks, "user", "user,
 * time"). Rows that lie so already are only sorted. Option: .partitions. */
#define barks_repartition_and_sort(rdd, keys, ...)                                                 \
    BARKS_REPARTITION_AND_SORT_(rdd, keys, __VA_ARGS__, )
#define BARKS_REPARTITION_AND_SORT_(rdd, keys, order, ...)                                         \
    barks_repartition_and_sort_at((rdd), (keys), (order),                                          \
                                  &(barks_exchange_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_repartition_and_sort_at(barks_rdd *rdd, const char *keys,
                                                   const char *order,
                                                   const barks_exchange_options *options,
                                                   const char *where);

/* ---- what a dataset is ---- */

/* Names it, for people: progress, errors, barks_explain. Returns rdd. */
BARKS_API barks_rdd *barks_set_name(barks_rdd *rdd, const char *name);
/* 0 where it bears an error. */
BARKS_API uint32_t barks_partition_count(const barks_rdd *rdd);
/* "word str, count i64, price f64?": the fields of its rows, ? where they may be null. NULL where
 * it bears an error. Ownership: the context's, until barks_finalize or barks_release. */
BARKS_API const char *barks_schema_text(barks_rdd *rdd);
