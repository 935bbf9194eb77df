/* The lineage of datasets, at the driver: one node for each step that was asked for. */
#pragma once

#include "barks/function.h"
#include "barks/status.h"
#include "batch/batch.h"

#include <stdbool.h>
#include <stdint.h>

struct listing;
struct split_plan;

enum node_kind {
    NODE_TEXT = 1,
    NODE_ROWS,
    NODE_FUNCTION,
    NODE_UNION,
    NODE_AGGREGATE,
    NODE_SORT,
};

/* Immutable but for the two fields that actions keep up to date. Belongs to the context. */
struct node {
    enum node_kind kind;
    uint32_t id;                /* position in the context */
    const char *where;          /* file:line of the call; a literal */
    const barks_record *record; /* of its rows */
    uint32_t partition_count;
    barks_status *error;  /* owned: why it cannot be computed; those made of it bear a copy */
    struct node **inputs; /* the array is owned */
    uint32_t input_count;

    struct listing *listing;   /* NODE_TEXT: the files; owned */
    struct split_plan *splits; /* NODE_TEXT: their partitions; owned */
    struct batch *rows;        /* NODE_ROWS; owned */
    const barks_function
        *function; /* NODE_FUNCTION; NODE_AGGREGATE: rows into accumulators, NULL for distinct */
    const barks_function
        *merge;           /* NODE_AGGREGATE: accumulators into accumulators; NULL for distinct */
    void *env;            /* of function and merge; owned */
    void *initial;        /* NODE_AGGREGATE: may be NULL; owned */
    uint32_t *key_fields; /* NODE_AGGREGATE: in record; owned */
    uint32_t key_count;
    struct sort_key *sort_keys; /* NODE_SORT; owned */
    uint32_t sort_key_count;

    /* Of the action that runs now; driver's thread of that action only. */
    uint64_t shuffle;        /* number of its shuffle in the job that was cut last */
    struct batch *splitters; /* NODE_SORT: found by sampling; owned */
};

/* Drops what the action that ran left in the node. */
void node_forget_action(struct node *node);
void node_destroy(struct node *node); /* NULL is fine */

/* A copy of its error, the whole chain in one text; NULL where it has none. */
BARKS_CHECKED barks_status *node_error(const struct node *node);

/* True for those that read a shuffle. */
static inline bool node_is_wide(const struct node *node)
{
    return node->kind == NODE_AGGREGATE || node->kind == NODE_SORT;
}
