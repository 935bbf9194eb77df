/* Joins, sets, values changed under their keys; rows side by side, numbered, piped. */
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
    barks_choice broadcast; /* whether one side is sent whole to each executor, so that the other
                               need not be exchanged; left out: by size, see below */
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
 * right's; rows of the right alone come last. Options: .partitions, .right_keys, .broadcast.
 *
 * A small side is broadcast: sent whole, once, to each executor, and the big side stays where it
 * is, so that the result has its partitions, its partitioning and its order. That is so where the
 * input of the small side is known to be at most --barks-broadcast-join-bytes (of files their
 * sizes, compressed ones four times, of arrays their rows), the big side would have to be
 * exchanged, and .partitions is left out. Rows of the side that is kept whole are never broadcast:
 * so a left, semi or anti join may send the right, a right join the left, an inner join the smaller
 * of the two, a full join none. BARKS_ALWAYS does so whatever the sizes, BARKS_NEVER never does.
 *
 * Where a key has so many rows of the left (of the right in a right join, of the larger side in an
 * inner one) that they fill one and a half partitions or more, they are spread over several, and
 * the other side's rows of that key copied to each of these; the summary counts such keys. Then the
 * result is not partitioned by the keys. Rows are not spread where .partitions is given, where a
 * later step, planned before the first action, or barks_persist relies on the partitioning, nor in
 * full joins. A map partition decides by its first 4096 rows. After Flow-Join (Roediger and others,
 * ICDE 2016).
 *
 * The right side's rows of a partition are held. Where they do not fit a share of the memory, both
 * sides go to disk (--barks-scratch), as does the right's part of each pair, until pairs are in
 * order: so such a join wants the smaller side at its right, and room for its result.
 *
 * Errors:    BARKS_LIMIT: the rows of a side that is broadcast must fit the memory of each
 * executor, and what collect may bring to the driver. BARKS_IO: no room on the disk. BARKS_INVALID:
 *            BARKS_ALWAYS where it cannot be.
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
 * "user_id", add_country). A side that is missing is NULL. Options: .partitions, .right_keys, .env,
 * .broadcast.
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

