/* Operators: batches are pushed from a source through a chain of them into a terminal. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"
#include "exec/given.h"
#include "exec/pipeline.h"
#include "exec/step.h"
#include "exec/task_run.h"

struct operator;
struct source;
struct task;
struct together;

/* All but push and destroy may be NULL. push borrows batch until it returns. */
struct operator_kind {
    const char *name;
    /* Before the first row of a partition: its number in the step's output; terminals: in the
     * stage. */
    barks_status *(*begin_partition)(struct operator* self, uint32_t partition);
    barks_status *(*push)(struct operator* self, struct batch *batch);
    /* Operators of several inputs, in place of push: rows of input `port`. Inputs come from the
     * last to the first, each wholly: sides that are held first, input 0 streams. */
    barks_status *(*push_port)(struct operator* self, uint32_t port, struct batch *batch);
    /* After the last row: a blocking operator pushes what it held on. */
    barks_status *(*end_partition)(struct operator* self);
    /* Terminals: after the last partition of a good attempt. */
    barks_status *(*finish)(struct operator* self);
    void (*destroy)(struct operator* self);
};

struct operator_port;

/* The head of every operator's struct. Threads: the task's only. */
struct operator
{
    const struct operator_kind *kind;
    struct operator* next; /* set anew when the task turns to a partition of another branch; NULL
                              for terminals */
    struct task *task;     /* borrowed */
    uint64_t rows_in;      /* pushed into it so far */
    struct operator_port *ports; /* of several inputs: owned by the operator (free), else NULL */
};

/* What input `index` of an operator of several pushes into. */
struct operator_port {
    struct operator base;
    struct operator* owner;
    uint32_t index;
};
/* Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *operator_ports_init(struct operator* owner, uint32_t count);

/* Schemas of the rows that each input gives. */
struct operator_inputs {
    const barks_schema *schemas[STEP_INPUTS_MAX];
    uint32_t count;
};

/* What operators see of the attempt they run in. */
struct task {
    const struct task_spec *spec;
    const struct task_services *services;
    struct task_progress *progress;
    struct task_result *result;
    struct operator**
        operators; /* one for each node of the pipeline, made at first need; leaves have none */
    struct operator* terminal;
    const struct task_spec *payloads; /* whose payloads have those of the partition that runs */
    uint32_t partition;               /* of the stage, that runs now */
    bool partition_done;              /* the terminal wants no more rows of this partition */
    double rows_stand_for; /* how many of the partition's each row does: more than one where files
                              are thinned out for a sample */
    barks_task_info info;  /* for bodies: exec/task_info.h */
    struct together *together;       /* of a stage whose tasks run together, once they do; owned */
    struct given given;              /* for what it needs */
    const struct resource *resource; /* that a body asked for last, or NULL */
    const struct source *source;     /* of files, whose rows are on their way; else NULL */
    uint64_t lag_since_ns;           /* task_lag */
    char place[320];                 /* where the source stands, for errors: "file 'x', byte 17" */
};

BARKS_CHECKED barks_status *task_fail_cancelled(void);

/* task->place, brought up to date: the source is asked for it only when someone wants it. */
const char *task_place(struct task *task);

/* One that was cancelled ends with the next batch that is pushed anywhere in it, which bounds what
 * it still does however it comes by rows. What works on long without pushing asks this itself:
 * before it calls a function of the job's, and for each piece that it reads. Errors:
 * BARKS_CANCELLED. */
BARKS_CHECKED static inline barks_status *task_check_cancelled(const struct task *task)
{
    bool is_cancelled = atomic_load_explicit(&task->progress->cancelled, memory_order_relaxed);
    return __builtin_expect(is_cancelled, false) ? task_fail_cancelled() : NULL;
}

static inline barks_status *operator_push(struct operator* op, struct batch *batch)
{
    BARKS_TRY(task_check_cancelled(op->task));
    op->rows_in += batch->base.row_count;
    return op->kind->push(op, batch);
}

/* Makers, each in its own file; the operator belongs to the caller. */
#define OPERATOR_MAKER(name)                                                                       \
    BARKS_CHECKED barks_status *name##_operator_create(                                            \
        struct task *task, const struct pipe_node *node, const struct operator_inputs *inputs,     \
        struct operator** out_operator)
