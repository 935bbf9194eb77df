/* Rows of sources of the job's own. */
#include "exec/custom_source.h"

#include "base/calling.h"
#include "base/scope.h"
#include "exec/emitting.h"
#include "exec/operator.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What calling a source needs. Begins with source_rows_begin, ends with source_rows_drop. */
struct source_rows {
    struct operator base; /* whose next gets the rows; no step of the pipeline */
    struct emitting emitting;
    const barks_function *source;
    const void *env;             /* lent */
    struct custom_splits splits; /* of the partition */
    void *state;                 /* of the split that is read; owned */
    const struct barks_split *split;
    uint64_t row_count; /* of that split, given so far */
};

static void source_rows_drop(struct source_rows *rows)
{
    emitting_drop(&rows->emitting);
    custom_splits_drop(&rows->splits);
    free(rows->state);
}

BARKS_CHECKED static barks_status *source_rows_begin(struct source_rows *rows, struct task *task,
                                                     const barks_function *source, const void *env,
                                                     struct operator* into)
{
    rows->base = (struct operator){.next = into, .task = task};
    rows->source = source;
    rows->env = env;
    rows->state = calloc(1, source->state_size + 1);
    if (rows->state == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the state of '%s'", source->name);
    return emitting_init(&rows->emitting, &rows->base, &source->out->schema, 0);
}

/* ---- calls ---- */

static const char *doing(int phase)
{
    return phase == BARKS_LIST_SPLITS ? "listing its splits"
           : phase == BARKS_OPEN      ? "opening"
           : phase == BARKS_NEXT      ? "reading"
                                      : "closing";
}

/* What the body has reported, with source, split and row. Takes cause. */
BARKS_CHECKED static barks_status *fail_in(const struct source_rows *rows, int phase,
                                           barks_status *cause)
{
    const barks_function *source = rows->source;
    const char *what =
        barks_status_code(cause) == BARKS_USER_ERROR ? "an error was reported" : "failure";
    if (phase == BARKS_LIST_SPLITS)
        return barks_status_new(barks_status_code(cause), cause, BARKS_HERE,
                                "%s in the source '%s' (%s), listing its splits", what,
                                source->name, source->where);
    return barks_status_new(
        barks_status_code(cause), cause, BARKS_HERE,
        "%s in the source '%s' (%s), %s split %" PRIu32 " after %" PRIu64 " of its rows", what,
        source->name, source->where, doing(phase), rows->split->index, rows->row_count);
}

/* Rows of the phases that give none stop the emitter by a failure that it bears from the start. */
BARKS_CHECKED static barks_status *refuse_rows(struct source_rows *rows, int phase)
{
    barks_status *refusal =
        barks_status_new(BARKS_USER_ERROR, NULL, BARKS_HERE,
                         "it emits rows while %s; they belong in BARKS_NEXT", doing(phase));
    rows->emitting.emitter.failed = refusal;
    return refusal == NULL ? barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                              "no memory to call '%s'", rows->source->name)
                           : NULL;
}

/* What failed below the source, or on its way to there: it is no failure of the body. */
BARKS_CHECKED static barks_status *end_rows(struct source_rows *rows, int phase, barks_call *call)
{
    barks_out *out = &rows->emitting.emitter.out;
    bool has_rows = out->row_count > 0 || out->stopped;
    barks_status *failed = emitting_end(&rows->emitting, call);
    if (phase == BARKS_NEXT)
        return failed;
    out->row_count = 0;
    if (has_rows && failed != NULL)
        return fail_in(rows, phase, failed);
    barks_status_free(failed);
    return NULL;
}

