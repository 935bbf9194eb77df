/* Values that the tasks of a job share: accumulators, which tasks add to and the driver reads, and
 * broadcast values, which the driver makes and tasks read. And what a body may ask of its task.
 *
 * Handles are small structs without pointers, made to be put into the env of a function:
 *
 *     struct tools { barks_broadcast prices; barks_accumulator unknown; };
 *     BARKS_FLAT_MAP(add_price, sale, priced, struct tools)
 *     {
 *         int64_t count;
 *         const struct price *prices = barks_shared_rows(env->prices, price, &count);
 *         ...
 *         barks_add(env->unknown, 1);
 *     }
 *
 * What holds for every call here, where nothing else is said:
 *
 * Errors:    calls of the driver that fail print one sentence and decide the exit status, as
 *            actions do; in a body a failure ends the task.
 * Threads:   driver: the one that called barks_init. In bodies: the body's; on the driver, where
 *            the accumulators of partitions are folded, they do nothing. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"

/* ---- accumulators ---- */

/* {0} is none: adding to it does nothing. */
typedef struct barks_accumulator {
    uint32_t id;
    uint32_t kind;
} barks_accumulator;

/**
 * Accumulators, named for the summary: a sum of int64_t, their least or greatest, a sum of doubles
 * that does not depend on the order of the terms, their least or greatest (NaN is the largest), a
 * list of strings. A mean is a sum divided by a counter. Names need not differ.
 *
 * A sum is exact in any order. One that ends beyond an int64_t is the nearest that there is,
 * INT64_MAX or INT64_MIN, which a warning says with the true value, as the summary does.
 *
 * Values of attempts that failed, or ran twice, never count. Each action counts what it computes:
 * a function of a transformation counts again when its dataset is computed again, by another action
 * or for a second reader, unless the dataset is cached. What a sort samples is not counted.
 *
 * Errors:    BARKS_LIMIT, BARKS_NO_MEMORY: the accumulator is then none.
 */
BARKS_API barks_accumulator barks_counter(barks_context *context, const char *name);
BARKS_API barks_accumulator barks_least(barks_context *context, const char *name);
BARKS_API barks_accumulator barks_greatest(barks_context *context, const char *name);
BARKS_API barks_accumulator barks_real_sum(barks_context *context, const char *name);
BARKS_API barks_accumulator barks_real_least(barks_context *context, const char *name);
BARKS_API barks_accumulator barks_real_greatest(barks_context *context, const char *name);
BARKS_API barks_accumulator barks_text_list(barks_context *context, const char *name);
/* Of a record of the user's, merged by his BARKS_REDUCE f (without env): begins as *zero. */
#define barks_accumulator_of(context, name, f, zero)                                               \
    barks_accumulator_of_at((context), (name), BARKS_FUNCTION_OF(reduce, f), (zero),               \
                            sizeof *(zero), BARKS_HERE)
BARKS_API barks_accumulator barks_accumulator_of_at(barks_context *context, const char *name,
                                                    const barks_function *function,
                                                    const void *zero, size_t zero_bytes,
                                                    const char *where);

/* In bodies. Numbers: any kind but lists and records; one of the other kind is converted, and not
 * added where the accumulator is of integers and x is a double. */
BARKS_API void barks_add(barks_accumulator accumulator, int64_t n);
BARKS_API void barks_add_real(barks_accumulator accumulator, double x);
BARKS_API void barks_add_text(barks_accumulator accumulator, barks_str text); /* is copied */
/* *row is a struct of f's record, and is copied. */
#define barks_accumulate(accumulator, f, row)                                                      \
    barks_accumulate_at((accumulator), BARKS_FUNCTION_OF(reduce, f), 1 ? (row) : (__typeof__(row))0)
BARKS_API void barks_accumulate_at(barks_accumulator accumulator, const barks_function *function,
                                   const void *row);

/* Between actions, on the driver: what the actions that succeeded have added. Of least and greatest
 * of nothing INT64_MAX and INT64_MIN, or infinity and -infinity. */
BARKS_API int64_t barks_counter_value(barks_context *context, barks_accumulator accumulator);
BARKS_API double barks_real_value(barks_context *context, barks_accumulator accumulator);
/* In the order of partitions and rows. Ownership: the context's, until the next action. */
BARKS_API const barks_str *barks_texts_value(barks_context *context, barks_accumulator accumulator,
                                             int64_t *out_count);
/* A struct of the record; its strings are the context's until the next action. False on an error.
 */
#define barks_accumulator_value(context, accumulator, out)                                         \
    barks_accumulator_value_at((context), (accumulator), (out), sizeof *(out), BARKS_HERE)
BARKS_API bool barks_accumulator_value_at(barks_context *context, barks_accumulator accumulator,
                                          void *out, size_t out_bytes, const char *where);

/* ---- broadcast values ---- */

typedef struct barks_broadcast {
    uint64_t id; /* 0: none */
} barks_broadcast;

