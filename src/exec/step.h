/* What a step of a plan does: the same in the lineage and in the pipelines cut from it. */
#pragma once

#include "barks/function.h"
#include "barks/status.h"
#include "batch/batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct packer;
struct unpacker;
struct pool;

enum { FUNCTION_BATCH_ROWS_MAX = 1 << 24 };
enum { STEP_INPUTS_MAX = 4 }; /* of steps that pair partitions; a union has any number */

enum step_kind {
    STEP_NONE = 0,
    /* Leaves. */
    STEP_FILES,   /* rows of the splits that the task's payload lists; texts[0]: the format, NULL:
                     text; bytes: its options */
    STEP_ROWS,    /* rows that the task's payload holds, encoded */
    STEP_NUMBERS, /* numbers[0] + i * numbers[1], i below numbers[2], of all partitions together */
    STEP_CUSTOM,  /* rows that function, a source, makes of the splits in the payload */
    STEP_SHUFFLE, /* pipelines only: a reduce partition */
    STEP_BROADCAST, /* rows that all executors hold, under the number numbers[0]; 0: not sent yet.
                       Read by no partition: LOOKUP finds them. In the lineage it has an input */
    STEP_KEPT,      /* partitions that executors keep, under the number numbers[0], and nobody else
                       can make: where they are, is where they must be read */
    /* Of one input, partition p from partition p. */
    STEP_FUNCTION, /* map, flat_map, filter, map_batches, map_partitions; columns[0]: of the input,
                      carried along before those that the function gives; numbers[0]: map_batches:
                      rows of a batch, 0: any; numbers[1]: 1: of all partitions at once, numbers[2]:
                      1: on an executor each */
    STEP_COMBINE,  /* accumulators by key; no keys: one for the partition. function: rows into
                      accumulators, NULL: distinct; numbers[0]: 1: there is one for an empty
                      partition too; numbers[1]: 1: a reduce begins with initial as well; numbers[2]:
                      1: the order of the rows counts; numbers[3]: 1: built-in aggregates, whose
                      accumulators, of initial_record, end as rows of record */
    STEP_SORT,     /* by order, or by function, stable; numbers[0]: 1: by function, descending;
                      numbers[1]: 1: by order, of rows that lie in runs that are sorted */
    STEP_PROJECT,  /* columns[0] of the input, under the names of record */
    STEP_SAMPLE,   /* numbers: seed, kind; reals: fraction, or the range [low, high) */
    STEP_NUMBER,   /* adds an i64; numbers[0]: kind; bytes: first index of each partition */
    STEP_GROUP,    /* rows of equal keys become lists, or calls of a BARKS_GROUP */
    STEP_GLOM,     /* the partition becomes one row of lists */
    STEP_PIPE,     /* texts: the program and its arguments; bytes: how it is run */
    STEP_KEEP,     /* passes rows on and keeps them; numbers: dataset, level; columns[0]: as which
                      of the dataset's partitions, none: as they are numbered */
    STEP_BOUND,    /* rows whose keys[0] do not come before initial_rows' one; numbers[0]: 1: do not
                      come after it */
    STEP_HEADS,    /* the first rows, for partitions before whose windows reach them, and the number
                      of that partition; numbers, bytes: as of WINDOWS */
    STEP_SCAN,     /* fields that function, a reduce, sees become running values; numbers[0]: 1: of
                      the rows before; bytes: encoded, the values where partitions begin, from
                      partition numbers[1] on; initial: the first value */
    STEP_INDEX,    /* one row for each index, of keys[0], or one call of function, a group;
                      numbers[0]: how many there are; initial_rows: the row of those that have none */
    STEP_PROBE,    /* terminals only: rows that equal initial_rows' one in keys[0] */
    /* Of one input, other partitions of it. */
    STEP_COALESCE, /* partition p from partitions [columns[0][p], columns[0][p + 1]) */
    STEP_PICK,     /* partition p from partition columns[0][p]; numbers[0]: 1: some are read twice.
                      Of an exchange to one partition each: p goes to columns[0][p] */
    /* Of several. */
    STEP_UNION,   /* the inputs' partitions one after another; numbers[0]: 1: partition p from
                     partition p of each */
    STEP_PAIR,    /* row i of input 0 with row i of input 1; columns[0], columns[1]: of each, that
                     make the output where there is no function; numbers[0]: enum zip_kind */
    STEP_JOIN,    /* numbers[0]: enum join_kind; keys[k]: of input k; columns: as of PAIR;
                     numbers[2]: 1: the output begins with the keys */
    STEP_LOOKUP,  /* as JOIN; numbers[1]: the input that streams by; the other is a BROADCAST, and
                     partition p is made of partition p of the first alone */
    STEP_WINDOWS, /* function, a group, over windows of rows; input 1, which may be left out, has
                     the rows behind each partition that its windows reach; numbers: width, step,
                     whether the last one may be partial; bytes: places of the partitions' first
                     rows and the number of rows, NULL: there is one partition */
    STEP_COGROUP, /* keys[k]: of input k; no keys: the whole partition is one group */
    STEP_CROSS,   /* every row of input 0 with every row of input 1; partition i * p1 + j from
                     partition i of input 0 and j of input 1, where these are so numbered already */
    /* Lineage only: becomes a shuffle between two stages. */
    STEP_EXCHANGE,
};