/* One call of the body. Rows stay in the emitter where they do not fill it. */
BARKS_CHECKED static barks_status *call_body(struct source_rows *rows, int phase, barks_call *call)
{
    barks_out *out = &rows->emitting.emitter.out;
    call->env = rows->env;
    call->phase = phase;
    call->split = rows->split;
    call->state = rows->state;
    emitting_begin(&rows->emitting);
    if (phase != BARKS_NEXT)
        BARKS_TRY(refuse_rows(rows, phase));
    struct calling before =
        calling_begin((struct calling){.name = rows->source->name, .where = rows->source->where});
    rows->source->map(call, out);
    calling_end(before);
    barks_status *said = call->status;
    call->status = NULL;
    barks_status *status = end_rows(rows, phase, call);
    if (status == NULL && said != NULL)
        return fail_in(rows, phase, said);
    barks_status_free(said); /* an echo of what failed below */
    return status;
}

barks_status *custom_source_list(const barks_function *source, const void *env, struct pool *pool,
                                 struct custom_splits *out)
{
    BARKS_AUTO(source_rows) rows = {0};
    struct task_services services = {.pool = pool};
    struct task task = {.services = &services}; /* as much of one as the emitter asks for */
    barks_call call = {.task_self = out};
    BARKS_TRY(source_rows_begin(&rows, &task, source, env, NULL));
    return call_body(&rows, BARKS_LIST_SPLITS, &call);
}

void barks_add_split_at(barks_call *call, const void *data, size_t size,
                        const barks_split_options *options, const char *where)
{
    struct custom_splits *splits = call->task_self;
    if (splits == NULL)
        barks_call_fail(call, where, "barks_add_split works in BARKS_LIST_SPLITS only");
    else if (call->status == NULL)
        call->status = custom_splits_add(splits, data, size, options);
}

/* ---- rows of a partition ---- */

BARKS_CHECKED static barks_status *call_in_task(struct source_rows *rows, int phase)
{
    barks_call call = {.task = &rows->base.task->info};
    return call_body(rows, phase, &call);
}

/* *out_more: the call has given rows. */
BARKS_CHECKED static barks_status *push_next(struct source_rows *rows, bool *out_more)
{
    struct task *task = rows->base.task;
    struct emitting *emitting = &rows->emitting;
    uint64_t before = rows->base.next->rows_in;
    snprintf(task->place, sizeof task->place,
             "rows from number %" PRIu64 " on of split %" PRIu32 " of '%s'", rows->row_count,
             rows->split->index, rows->source->name);
    barks_status *status = call_in_task(rows, BARKS_NEXT);
    *out_more = rows->base.next->rows_in > before || emitting->emitter.out.row_count > 0;
    if (status == NULL)
        status = emitting_flush(emitting);
    emitting_forget(emitting);
    uint64_t given = rows->base.next->rows_in - before;
    rows->row_count += given;
    source_count(task, given, 0);
    return status;
}

BARKS_CHECKED static barks_status *read_rows(struct source_rows *rows)
{
    bool more = true;
    BARKS_TRY(call_in_task(rows, BARKS_OPEN));
    while (more && !rows->base.task->partition_done)
        BARKS_TRY(push_next(rows, &more));
    return NULL;
}

BARKS_CHECKED static barks_status *read_split(struct source_rows *rows,
                                              const struct barks_split *split)
{
    rows->split = split;
    rows->row_count = 0;
    memset(rows->state, 0, rows->source->state_size);
    barks_status *status = read_rows(rows);
    barks_status *closed = call_in_task(rows, BARKS_CLOSE);
    if (status == NULL)
        status = closed;
    else
        barks_status_free(closed); /* why it was closed is what counts */
    source_count(rows->base.task, 0, split->bytes);
    return status;
}

barks_status *custom_source_run(struct task *task, const struct pipe_node *leaf,
                                const struct task_payload *payload, struct operator* into)
{
    BARKS_AUTO(source_rows) rows = {0};
    BARKS_TRY(source_rows_begin(&rows, task, leaf->step.function, leaf->step.env, into));
    BARKS_TRY(custom_splits_unpack(payload->bytes, payload->size_bytes, &rows.splits));
    for (size_t i = 0; i < rows.splits.count && !task->partition_done; i++)
        BARKS_TRY(read_split(&rows, &rows.splits.splits[i].split));
    return NULL;
}
