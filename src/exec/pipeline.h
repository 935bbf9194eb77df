/* What an executor is to do in a stage: nodes from sources to one terminal. Immutable once made. */
#pragma once

#include "barks/function.h"
#include "batch/batch.h"
#include "exec/step.h"
#include "exec/step_needs.h"
#include "shuffle/hot_keys.h"
#include "shuffle/key_filter.h"
#include "shuffle/partition.h"

#include <stdbool.h>
#include <stdint.h>

/* How rows become accumulators: a view of a step of STEP_COMBINE, borrowed from it. */
struct combine_plan {
    const barks_function *function; /* NULL: distinct */
    const void *env;
    const void *initial; /* a struct of the accumulator; NULL: all zero */
    bool reduce_begins_with_initial;
    const barks_record *accumulator;
    const uint32_t *key_fields; /* in the accumulator */
    uint32_t key_count;
};
struct combine_plan step_combine_plan(const struct step *step, const barks_record *accumulator);

struct commit;
struct sink_format;

/* Of steps and stages that no dataset of the user's stands for. */
#define LINEAGE_NONE UINT32_MAX

/* What tasks that have a piece of a partition each (scheduler/pieces.h) read below a node, or get
 * from it: the pieces, one after the other, give what the partition gives. */
enum piece_role {
    PIECE_WHOLE = 0, /* everything, each of them: the other side of a join */
    PIECE_RANGE,     /* the rows of its piece */
    PIECE_LAST,      /* everything, the last one alone: what comes behind the rows of the pieces */
};

struct pipe_node {
    struct step step; /* SHUFFLE: STEP_COMBINE, or STEP_FUNCTION of a custom partitioner, or none;
                         FOLD: STEP_COMBINE; FOREACH: its function; PARTIAL: texts, numbers */
    uint32_t partition_count;
    const barks_record *record; /* of the rows that it gives */
    uint32_t *inputs;           /* indices of earlier nodes; owned */
    uint32_t input_count;
    char *where;      /* file:line of the call; owned */
    uint32_t lineage; /* the driver's: id of the dataset's node, or LINEAGE_NONE; does not travel */
    uint64_t shuffle; /* STEP_SHUFFLE */
    bool is_only_reader; /* no other step reads the shuffle: what a task has read is freed when it
                            has ended well */
    enum piece_role piece_role; /* means something where tasks have pieces */
    uint32_t *kept_at; /* STEP_KEEP: the rank that keeps each partition, which is read there and not
                          computed; 0: none. NULL: none at all. Owned */
    uint32_t *copy_at; /* the driver's: likewise, of the second copies; does not travel; owned */
    const struct step_needs *needs; /* the driver's: where it is computed, what it needs; of the
                                       lineage's node; does not travel; NULL: nothing */
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
    TERMINAL_SINK,    /* into step.function, a sink; step.texts[0]: the job's name for it */
    TERMINAL_PARTIAL, /* a state of step.texts[0] for each partition */
};

/* What a shuffle does for a join whose hot keys are spread (shuffle/hot_keys.h); each is filled
 * when the one before it is there. */
enum hot_role {
    HOT_NONE = 0,
    HOT_FIRST,  /* of the side that is mapped first */
    HOT_SECOND, /* of the other one, which copies rows of the keys that the first has found */
    HOT_COPY,   /* of what the first has sent: copies rows of the keys that the second has found */
};

/* What a shuffle does so that rows without a partner are not sent (shuffle/key_filter.h). */
enum filter_role {
    FILTER_NONE = 0,
    FILTER_COLLECTS, /* of the smaller side of a join: tells the keys of its rows */
    FILTER_TESTS,    /* of the other one, which begins after it: leaves out rows of other keys */
};

/* What of a job may be taken from the work directory, and is stored there. */
enum terminal_reuse {
    REUSE_ALL = 0,
    REUSE_STAGES, /* the answer is not what it is run for: the stages before it alone */
    REUSE_NOTHING,
};

struct terminal {
    enum terminal_kind kind;
    struct step step; /* what the kind wants: functions, names, numbers; TOP, SAMPLE: the function
                         of the order, in place of sort_keys */
    uint64_t limit;   /* PARTITION_INDEX: the number of indices */
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
    enum hot_role hot_role;           /* PARTITION_HASH */
    bool finds_hot_keys;              /* HOT_FIRST, HOT_SECOND: finds those of its own rows, tells
                                         them with the result, and spreads their rows */
    struct hot_list hot_keys;         /* HOT_SECOND, HOT_COPY: whose rows are copied; owned */
    enum filter_role filter_role;     /* PARTITION_HASH */
    uint32_t filter_log2;             /* FILTER_COLLECTS: words of the filter, as a power of two */
    struct key_filter filter;         /* FILTER_TESTS: owned; zeroed: nothing is left out */
    struct batch *splitters;          /* PARTITION_RANGE; owned */
    uint32_t *owners;                 /* rank that owns each partition of the shuffle; owned */
    uint32_t copies, stride;          /* PARTITION_REPLICATE. TERMINAL_SAMPLE: stride: one byte in
                                         so many of long files will do; 0: all are read */
    const barks_record *accumulator;  /* of a step of STEP_COMBINE */
    const struct sink_format *format; /* TERMINAL_WRITE */
    struct commit *commit;            /* TERMINAL_WRITE: where the parts go; owned */
    enum terminal_reuse reuse;        /* the driver's: does not travel */
};

/* Whether the tasks run together (barks/together.h). */
struct pipeline_gang {
    bool is_gang, is_spread;
};

struct pipeline {
    struct pipeline_gang gang;
    struct step_needs needs; /* of each task */
    uint64_t stage;          /* unique in the job's life */
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

/* A function that runs on all of its partitions at once. */
static inline bool step_is_together(const struct step *step)
{
    return step->kind == STEP_FUNCTION && step->numbers[1] != 0;
}

/* Of the stage. */
uint32_t pipeline_partition_count(const struct pipeline *pipeline);

/* True for shuffles whose rows are combined before they are sent. */
static inline bool terminal_combines(const struct terminal *terminal)
{
    return terminal->kind == TERMINAL_SHUFFLE && terminal->step.kind == STEP_COMBINE;
}

/* Partition `partition` of node `node`. */
struct pipe_place {
    uint32_t node, partition;
};

/* The place in the last node of the stage's partition `partition`. */
struct pipe_place pipeline_root(const struct pipeline *pipeline, uint32_t partition);

/* Of a leaf, or a partition that is kept: no others are read for it. */
bool pipeline_is_leaf(const struct pipeline *pipeline, struct pipe_place place);

/* The index-th partition that a node's partition is made of; false when there are no more. Cost:
 * O(1), of a union O(inputs). */
bool pipeline_source(const struct pipeline *pipeline, struct pipe_place of, uint32_t index,
                     struct pipe_place *out_source);

/* Visits the leaves and kept partitions below root, as often as they are read. Errors: those of
 * visit, BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *
pipeline_visit_leaves(const struct pipeline *pipeline, struct pipe_place root,
                      barks_status *(*visit)(void *context, struct pipe_place leaf), void *context);

enum {
    PIPELINE_DEPTH_MAX = 20000,        /* steps one after another */
    PIPELINE_STACK_BYTES_MAX = 1 << 24 /* what so many need, twice over */
};

/* Names and types of functions and rows fit each other, and the stack of a worker is deep enough.
 * Errors: BARKS_INVALID, BARKS_LIMIT, with the place of the call. */
BARKS_CHECKED barks_status *pipeline_check(const struct pipeline *pipeline);