/**
 * Sends an array of a record's structs to all executors, once, through a tree of them; each keeps
 * one copy until barks_destroy, or barks_finalize. Returns when all have it.
 *
 * Ownership: the array is copied.
 * Errors:    BARKS_LIMIT: an executor has no room. The value is then none, and a body that asks
 *            for it fails.
 */
#define barks_broadcast_rows(context, record, rows, count)                                         \
    barks_broadcast_at((context), &barks_record_##record, 1 ? (rows) : (const struct record *)0,   \
                       (count), BARKS_HERE)
BARKS_API barks_broadcast barks_broadcast_at(barks_context *context, const barks_record *record,
                                             const void *rows, size_t row_count, const char *where);
/* The rows of a dataset, brought to the driver (within --barks-collect-bytes-max) and sent: what
 * MPI calls an all-gather. */
#define barks_broadcast_rdd(rdd) barks_broadcast_rdd_at((rdd), BARKS_HERE)
BARKS_API barks_broadcast barks_broadcast_rdd_at(barks_rdd *rdd, const char *where);

/* All rows folded into one by a BARKS_REDUCE, as barks_reduce does, and sent to all executors: what
 * MPI calls an all-reduce. A body has it by barks_shared_rows, one row of the function's record. No
 * rows are an error, as of barks_reduce. */
#define barks_all_reduce(rdd, f)                                                                   \
    barks_all_reduce_at((rdd), BARKS_FUNCTION_OF(reduce, f), BARKS_HERE)
BARKS_API barks_broadcast barks_all_reduce_at(barks_rdd *rdd, const barks_function *function,
                                              const char *where);

/* Frees it on all executors. A body that asks for it later fails. */
BARKS_API void barks_destroy(barks_context *context, barks_broadcast broadcast);

/**
 * In a body: the rows, as an array of structs of a record that names some of their fields. The
 * array is made once an executor; asking is cheap, but not free: once a batch or group is better
 * than once a row.
 *
 * Ownership: the engine's; good while the body runs.
 * Errors:    NULL, and the task fails: the value was destroyed, or has not those fields.
 */
#define barks_shared_rows(broadcast, record, out_count)                                            \
    ((const struct record *)barks_shared_rows_at((broadcast), &barks_record_##record, (out_count)))
BARKS_API const void *barks_shared_rows_at(barks_broadcast broadcast, const barks_record *record,
                                           int64_t *out_count);

/* ---- files ---- */

/**
 * Sends a file, or a directory with all in it, to all executors, once, through a tree of them, so
 * that a body finds it on a disk of its node: barks_ship(context, "models/cat.bin") and, in the
 * body, barks_shipped("cat.bin"). Returns when all have it; false on an error.
 *
 * It is known by the last part of path. Permissions are kept, so that a program can be run; links
 * inside a directory stay links. The copies lie in a directory of the executor's in --barks-scratch
 * that is removed by barks_finalize, also of a job that failed (not by kill -9). Programs of
 * barks_pipe are looked for there first, and find the directory in $BARKS_SHIPPED.
 *
 * Errors:    BARKS_INVALID: the name was shipped already, a device; BARKS_IO: it cannot be read, or
 *            written by an executor; BARKS_LIMIT: an executor's disk is full. Nothing of it stays.
 */
#define barks_ship(context, path) barks_ship_at((context), (path), BARKS_HERE)
BARKS_API bool barks_ship_at(barks_context *context, const char *path, const char *where);

/**
 * In a body: the path, on this executor, of what was shipped by that name; it is to be read only.
 * On the driver, where it was shipped from.
 *
 * Ownership: the engine's, until barks_finalize.
 * Errors:    NULL: nothing was shipped by that name; in a body, the task fails.
 */
BARKS_API const char *barks_shipped(const char *name);

/* ---- the task ---- */

/* In a body: the task that runs; its number of the partition is task->partition. NULL on the
 * driver. */
BARKS_API barks_task_info *barks_task(void);

/* In a body: where the rows come from, for messages: "rows from byte 17 of 'x'"; what does not come
 * from a file says so. NULL on the driver. Ownership: the engine's, until the body returns. */
BARKS_API const char *barks_place(void);

/* In a body that takes long: whether nobody wants its task's result any more, so that it may
 * return at once. Who does not ask, and goes on, occupies a worker, and may cost its executor
 * (docs/faults.md). False on the driver. */
BARKS_API bool barks_cancelled(void);

/* In a body: the seconds that are left of the job's time: of --barks-time-limit, from its start, or
 * what Slurm says (SLURM_JOB_END_TIME), whichever is less; infinite without both, 0 when it is
 * over, when the job is ended. It is for who would rather stop in time. */
BARKS_API double barks_seconds_left(void);

/* In a body: uniform in [0, 1). The numbers follow from --barks-seed, the partition and how many
 * were drawn in it: the same on any number of executors. (Where tasks share a large partition,
 * --barks-large-partitions, each draws numbers of its own.) */
BARKS_API double barks_random(void);