/* Of a partition with more rows on one side: an error, left out, paired with nulls. */
enum zip_kind { ZIP_EXACT = 0, ZIP_SHORTEST, ZIP_LONGEST };

enum join_kind { JOIN_INNER = 1, JOIN_LEFT, JOIN_RIGHT, JOIN_FULL, JOIN_SEMI, JOIN_ANTI };

struct index_list {
    uint32_t *items; /* owned */
    uint32_t count;
};

/* All that is not of the kind is zero. Begins zeroed, ends with step_drop. Immutable once made. */
struct step {
    enum step_kind kind;
    const barks_function *function;
    void *env;                   /* of function; owned */
    const barks_function *merge; /* the second function: accumulators into accumulators */
    void *merge_env;             /* owned */
    const barks_record *initial_record;
    struct batch *initial_rows; /* one row, from which initial is made; owned */
    void *initial;              /* a struct of initial_record; owned; its strings lie in
                                   initial_rows */
    struct index_list keys[STEP_INPUTS_MAX];    /* key columns of input k; COMBINE: fields of the
                                                   accumulator */
    struct index_list columns[STEP_INPUTS_MAX]; /* other columns, by kind */
    struct sort_key *order;                     /* owned */
    uint32_t order_count;
    int64_t numbers[4];
    double reals[4];
    char **texts; /* owned, each of them too */
    uint32_t text_count;
    uint8_t *bytes; /* owned */
    size_t size_bytes;
    bool keeps_keys; /* rows of equal keys stay together: the user's word, or what we know */
};

/* Deep copies. Errors: BARKS_NO_MEMORY, those of pool_acquire. *out is zeroed on failure. */
BARKS_CHECKED barks_status *step_copy(const struct step *from, struct step *out);
void step_drop(struct step *step); /* zeroes it; twice is fine */

/* Functions and records travel by name. Errors of unpacking: BARKS_BAD_INPUT (not such bytes),
 * BARKS_INVALID (a function or record that this rank does not know), BARKS_NO_MEMORY; out is then
 * half filled, and for step_drop. */
void step_pack(struct packer *out, const struct step *step);
BARKS_CHECKED barks_status *step_unpack(struct unpacker *in, struct pool *pool, struct step *out);

/* Sets initial and what it needs to a copy of *initial, a struct of record. Errors: as
 * rows_to_batch, BARKS_INVALID (a derived record). */
BARKS_CHECKED barks_status *step_set_initial(struct step *step, const barks_record *record,
                                             const void *initial, struct pool *pool);

bool step_is_leaf(enum step_kind kind);
/* 0: a leaf; 1; 2: just two; STEP_INPUTS_MAX: two to four; UINT32_MAX: any number. */
uint32_t step_inputs_max(enum step_kind kind);
const char *step_kind_name(enum step_kind kind); /* "map" of functions, "join", ... */

BARKS_CHECKED barks_status *index_list_copy(const uint32_t *items, uint32_t count,
                                            struct index_list *out);
void index_list_drop(struct index_list *list);
bool index_list_equal(const struct index_list *a, const struct index_list *b);
