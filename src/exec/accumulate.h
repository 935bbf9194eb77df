/* Values that bodies add to while tasks run. A task has one of each for each of its partitions; the
 * driver takes those of the attempts that count, in the order of the partitions, so that a value is
 * the same for any number of executors. */
#pragma once

#include "barks/function.h"
#include "barks/status.h"
#include "barks/sum.h"
#include "batch/batch.h"

#include <stdint.h>

struct packer;
struct unpacker;
struct pool;

enum accumulator_kind {
    ACCUMULATOR_SUM = 1, /* i64 */
    ACCUMULATOR_MIN,
    ACCUMULATOR_MAX,
    ACCUMULATOR_REAL, /* f64 sum */
    ACCUMULATOR_TEXTS,
    ACCUMULATOR_USER,     /* rows folded by a function of the user's */
    ACCUMULATOR_REAL_MIN, /* f64 */
    ACCUMULATOR_REAL_MAX,
    ACCUMULATOR_BAD, /* bad rows of a read, and as a text where the last of them stands */
};

/* 128 bits: a sum of any number of i64 is right in whatever order they come. */
__extension__ typedef __int128 accumulated_int;

/* What numbers become; begins with accumulated_number_of. */
struct accumulated_number {
    accumulated_int integer; /* SUM, MIN, MAX */
    struct barks_sum real;   /* REAL */
    double extreme;          /* REAL_MIN, REAL_MAX */
};
/* Of nothing. */
struct accumulated_number accumulated_number_of(enum accumulator_kind kind);
bool accumulated_number_is_empty(const struct accumulated_number *number,
                                 enum accumulator_kind kind); /* MIN, MAX: of nothing */
void accumulated_number_merge(struct accumulated_number *into, enum accumulator_kind kind,
                              const struct accumulated_number *from);

struct accumulated {
    uint64_t stage; /* set by whoever merges, as the next */
    uint32_t run;   /* several have the same partition where it is read in pieces */
    uint32_t partition;
    uint32_t id;
    enum accumulator_kind kind;
    struct accumulated_number number;
    const barks_function *function; /* USER */
    struct batch *rows;             /* TEXTS, BAD, USER: not folded yet; owned */
};

/* Begins as zeros, ends with accumulations_drop. Threads: one owner at a time. */
struct accumulations {
    struct accumulated *items; /* owned */
    uint32_t count, capacity;
    barks_status *failed; /* owned: the first failure */
    /* What the engine itself counts, for people: rows that each node of the pipeline gave. */
    uint64_t *step_rows; /* owned */
    uint32_t step_count;
    uint64_t task_ns;
};
void accumulations_drop(struct accumulations *all);

/* The value of id for the partition, made when it is new; NULL: without memory, which is noted. */
struct accumulated *accumulations_at(struct accumulations *all, uint32_t partition, uint32_t id,
                                     enum accumulator_kind kind);

/* Of any kind that takes numbers. */
void accumulated_add(struct accumulated *into, int64_t n);
void accumulated_add_real(struct accumulated *into, double x);
/* Rows of function->in (NULL: barks_text) are added, and folded when they are many. */
BARKS_CHECKED barks_status *accumulated_add_rows(struct accumulated *into, struct pool *pool,
                                                 const barks_record *record, const void *rows,
                                                 uint32_t row_count);
/* A USER value's rows become one: folded by its function, in their order. */
BARKS_CHECKED barks_status *accumulated_fold(struct accumulated *into);

/* As they travel; user functions by name. Errors: BARKS_NO_MEMORY, those of folding,
 * BARKS_BAD_INPUT.
 */
BARKS_CHECKED barks_status *accumulations_pack(struct accumulations *all, struct packer *out);
/* Adds to the items; the counts of the engine are those of the last one. */
BARKS_CHECKED barks_status *accumulations_unpack(struct unpacker *in, struct pool *pool,
                                                 uint64_t stage, uint32_t run,
                                                 struct accumulations *all);
