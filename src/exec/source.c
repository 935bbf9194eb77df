/* The leaves of pipelines: lines of files, rows the driver sent, reduce partitions, stored or not.
 */
#include "base/fault.h"
#include "batch/codec.h"
#include "exec/operator.h"
#include "exec/stored_source.h"
#include "shuffle/reduce_side.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void source_count(struct task *task, uint64_t rows, uint64_t bytes)
{
    atomic_fetch_add_explicit(&task->progress->rows_read, rows, memory_order_relaxed);
    atomic_fetch_add_explicit(&task->progress->bytes_read, bytes, memory_order_relaxed);
    if (faults_are_on)
        task_lag(task, false);
}

/* ---- rows that the driver sent ---- */

BARKS_CHECKED static barks_status *push_in_pieces(struct task *task, struct batch *rows,
                                                  struct batch *piece, struct operator* into)
{
    for (uint32_t first = 0; first < rows->base.row_count && !task->partition_done;
         first += BATCH_ROWS) {
        uint32_t count =
            rows->base.row_count - first < BATCH_ROWS ? rows->base.row_count - first : BATCH_ROWS;
        batch_clear(piece);
        BARKS_TRY(batch_append(piece, rows, first, count, BATCH_KEEP));
        source_count(task, count, 0);
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
};

static barks_status *push_frame(void *context, struct batch *batch)
{
    struct shuffle_reader *reader = context;
    source_count(reader->task, batch->base.row_count, 0);
    if (reader->task->partition_done || batch->base.row_count == 0)
        return NULL;
    return operator_push(reader->into, batch);
}

/* Freed once the attempt has ended well. */
BARKS_CHECKED static barks_status *note_input(struct task_result *result, uint64_t shuffle,
                                              uint32_t partition)
{
    if ((result->input_count & (result->input_count - 1)) == 0) { /* full: it doubles */
        size_t capacity = 2 * (size_t)result->input_count + 1;
        struct task_input *inputs = reallocarray(result->inputs, capacity, sizeof *inputs);
        if (inputs == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a list of %zu partitions", capacity);
        result->inputs = inputs;
    }
    result->inputs[result->input_count++] =
        (struct task_input){.shuffle = shuffle, .partition = partition};
    return NULL;
}

BARKS_CHECKED static barks_status *run_shuffle(struct task *task, struct pipe_place place,
                                               struct operator* into)
{
    const struct pipe_node *leaf = &task->spec->pipeline->nodes[place.node];
    uint32_t partition = place.partition;
    uint64_t shuffle = task_shuffle(task->payloads, place.node);
    struct shuffle_reader reader = {.task = task, .into = into};
    uint32_t piece_count = task->payloads->piece_count;
    bool is_only_reader = leaf->is_only_reader && piece_count == 1;
    if (task->partition_done)
        return NULL;
    if (is_only_reader)
        BARKS_TRY(note_input(task->result, shuffle, partition));
    snprintf(task->place, sizeof task->place, "reduce partition %" PRIu32 " of %s", partition,
             leaf->where);
    bool is_piece = leaf->piece_role == PIECE_RANGE;
    struct reduce_read what = {.shuffle = shuffle,
                               .partition = partition,
                               .piece = is_piece ? task->payloads->piece : 0,
                               .piece_count = is_piece ? piece_count : 1,
                               .schema = &leaf->record->schema,
                               .is_only_reader = is_only_reader};
    return reduce_side_read(task->services->reduce_side, &what, push_frame, &reader);
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
    if (leaf->piece_role == PIECE_LAST && task->payloads->piece + 1 != task->payloads->piece_count)
        return NULL;
    if (!step_is_leaf(leaf->step.kind) || leaf->step.kind == STEP_KEPT)
        return kept_source_run(task, leaf, place.partition, into);
    if (leaf->step.kind == STEP_SHUFFLE)
        payload = task_payload_find(task->payloads, task->partition, place);
    if (payload != NULL)
        return stored_source_run(task, leaf, place.partition, payload, into);
    if (leaf->step.kind == STEP_SHUFFLE)
        return run_shuffle(task, place, into);
    if (leaf->step.kind == STEP_NUMBERS)
        return number_source_run(task, leaf, place.partition, into);
    BARKS_TRY(find_payload(task, place, &payload));
    if (leaf->step.kind == STEP_ROWS)
        return run_rows(task, leaf, payload, into);
    if (leaf->step.kind == STEP_CUSTOM)
        return custom_source_run(task, leaf, payload, into);
    if (leaf->step.kind != STEP_FILES)
        BARKS_FAIL(BARKS_INTERNAL, "a step of kind %d is no source", (int)leaf->step.kind);
    return file_source_run(task, leaf, place.partition, payload, into);
}
