/* Cuts the lineage of a dataset into stages at its exchanges. */
#pragma once

#include "exec/pipeline.h"
#include "exec/task_run.h"
#include "plan/fingerprint.h"
#include "plan/node.h"
#include "scheduler/event.h"

#include <stdint.h>

struct stored_stage;

/* What a source's tasks are sent, borrowed from the context, which frees none of it while it lives:
 * so that a dataset may become another one while a job runs. */
struct stage_leaf {
    enum step_kind kind; /* STEP_NONE: the node is no source */
    uint32_t partition_count;
    const struct split_plan *splits;    /* STEP_FILES */
    const char *quarantine, *token;     /* STEP_FILES: as of node_bad_rows */
    const struct custom_splits *custom; /* STEP_CUSTOM */
    const struct batch *rows;           /* STEP_ROWS */
    const struct stored_stage *stored;  /* STEP_SHUFFLE: files that have its partitions, the
                                           parent's; NULL: it comes through the exchange */
};

/* A stage: what executors run, and what its tasks are sent. */
struct stage_plan {
    struct pipeline *pipeline;
    struct stage_leaf *leaves;  /* for each node of the pipeline */
    uint32_t *parent_of;        /* for each node that reads a shuffle: the stage that fills it */
    struct stage_input *inputs; /* what its partitions read of earlier stages, for the scheduler */
    uint32_t input_count;
    /* terminal.finds_hot_keys: enum exchange_placement of the join's left side, the context's; else
     * NULL. */
    _Atomic uint8_t *placement;
    bool is_indeterminate; /* its rows are others when they are computed again */
    uint32_t lineage;      /* id of the exchange that it fills; of the last stage: its node's; of
                              HOT_COPY: LINEAGE_NONE */
    struct fingerprint fingerprint; /* of what it puts out; not known: it is not stored */
    struct stored_stage
        *stored;    /* its output is there, so it does not run; owned; NULL: it is not */
    uint32_t *pins; /* for each partition the executor that must run it, SCHEDULER_ANY: whoever;
                       NULL: none */
};

struct job_plan {
    struct stage_plan
        *stages; /* parents before children; the last one bears the terminal that was asked for */
    uint32_t stage_count;
    uint32_t left_out_count; /* exchanges without a stage: what is read of them is kept, or nobody
                                has asked for it */
};

struct cut_options {
    struct terminal *terminal; /* of the last stage; taken: zeroed once a stage has it */
    uint32_t node_count;       /* of the context */
    uint64_t *next_id;         /* for stages and shuffles: unique in the job's life */
    /* Of each executor, by rank - 1; 0: it is lost. One view for the whole plan: who is found to be
     * lost meanwhile would make one stage read what the stage before it did not make. Borrowed. */
    const uint32_t *worker_counts;
    uint32_t executor_count;
    bool divides_partitions; /* several tasks may read one that is large (plan/divisible.h) */
};

/* The owners of the shuffles' partitions are filled in when the stages are shipped (terminal.owners
 * is NULL). */
BARKS_CHECKED barks_status *stage_cut(struct node *node, const struct cut_options *options,
                                      struct job_plan *out_plan);
void job_plan_drop(struct job_plan *plan);

/* Tasks read what is stored of stages where it is stored. */
void job_plan_read_stored(struct job_plan *plan);

/* How many stages a plan of the dataset has where nothing is kept. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *stage_count(struct node *node, uint32_t node_count,
                                        uint32_t *out_count);

/* What the task for a partition is sent, as bytes the caller frees: the number of payloads, then
 * step, partition and bytes of each, in the order of task_spec.payloads. And how heavy it is. */
struct packer;
BARKS_CHECKED barks_status *stage_payload(const struct stage_plan *stage, uint32_t partition,
                                          struct packer *out);
uint64_t stage_weight(const struct stage_plan *stage, uint32_t partition);
/* The hosts where a partition is best read, "a,b": of the first of its leaves that has a wish;
 * NULL: none has. */
const char *stage_hosts(const struct stage_plan *stage, uint32_t partition);
bool stage_reads_shuffles(const struct stage_plan *stage);
/* True when the weights are bytes of files and nothing else is read, so that progress can be told
 * by them. */
bool stage_reads_files(const struct stage_plan *stage);

/* The first step, in the order of computing, for which a job must run before one that has it can be
 * cut: an exchange that wants splitters and has none, or a broadcast that was not sent; NULL: there
 * is none. */
struct node *find_unprepared(struct node *node, uint32_t node_count, barks_status **out_status);
