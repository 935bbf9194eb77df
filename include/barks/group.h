/* Rows of equal keys together: as lists, or handed to functions one group after another. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"

/* Options of groups; what is left out is 0. */
typedef struct barks_group_options {
    char first_;            /* for the macros: so that options can be left out */
    uint32_t partitions;    /* of the result; 0: as the input, at most --barks-partitions-max */
    const char *order;      /* of the rows in a group, as of barks_sort_by; NULL: as they were.
                               Groups of one dataset only */
    const char *other_keys; /* cogroups: the keys' names in all datasets but the first; NULL: as
                               there */
    const void *env;        /* of the function, or NULL */
} barks_group_options;

/**
 * One row for each key: barks_group_by_key(visits, "user") has the keys, and for each other field a
 * list of its values, all in one order: that of the dataset, or of .order.
 *
 * Fields that may be null cannot be in lists: barks_drop leaves them out, barks_group_with sees
 * them. To reduce, barks_reduce_by_key and barks_aggregate_by_key hold far less. In a partition the
 * keys ascend. Options: .partitions, .order.
 *
 * Errors:    BARKS_LIMIT: the list of one key must fit the memory; the failure says which.
 */
#define barks_group_by_key(rdd, ...) BARKS_GROUP_BY_KEY_(rdd, __VA_ARGS__, )
#define BARKS_GROUP_BY_KEY_(rdd, keys, ...)                                                        \
    barks_group_at((rdd), (keys), NULL, &(barks_group_options){0, __VA_ARGS__}, BARKS_HERE)

/**
 * Calls a BARKS_GROUP for each key: barks_group_with(clicks, "user", to_sessions, .order = "time").
 * Groups come by ascending keys; no list is made, and no group has to fit the memory. Options:
 * .partitions, .order, .env.
 */
#define barks_group_with(rdd, keys, ...) BARKS_GROUP_WITH_(rdd, keys, __VA_ARGS__, )
#define BARKS_GROUP_WITH_(rdd, keys, f, ...)                                                       \
    barks_group_at((rdd), (keys), BARKS_FUNCTION_OF(group, f),                                     \
                   &(barks_group_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_group_at(barks_rdd *rdd, const char *keys,
                                    const barks_function *function,
                                    const barks_group_options *options, const char *where);

/**
 * Calls a BARKS_COGROUP for each key that any of the datasets has: barks_cogroup(orders, users,
 * "user_id", f), with the rows of each in the order of that dataset. What is partitioned by the
 * keys already is not exchanged. Options: .partitions, .other_keys, .env.
 */
#define barks_cogroup(a, b, keys, ...)                                                             \
    BARKS_COGROUP_BY_(((barks_rdd *const[]){(a), (b)}), 2, keys, __VA_ARGS__, )
#define barks_cogroup3(a, b, c, keys, ...)                                                         \
    BARKS_COGROUP_BY_(((barks_rdd *const[]){(a), (b), (c)}), 3, keys, __VA_ARGS__, )
#define barks_cogroup4(a, b, c, d, keys, ...)                                                      \
    BARKS_COGROUP_BY_(((barks_rdd *const[]){(a), (b), (c), (d)}), 4, keys, __VA_ARGS__, )
#define BARKS_COGROUP_BY_(rdds, count, keys, f, ...)                                               \
    barks_cogroup_at(rdds, count, (keys), BARKS_FUNCTION_OF(cogroup, f),                           \
                     &(barks_group_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_cogroup_at(barks_rdd *const *rdds, uint32_t count, const char *keys,
                                      const barks_function *function,
                                      const barks_group_options *options, const char *where);

/* Calls a BARKS_COGROUP once for each partition, with all rows of partition i of each dataset; they
 * must have as many partitions. */
#define barks_zip_partitions(a, b, f, env)                                                         \
    barks_zip_partitions_at((barks_rdd *const[]){(a), (b)}, 2, BARKS_FUNCTION_OF(cogroup, f),      \
                            BARKS_ENV_OF(f, env), BARKS_HERE)
#define barks_zip_partitions3(a, b, c, f, env)                                                     \
    barks_zip_partitions_at((barks_rdd *const[]){(a), (b), (c)}, 3, BARKS_FUNCTION_OF(cogroup, f), \
                            BARKS_ENV_OF(f, env), BARKS_HERE)
#define barks_zip_partitions4(a, b, c, d, f, env)                                                  \
    barks_zip_partitions_at((barks_rdd *const[]){(a), (b), (c), (d)}, 4,                           \
                            BARKS_FUNCTION_OF(cogroup, f), BARKS_ENV_OF(f, env), BARKS_HERE)
BARKS_API barks_rdd *barks_zip_partitions_at(barks_rdd *const *rdds, uint32_t count,
                                             const barks_function *function, const void *env,
                                             const char *where);

/* One row for each partition: for each field a list of its values, empty where there are no rows.
 * The rows of a partition must fit the memory, or are BARKS_LIMIT. */
#define barks_glom(rdd) barks_glom_at((rdd), BARKS_HERE)
BARKS_API barks_rdd *barks_glom_at(barks_rdd *rdd, const char *where);
