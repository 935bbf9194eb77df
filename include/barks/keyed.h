/* Transformations by key: joins, sets, values changed under their keys, samples by key. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"

/* Options of joins; what is left out is 0. */
typedef struct barks_join_options {
    char first_;         /* for the macros: so that options can be left out */
    uint32_t partitions; /* of the result; 0: as the side that is partitioned by the keys already,
                            or as the larger of the two */
    const char *right_keys; /* the right side's names of the keys; NULL: as the left's */
    const void *env;        /* of the function, or NULL */
} barks_join_options;

/* For the macros: kinds of joins. */
enum {
    BARKS_JOIN_INNER_ = 1,
    BARKS_JOIN_LEFT_,
    BARKS_JOIN_RIGHT_,
    BARKS_JOIN_FULL_,
    BARKS_JOIN_SEMI_,
    BARKS_JOIN_ANTI_
};

/**
 * Pairs of rows of equal keys: barks_join(orders, users, "user_id"), keys being "a" or "a, b", with
 * the same types on both sides.
 *
 * A row of the result has the keys, then the left's other fields, then the right's; two of one name
 * are an error that says what to do. barks_left_join has all rows of the left, with nulls where the
 * right has no partner; barks_right_join and barks_full_join likewise. barks_semi_join has the rows
 * of the left with a partner, barks_anti_join those without, each once. Keys compare as everywhere:
 * null = null, NaN = NaN, -0.0 = 0.0. The result is partitioned by the keys; what is partitioned so
 * already is not exchanged. In a partition rows are in the order of the left's, then of the
 * right's; rows of the right alone come last. Options: .partitions, .right_keys.
 *
 * Errors:    BARKS_LIMIT: the right side's rows of a partition are held and must fit the memory.
 */
#define barks_join(left, right, ...) BARKS_JOIN_(INNER_, left, right, __VA_ARGS__, )
#define barks_left_join(left, right, ...) BARKS_JOIN_(LEFT_, left, right, __VA_ARGS__, )
#define barks_right_join(left, right, ...) BARKS_JOIN_(RIGHT_, left, right, __VA_ARGS__, )
#define barks_full_join(left, right, ...) BARKS_JOIN_(FULL_, left, right, __VA_ARGS__, )
#define barks_semi_join(left, right, ...) BARKS_JOIN_(SEMI_, left, right, __VA_ARGS__, )
#define barks_anti_join(left, right, ...) BARKS_JOIN_(ANTI_, left, right, __VA_ARGS__, )
#define BARKS_JOIN_(kind, left, right, keys, ...)                                                  \
    barks_join_at((left), (right), (keys), BARKS_JOIN_##kind, NULL,                                \
                  &(barks_join_options){0, __VA_ARGS__}, BARKS_HERE)

/**
 * The same with a BARKS_PAIR that says what a pair becomes: barks_join_with(orders, users,
 * "user_id", add_country). A side that is missing is NULL. Options: .partitions, .right_keys, .env.
 */
#define barks_join_with(left, right, keys, ...)                                                    \
    BARKS_JOIN_WITH_(INNER_, left, right, keys, __VA_ARGS__, )
#define barks_left_join_with(left, right, keys, ...)                                               \
    BARKS_JOIN_WITH_(LEFT_, left, right, keys, __VA_ARGS__, )
#define barks_right_join_with(left, right, keys, ...)                                              \
    BARKS_JOIN_WITH_(RIGHT_, left, right, keys, __VA_ARGS__, )
#define barks_full_join_with(left, right, keys, ...)                                               \
    BARKS_JOIN_WITH_(FULL_, left, right, keys, __VA_ARGS__, )
#define BARKS_JOIN_WITH_(kind, left, right, keys, f, ...)                                          \
    barks_join_at((left), (right), (keys), BARKS_JOIN_##kind, BARKS_FUNCTION_OF(pair, f),          \
                  &(barks_join_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_join_at(barks_rdd *left, barks_rdd *right, const char *keys, int kind,
                                   const barks_function *function,
                                   const barks_join_options *options, const char *where);

/* Rows that are in both, each once, compared by all fields. Option: .partitions. */
#define barks_intersection(left, ...) BARKS_INTERSECTION_(left, __VA_ARGS__, )
#define BARKS_INTERSECTION_(left, right, ...)                                                      \
    barks_intersection_at((left), (right), &(barks_join_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_intersection_at(barks_rdd *left, barks_rdd *right,
                                           const barks_join_options *options, const char *where);

/* Rows of the left that the right does not have; duplicates stay. Option: .partitions. */
#define barks_subtract(left, ...) BARKS_SUBTRACT_(left, __VA_ARGS__, )
#define BARKS_SUBTRACT_(left, right, ...)                                                          \
    barks_subtract_at((left), (right), &(barks_join_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_subtract_at(barks_rdd *left, barks_rdd *right,
                                       const barks_join_options *options, const char *where);

/* Rows of the left whose keys the right does not have: barks_anti_join by another name. */
#define barks_subtract_by_key(left, right, ...) barks_anti_join(left, right, __VA_ARGS__)
