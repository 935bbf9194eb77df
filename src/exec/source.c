/* The leaves of pipelines: lines of files, rows the driver sent, reduce partitions. */
#include "io/source.h"

#include "batch/codec.h"
#include "exec/operator.h"
#include "io/listing.h"
#include "io/split.h"
#include "io/text_source.h"
#include "shuffle/reduce_side.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void count_rows(struct task *task, uint64_t rows, uint64_t bytes)
{
    atomic_fetch_add_explicit(&task->progress->rows_read, rows, memory_order_relaxed);
    atomic_fetch_add_explicit(&task->progress->bytes_read, bytes, memory_order_relaxed);
}

BARKS_CHECKED static barks_status *check_cancelled(struct task *task)
{
    if (atomic_load_explicit(&task->progress->cancelled, memory_order_relaxed))
        BARKS_FAIL(BARKS_CANCELLED, "the task was cancelled");
    return NULL;
}

/* ---- lines of files ---- */

/* A failure below is told with the place of the batch that it happened in. */
static void note_place(struct task *task, const struct source *source)
{
    struct source_place place = {0};
    source_place(source, 0, &place);
    snprintf(task->place, sizeof task->place, "rows from byte %" PRIu64 " of '%s'", place.offset,
             place.path != NULL ? place.path : "");
}

BARKS_CHECKED static barks_status *push_lines(struct task *task, struct source *source,
                                              struct batch *batch, struct operator* into)
{
    uint64_t counted_bytes = 0;
    while (!task->partition_done) {
        BARKS_TRY(check_cancelled(task));
        BARKS_TRY(source_next(source, batch));
        count_rows(task, batch->base.row_count, source->file_bytes - counted_bytes);
        counted_bytes = source->file_bytes;
        if (batch->base.row_count == 0)
            return NULL;
        barks_status *status = operator_push(into, batch);
        if (status != NULL) {
            note_place(task, source);
            return barks_status_new(barks_status_code(status), status, BARKS_HERE, "at %s",
                                    task->place);
        }
    }
    return NULL;
}

/* A path that only some hosts of the job see is the likeliest mistake, and the one that is told
 * worst by open(). */