OPERATOR_MAKER(function);
OPERATOR_MAKER(combine);
OPERATOR_MAKER(sort);
OPERATOR_MAKER(project);
OPERATOR_MAKER(sample);
OPERATOR_MAKER(number);
OPERATOR_MAKER(group);
OPERATOR_MAKER(glom);
OPERATOR_MAKER(pipe);
OPERATOR_MAKER(keep);
OPERATOR_MAKER(bound);
OPERATOR_MAKER(index);
OPERATOR_MAKER(heads);
OPERATOR_MAKER(scan);
OPERATOR_MAKER(windows);
OPERATOR_MAKER(zip); /* STEP_PAIR */
OPERATOR_MAKER(join);
OPERATOR_MAKER(lookup);
OPERATOR_MAKER(cogroup);
OPERATOR_MAKER(cross);

/* A failure of an operator that holds rows: where it is one of memory, it says which partition did
 * not fit and what helps. Takes cause; NULL stays NULL. */
barks_status *operator_fail_limit(const struct pipe_node *node, uint32_t partition,
                                  barks_status *cause);

BARKS_CHECKED barks_status *terminal_create(struct task *task, const barks_record *record,
                                            struct operator** out_operator);

/* Each terminal in its own file. */
BARKS_CHECKED barks_status *shuffle_terminal_create(struct task *task, const barks_record *record,
                                                    struct operator** out_operator);
BARKS_CHECKED barks_status *replicate_terminal_create(struct task *task, const barks_record *record,
                                                      struct operator** out_operator);
BARKS_CHECKED barks_status *collect_terminal_create(struct task *task, const barks_record *record,
                                                    struct operator** out_operator);
BARKS_CHECKED barks_status *fold_terminal_create(struct task *task, const barks_record *record,
                                                 struct operator** out_operator);
BARKS_CHECKED barks_status *foreach_terminal_create(struct task *task, const barks_record *record,
                                                    struct operator** out_operator);
BARKS_CHECKED barks_status *write_terminal_create(struct task *task, const barks_record *record,
                                                  struct operator** out_operator);
BARKS_CHECKED barks_status *sink_terminal_create(struct task *task, const barks_record *record,
                                                 struct operator** out_operator);
BARKS_CHECKED barks_status *partial_terminal_create(struct task *task, const barks_record *record,
                                                    struct operator** out_operator);

/* Sources push the rows of one partition into `into`, ending early when task->partition_done is
 * set. */
BARKS_CHECKED barks_status *source_run(struct task *task, struct pipe_place leaf,
                                       struct operator* into);

BARKS_CHECKED barks_status *file_source_run(struct task *task, const struct pipe_node *leaf,
                                            uint32_t leaf_partition,
                                            const struct task_payload *payload,
                                            struct operator* into);
BARKS_CHECKED barks_status *number_source_run(struct task *task, const struct pipe_node *leaf,
                                              uint32_t leaf_partition, struct operator* into);
BARKS_CHECKED barks_status *custom_source_run(struct task *task, const struct pipe_node *leaf,
                                              const struct task_payload *payload,
                                              struct operator* into);
/* A fault makes this executor slow: the task waits for as long as that takes since it last did. */
void task_lag(struct task *task, bool is_at_end);
/* What sources do with each batch, for the progress. */
void source_count(struct task *task, uint64_t rows, uint64_t bytes);
/* A partition that this executor keeps. Errors: BARKS_LOST: it is gone. */
BARKS_CHECKED barks_status *kept_source_run(struct task *task, const struct pipe_node *node,
                                            uint32_t partition, struct operator* into);

/* Where a user's function failed. */
struct failed_row {
    const barks_function *function;
    const char *site; /* file:line of the step that calls it; NULL: the action tells */
    const barks_batch *batch;
    uint32_t row;    /* of it; BARKS_NO_ROW: not known */
    uint64_t record; /* which row of its partition reached the function, from 1; 0: not known */
};
/* A status of that, with all of it, the place and the row itself. Takes cause. */
BARKS_CHECKED barks_status *operator_fail_at_row(struct task *task, barks_status *cause,
                                                 const struct failed_row *failed);