/* Rows that are in both, each once, compared by all fields. Options: .partitions, .broadcast. */
#define barks_intersection(left, ...) BARKS_INTERSECTION_(left, __VA_ARGS__, )
#define BARKS_INTERSECTION_(left, right, ...)                                                      \
    barks_intersection_at((left), (right), &(barks_join_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_intersection_at(barks_rdd *left, barks_rdd *right,
                                           const barks_join_options *options, const char *where);

/* Rows of the left that the right does not have; duplicates stay. Options: .partitions, .broadcast.
 */
#define barks_subtract(left, ...) BARKS_SUBTRACT_(left, __VA_ARGS__, )
#define BARKS_SUBTRACT_(left, right, ...)                                                          \
    barks_subtract_at((left), (right), &(barks_join_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_subtract_at(barks_rdd *left, barks_rdd *right,
                                       const barks_join_options *options, const char *where);

/* Rows of the left whose keys the right does not have: barks_anti_join by another name. */
#define barks_subtract_by_key(left, right, ...) barks_anti_join(left, right, __VA_ARGS__)

/**
 * New values under the same keys: barks_map_values(ranks, "page", damp, NULL) has the keys, then
 * what the BARKS_MAP gives for each row (which may read the keys, and must not name them in its
 * out record). Partitioning by the keys is kept. barks_flat_map_values takes a BARKS_FLAT_MAP.
 */
#define barks_map_values(rdd, keys, f, env)                                                        \
    barks_map_values_at((rdd), (keys), BARKS_FUNCTION_OF(map, f), BARKS_ENV_OF(f, env), BARKS_HERE)
#define barks_flat_map_values(rdd, keys, f, env)                                                   \
    barks_map_values_at((rdd), (keys), BARKS_FUNCTION_OF(flat_map, f), BARKS_ENV_OF(f, env),       \
                        BARKS_HERE)
BARKS_API barks_rdd *barks_map_values_at(barks_rdd *rdd, const char *keys,
                                         const barks_function *function, const void *env,
                                         const char *where);

/* Calls a BARKS_MAP_PARTITIONS: with the whole of each partition, one batch after another. */
#define barks_map_partitions(rdd, f, env)                                                          \
    barks_apply_at((rdd), BARKS_FUNCTION_OF(map_partitions, f), BARKS_ENV_OF(f, env), BARKS_HERE)

/**
 * Row i of each partition of a with row i of b's: all fields of both, or what a BARKS_PAIR says.
 * Names that both have are an error.
 *
 * Errors:    BARKS_INVALID: not as many partitions; or, when it runs, not as many rows in one.
 */
#define barks_zip(a, b) barks_zip_at((a), (b), NULL, NULL, BARKS_HERE)
#define barks_zip_with(a, b, f, env)                                                               \
    barks_zip_at((a), (b), BARKS_FUNCTION_OF(pair, f), BARKS_ENV_OF(f, env), BARKS_HERE)
BARKS_API barks_rdd *barks_zip_at(barks_rdd *left, barks_rdd *right, const barks_function *function,
                                  const void *env, const char *where);

/**
 * Every row of a with every row of b. Partition i * p + j, p being b's number of partitions, has
 * the pairs of partition i of a with partition j of b, a's rows outermost. Each side is sent as
 * many times as the other has partitions. A partition of b that does not fit the memory is read
 * from disk once for each row of a's.
 *
 * Errors:    BARKS_INVALID: more than 65,536 pairs of partitions, names that both have.
 */
#define barks_cartesian(a, b) barks_cartesian_at((a), (b), NULL, NULL, BARKS_HERE)
#define barks_cartesian_with(a, b, f, env)                                                         \
    barks_cartesian_at((a), (b), BARKS_FUNCTION_OF(pair, f), BARKS_ENV_OF(f, env), BARKS_HERE)
BARKS_API barks_rdd *barks_cartesian_at(barks_rdd *left, barks_rdd *right,
                                        const barks_function *function, const void *env,
                                        const char *where);

/* The rows and, in a field (i64, name), their indices 0, 1, ... in the order of the dataset. Unless
 * it has one partition, a job counts the rows now. */
#define barks_zip_with_index(rdd, name) barks_zip_with_index_at((rdd), (name), BARKS_HERE)
BARKS_API barks_rdd *barks_zip_with_index_at(barks_rdd *rdd, const char *name, const char *where);
/* Row i of partition k of p has the number i * p + k. No job. */
#define barks_zip_with_unique_id(rdd, name) barks_zip_with_unique_id_at((rdd), (name), BARKS_HERE)
BARKS_API barks_rdd *barks_zip_with_unique_id_at(barks_rdd *rdd, const char *name,
                                                 const char *where);

/* Options of barks_pipe; what is left out is 0. */
typedef struct barks_pipe_options {
    char first_;                    /* for the macros: so that options can be left out */
    const char *const *argv;        /* the program, found by PATH, and its arguments, then NULL */
    const char *shell;              /* instead of argv: a command for /bin/sh */
    const char *const *environment; /* "NAME=value" beside those of the rank, then NULL; or NULL */
    const char *directory;          /* where it runs; NULL: where the rank does */
    double deadline_seconds;        /* for a partition; 0: any time */
} barks_pipe_options;

/**
 * Sends each partition through a process of its own: barks_pipe(lines, .shell = "tr a-z A-Z")
 * writes the rows, one str or bytes field, as lines to its input, and gives the lines of its output
 * as rows of barks_text. A partition without rows starts one too. It may read and write as it
 * likes, and stop reading early. When nobody wants its lines any more (enough rows, a cancelled
 * job, the deadline) it gets SIGTERM and half a second later SIGKILL, with its process group; when
 * the executor itself ends, however it does, SIGKILL.
 *
 * Errors:    BARKS_INVALID: rows of other fields, neither or both of .argv and .shell.
 *            BARKS_USER_ERROR, when it runs: an exit status that is not 0, a signal, the deadline;
 *            with the last that it wrote to its standard error.
 */
#define barks_pipe(rdd, ...) barks_pipe_at((rdd), &(barks_pipe_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_pipe_at(barks_rdd *rdd, const barks_pipe_options *options,
                                   const char *where);
