/* The lineage of datasets, at the driver: one node for each step that was asked for. */
#pragma once

#include "barks/function.h"
#include "barks/status.h"
#include "batch/batch.h"
#include "exec/pipeline.h"
#include "plan/partitioning.h"
#include "shuffle/partition.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct custom_splits;
struct fingerprint;
struct listing;
struct split_plan;

/* STEP_EXCHANGE: how rows leave one stage and enter the next. */
struct exchange_plan {
    enum partitioner_kind kind;
    struct index_list keys; /* HASH, INDEX: columns of the rows that travel; owned */
    uint64_t index_count;   /* INDEX */
    struct sort_key *order; /* RANGE; owned */
    uint32_t order_count;
    struct batch *splitters; /* RANGE: found by sampling, once for the node's life; owned */
    struct step step;        /* STEP_COMBINE: on the map side; STEP_FUNCTION: CHOSEN, or RANGE
                                by a function in place of order; STEP_NUMBER: PLACE, bytes:
                                places of the first rows of the partitions that rows come from
                                and their number, then of those that they go to; or none */
    uint32_t copies, stride; /* REPLICATE: to base, base + stride, ... */
    /* HASH, of a side of a join whose hot keys may be spread: what is to be done here, whether this
     * side's rows may be spread, and the exchange of the other side. The placement of the left
     * side's decides. */
    enum hot_role hot_role; /* HOT_FIRST, HOT_SECOND */
    bool spreads_hot_keys;
    struct node *hot_partner, *hot_left;
    /* HASH, of a side of a join: whether its keys, or the other side's, tell which rows are not
     * sent; FILTER_COLLECTS: words of the filter, as a power of two. */
    enum filter_role filter_role;
    uint32_t filter_log2;
    struct node *filter_partner;
};

/* Where an exchange by hash brings rows of a hot key: to one partition, or to several. Decided
 * once: whatever is computed or planned later must find it as it was. */
enum exchange_placement {
    PLACEMENT_OPEN = 0,
    PLACEMENT_RELIED_ON, /* some step, or what is kept, is as it is because of where rows are */
    PLACEMENT_SPREAD,    /* rows were spread: nobody may rely on where they are */
};

/* STEP_FILES: what becomes of bad rows. */
struct node_bad_rows {
    uint32_t counter; /* the accumulator that counts them; 0: none */
    char *quarantine; /* owned: the directory that they go to; NULL: none */
    char *token;      /* owned: io/quarantine.h */
};

struct kept_partition {
    uint64_t row_count, memory_bytes, disk_bytes;
};

/* STEP_KEEP, STEP_KEPT: what executors have of it now. Changed under the planning lock only. */
struct kept_state {
    uint64_t dataset;                  /* its number for the executors */
    unsigned level;                    /* enum kept_level and flags */
    uint32_t *at;                      /* rank that keeps each partition, 0: none; owned */
    struct kept_partition *partitions; /* what it takes there; owned */
    /* Where it is to be kept twice; else NULL. */
    uint32_t *copy_at;             /* rank of the second copy, only where there is a first; owned */
    struct kept_partition *copies; /* owned */
    bool *is_copied;     /* the second one was made, or could not be: not tried again; owned */
    struct node *copier; /* the context's: makes them; NULL: not made yet */
};
/* Memory for partition_count of them. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *kept_state_create(uint32_t partition_count, bool has_copies,
                                              struct kept_state **out_kept);
void kept_state_destroy(struct kept_state *kept); /* NULL is fine */

/* What the last action that computed a node has counted. */
struct node_run {
    uint64_t job; /* 0: none */
    uint64_t row_count;
    uint64_t task_ns; /* of the tasks of the stage that ends in it, added up; else 0 */
};

/* Immutable but for what actions keep up to date: splitters, kept, run. Belongs to the context. */
struct node {
    struct step step;
    uint32_t id;                /* position in the context */
    const char *where;          /* file:line of the call; a literal */
    char *name;                 /* that the user gave it; owned; NULL: none */
    struct step_needs *needs;   /* of tasks that compute it; owned; NULL: none */
    const barks_record *record; /* of its rows */
    uint32_t partition_count;
    barks_status *error;  /* owned: why it cannot be computed; those made of it bear a copy */
    struct node **inputs; /* the array is owned */
    uint32_t input_count;
    bool is_above_exchange; /* what it reads comes through an exchange, or is one */
    bool is_above_kept;     /* likewise for STEP_KEEP and STEP_KEPT */
    bool is_above_together; /* likewise for functions that run on all partitions at once */
    /* Its partitions are others, by number, than those of the exchanges and kept steps that they
     * read, so that they lie elsewhere than partitions of equal number do. */
    bool is_shifted;
    uint8_t determinism, determinism_below; /* barks_determinacy: the user's word of this step; the
                                               worst of its inputs */
    atomic_bool knows_partitioning;
    /* STEP_EXCHANGE: enum exchange_placement. */
    _Atomic uint8_t placement;
    struct partitioning partitioning; /* once it is known: partitioning_know */
    bool knows_input_bytes;
    uint64_t input_bytes; /* once they are known: node_input_bytes */
    uint64_t *row_firsts; /* places of the partitions' first rows, and the number of rows: counted
                             once for the node's life, where that was needed; owned */

    struct fingerprint *was; /* before a checkpoint cut what it was made of; owned; NULL: not cut */
    struct node_run run;
    struct listing *listing;       /* STEP_FILES: the files; owned */
    struct split_plan *splits;     /* STEP_FILES: their partitions; owned */
    struct node_bad_rows bad_rows; /* STEP_FILES */
    struct custom_splits *custom;  /* STEP_CUSTOM; owned */
    struct batch *rows;            /* STEP_ROWS; owned */
    struct exchange_plan exchange; /* STEP_EXCHANGE */
    struct kept_state *kept;       /* STEP_KEEP, STEP_KEPT; owned */
};

void node_destroy(struct node *node); /* NULL is fine */

/* Sets is_above_exchange, is_above_kept and is_shifted from the step and its inputs'. */
void node_find_place(struct node *node);

/* Steps whose inputs' partitions of one number must lie on one executor: none of them is shifted.
 */
bool node_pairs_partitions(const struct node *node);

/* A copy of its error, the whole chain in one text; NULL where it has none. */
BARKS_CHECKED barks_status *node_error(const struct node *node);

static inline bool node_is_exchange(const struct node *node)
{
    return node->step.kind == STEP_EXCHANGE;
}

/* True where a partition may lie on one executor alone: below, in the same stage, rows come from an
 * exchange or are kept, or are made of all partitions at once. Such partitions cannot be read by
 * any partition of another number. */
static inline bool node_reads_exchange(const struct node *node)
{
    return node->is_above_exchange || node->is_above_kept || node->is_above_together;
}