BARKS_CHECKED static barks_status *check_files(const struct split_set *splits)
{
    char host[256] = "this host";
    for (size_t i = 0; i < splits->count; i++) {
        if (input_mark(splits->splits[i].path) != 0)
            continue;
        if (gethostname(host, sizeof host - 1) != 0)
            snprintf(host, sizeof host, "this host");
        struct input_file unseen = {.path = (char *)(uintptr_t)splits->splits[i].path}; /* lent */
        return input_mark_mismatch(&unseen, 0, host);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *run_text(struct task *task, const struct pipe_node *leaf,
                                            const struct task_payload *payload,
                                            struct operator* into)
{
    struct split_set splits = {0};
    struct source *source = NULL;
    struct batch *batch = NULL;
    size_t used_bytes = 0;
    struct text_source_options options = {.line_bytes_max = task->services->line_bytes_max};
    barks_status *status = split_unpack(payload->bytes, payload->size_bytes, &used_bytes, &splits);
    if (status == NULL)
        status = check_files(&splits);
    if (status == NULL)
        status =
            text_source_open(task->services->pool, &options, splits.splits, splits.count, &source);
    if (status == NULL)
        status = batch_create(task->services->pool, &leaf->record->schema, BATCH_ROWS, &batch);
    if (status == NULL)
        status = push_lines(task, source, batch, into);
    batch_destroy(batch);
    source_close(source);
    split_set_drop(&splits);
    return status;
}

/* ---- rows that the driver sent ---- */

BARKS_CHECKED static barks_status *push_in_pieces(struct task *task, struct batch *rows,
                                                  struct batch *piece, struct operator* into)
{
    for (uint32_t first = 0; first < rows->base.row_count && !task->partition_done;
         first += BATCH_ROWS) {
        uint32_t count =
            rows->base.row_count - first < BATCH_ROWS ? rows->base.row_count - first : BATCH_ROWS;
        BARKS_TRY(check_cancelled(task));
        batch_clear(piece);
        BARKS_TRY(batch_append(piece, rows, first, count, BATCH_KEEP));
        count_rows(task, count, 0);
        BARKS_TRY(operator_push(into, piece));
    }
    return NULL;
}

BARKS_CHECKED static barks_status *run_rows(struct task *task, const struct pipe_node *leaf,
                                            const struct task_payload *payload,
                                            struct operator* into)
{
    struct batch *rows = NULL, *piece = NULL;
    snprintf(task->place, sizeof task->place, "rows made at %s", leaf->where);
    barks_status *status =
        batch_create(task->services->pool, &leaf->record->schema, BATCH_ROWS, &rows);
    if (status == NULL)
        status = batch_create(task->services->pool, &leaf->record->schema, BATCH_ROWS, &piece);
    if (status == NULL)
        status = codec_decode(payload->bytes, payload->size_bytes, NULL, rows);
    if (status == NULL)
        status = push_in_pieces(task, rows, piece, into);
    batch_destroy(piece);
    batch_destroy(rows);
    return status;
}

/* ---- reduce partitions ---- */

struct shuffle_reader {
    struct task *task;
    struct operator* into;
    bool owns_batches;
};

static barks_status *push_frame(void *context, struct batch *batch)
{
    struct shuffle_reader *reader = context;
    barks_status *status = check_cancelled(reader->task);
    count_rows(reader->task, batch->base.row_count, 0);
    if (status == NULL && !reader->task->partition_done && batch->base.row_count > 0)
        status = operator_push(reader->into, batch);
    if (reader->owns_batches)
        batch_destroy(batch);
    return status;
}

BARKS_CHECKED static barks_status *run_shuffle(struct task *task, const struct pipe_node *leaf,
                                               uint32_t partition, struct operator* into)
{
    struct shuffle_reader reader = {.task = task, .into = into, .owns_batches = leaf->take_frames};
    snprintf(task->place, sizeof task->place, "reduce partition %" PRIu32 " of %s", partition,
             leaf->where);
    return reduce_side_read(task->services->reduce_side, leaf->shuffle, partition,
                            &leaf->record->schema, leaf->take_frames, push_frame, &reader);
}

BARKS_CHECKED static barks_status *find_payload(const struct task *task, struct pipe_place leaf,
                                                const struct task_payload **out_payload)
{
    *out_payload = task_payload_find(task->payloads, task->partition, leaf);
    if (*out_payload == NULL)
        BARKS_FAIL(BARKS_INTERNAL,
                   "partition %" PRIu32 " of step %" PRIu32 " came without its payload",
                   leaf.partition, leaf.node);
    return NULL;
}

barks_status *source_run(struct task *task, struct pipe_place place, struct operator* into)
{
    const struct pipe_node *leaf = &task->spec->pipeline->nodes[place.node];
    const struct task_payload *payload = NULL;
    if (!step_is_leaf(leaf->step.kind))
        return kept_source_run(task, leaf, place.partition, into);
    if (leaf->step.kind == STEP_SHUFFLE)
        return run_shuffle(task, leaf, place.partition, into);
    if (leaf->step.kind == STEP_NUMBERS)
        return number_source_run(task, leaf, place.partition, into);
    BARKS_TRY(find_payload(task, place, &payload));
    if (leaf->step.kind == STEP_ROWS)
        return run_rows(task, leaf, payload, into);
    if (leaf->step.kind != STEP_FILES)
        BARKS_FAIL(BARKS_INTERNAL, "a step of kind %d is no source", (int)leaf->step.kind);
    return leaf->step.text_count == 0 ? run_text(task, leaf, payload, into)
                                      : file_source_run(task, leaf, place.partition, payload, into);
}
