/* What an executor is to do in a stage: nodes from sources to one terminal. Immutable once made. */
#pragma once

#include "barks/function.h"
#include "batch/batch.h"
#include "exec/step.h"
#include "shuffle/partition.h"

#include <stdbool.h>
#include <stdint.h>

enum pipe_kind {
    PIPE_TEXT = 1, /* lines of the splits that the task's payload lists */
    PIPE_ROWS,     /* rows that the task's payload holds, encoded */
    PIPE_SHUFFLE,  /* reduce partition of a shuffle */
    PIPE_FUNCTION, /* map, flat_map, filter, map_batches */
    PIPE_UNION,    /* partitions of the inputs, one after another */
    PIPE_COMBINE,  /* the reduce side of an aggregate: ends in key order when its partition ends */
    PIPE_SORT,     /* sorts its partition */
};

/* How rows become accumulators; on the map side part of the terminal, on the reduce side of
 * PIPE_COMBINE. */
struct combine_plan {
    const barks_function *function; /* NULL: distinct */
    const void *env;                /* owned by the pipeline */
    const void *initial; /* AGGREGATE: a struct of the accumulator, owned; NULL: all zero */
    const barks_record *accumulator;
    uint32_t *key_fields; /* in the accumulator; owned */
    uint32_t key_count;
};

struct commit;
struct sink_format;

struct pipe_node {
    enum pipe_kind kind;
    uint32_t partition_count;
    const barks_record *record; /* of the rows that it gives */
    uint32_t *inputs;           /* indices of earlier nodes; owned */
    uint32_t input_count;
    char *where;                    /* file:line of the call; owned */
    const barks_function *function; /* PIPE_FUNCTION */
    void *env;                      /* its env; owned, function->env_size bytes */
    uint64_t shuffle;               /* PIPE_SHUFFLE */
    bool take_frames; /* nobody reads the shuffle again: frames are freed as they are read */
    struct combine_plan combine; /* PIPE_COMBINE */
    struct sort_key *sort_keys;  /* PIPE_SORT: by fields of record; owned */
    uint32_t sort_key_count;
};

enum terminal_kind {
    TERMINAL_SHUFFLE = 1, /* rows into a shuffle, through a combine table when it has one */
    TERMINAL_COLLECT,     /* rows to the driver, the first `limit` of each partition */
    TERMINAL_TOP,         /* the first `limit` rows of each partition by sort_keys */
    TERMINAL_COUNT,       /* the number of rows of each partition */
    TERMINAL_FOLD,        /* one accumulator for each partition that has rows */
    TERMINAL_FOREACH,
    TERMINAL_SAMPLE,  /* about `limit` rows of each partition, evenly spread */
    TERMINAL_WRITE,   /* a part file for each partition */
    TERMINAL_PARTIAL, /* a state of step.texts[0] for each partition */
};

struct terminal {
    enum terminal_kind kind;
    struct step step; /* what the kind wants: functions, names, numbers */
    uint64_t limit;
    uint32_t first_partition; /* of the last node's partitions, the stage's are those in
                                 [first_partition, */
    uint32_t end_partition;   /* end_partition); 0: all */
    uint64_t shuffle;
    enum partitioner_kind partitioner;
    uint32_t partition_count; /* of the shuffle */
    uint32_t *key_columns;    /* PARTITION_HASH: of the rows that enter the shuffle; owned */
    uint32_t key_count;
    struct sort_key *sort_keys; /* PARTITION_RANGE, TERMINAL_TOP; owned */
    uint32_t sort_key_count;
    struct batch *splitters; /* PARTITION_RANGE; owned */
    uint32_t *owners;        /* rank that owns each partition of the shuffle; owned */
    bool has_combine;
    struct combine_plan combine;      /* TERMINAL_SHUFFLE with has_combine, TERMINAL_FOLD */
    const barks_function *function;   /* TERMINAL_FOREACH */
    void *env;                        /* its env; owned */
    const struct sink_format *format; /* TERMINAL_WRITE */
    struct commit *commit;            /* TERMINAL_WRITE: where the parts go; owned */
};

struct pipeline {
    uint64_t stage; /* unique in the job's life */
    struct pipe_node *nodes;
    uint32_t node_count; /* the last one feeds the terminal */
    struct terminal terminal;
};

/* "map", "join", ... for people. */
const char *pipe_node_name(const struct pipe_node *node);

/* Frees what it owns and zeroes it. */
void terminal_drop(struct terminal *terminal);
/* Frees what it owns; takes half-built ones and NULL. */
void pipeline_destroy(struct pipeline *pipeline);

/* Of the stage. */
uint32_t pipeline_partition_count(const struct pipeline *pipeline);

/* The way from the leaf that gives the stage's partition `partition` to the last node.
 * out_path takes node_count indices, leaf first; *out_leaf_partition is the leaf's own number of
 * the partition. */
void pipeline_path(const struct pipeline *pipeline, uint32_t partition, uint32_t *out_path,
                   uint32_t *out_length, uint32_t *out_leaf_partition);

/* Names and types of functions and rows fit each other. Errors: BARKS_INVALID with the place of the
 * call. */
BARKS_CHECKED barks_status *pipeline_check(const struct pipeline *pipeline);
