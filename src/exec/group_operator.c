/* Rows of equal keys become one row: the keys, and a list of the values of each other column. Keys
 * ascend. Where there is a function, groups are handed to it: see cogroup_operator.c. */
#include "base/buffer.h"
#include "base/scope.h"
#include "batch/gather_columns.h"
#include "batch/value_text.h"
#include "exec/group_side.h"
#include "exec/memory_share.h"
#include "exec/operator.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    LIST_ITEMS = 1 << 16, /* that a batch aims at */
    GATHERED_SHARE = 4,   /* of the rows' share: what is read back from disk to make lists of */
};

struct group_operator {
    struct operator base;
    const struct pipe_node *node;
    uint32_t partition;
    uint64_t share_bytes;
    bool is_named;                /* a failure says which key it is of */
    struct group_side side;       /* only its order and slices */
    struct batch *gathered;       /* rows read back from disk that are not given on yet */
    struct batch *spare;          /* empty: rows that stay go there */
    struct row_slice rows;        /* that lists are made of now */
    uint32_t group_count;         /* of the batch that is being made */
    uint32_t firsts[BATCH_ROWS];  /* a row of each */
    uint32_t lengths[BATCH_ROWS]; /* how many rows each has */
    struct batch *output;
};

static void group_destroy(struct operator* self)
{
    struct group_operator *op = (struct group_operator *)self;
    group_side_drop(&op->side);
    batch_destroy(op->gathered);
    batch_destroy(op->spare);
    batch_destroy(op->output);
    free(op);
}

static barks_status *group_begin_partition(struct operator* self, uint32_t partition)
{
    struct group_operator *op = (struct group_operator *)self;
    op->partition = partition;
    group_side_clear(&op->side);
    batch_clear(op->gathered);
    return NULL;
}

static barks_status *group_push(struct operator* self, struct batch *batch)
{
    struct group_operator *op = (struct group_operator *)self;
    return operator_fail_limit(op->node, op->partition, sorted_runs_add(&op->side.sorted, batch));
}

/* ---- lists ---- */

/* A list that is too long for memory: whose it is. Takes cause. */
static barks_status *fail_list(struct group_operator *op, barks_status *cause, uint32_t row,
                               uint32_t row_count)
{
    const struct index_list *keys = &op->node->step.keys[0];
    BARKS_AUTO(buffer) text = {.limit_bytes = 200};
    barks_status *status = NULL;
    if (op->is_named || barks_status_code(cause) != BARKS_LIMIT)
        return cause;
    for (uint32_t i = 0; i < keys->count && status == NULL; i++) {
        status = i > 0 ? buffer_append(&text, ", ", 2) : NULL;
        if (status == NULL)
            status = value_print(&op->rows.rows->base.columns[keys->items[i]], row, &text);
    }
    barks_status_free(status); /* a long key: its beginning will do */
    op->is_named = true;
    return barks_status_new(BARKS_LIMIT, cause, BARKS_HERE,
                            "%s at %s: the list of key '%.*s' in partition %" PRIu32 ", of %" PRIu32
                            " rows or more, needs more memory than its executor "
                            "has; barks_group_with hands its rows to a function without a list, "
                            "or more --barks-memory helps",
                            pipe_node_name(op->node), op->node->where, (int)text.size_bytes,
                            (const char *)text.data, op->partition, row_count);
}

/* The groups whose rows begin at place `place`. */
BARKS_CHECKED static barks_status *push_groups(struct group_operator *op, uint32_t place)
{
    const struct step *step = &op->node->step;
    const struct batch *rows = op->rows.rows;
    const uint32_t *order = op->rows.order != NULL ? op->rows.order + place : NULL;
    struct batch *output = op->output;
    uint32_t key_count = step->keys[0].count;
    BARKS_TRY(batch_reserve(output, op->group_count));
    BARKS_TRY(columns_gather(output, NULL, rows, step->keys[0].items, key_count, op->firsts,
                             op->group_count));
    columns_canonicalize(output, key_count, op->group_count);
    for (uint32_t i = 0; i < step->columns[0].count; i++)
        BARKS_TRY(column_gather_lists(output, &output->base.columns[key_count + i], 0,
                                      &rows->base.columns[step->columns[0].items[i]], order, place,
                                      op->lengths, op->group_count));
    output->base.row_count = op->group_count;
    BARKS_TRY(batch_lend_blocks(output, rows));
    return operator_push(op->base.next, output);
}

BARKS_CHECKED static barks_status *give_groups(struct group_operator *op, uint32_t place)
{
    if (op->group_count == 0 || op->base.task->partition_done)
        return NULL;
    barks_status *status = push_groups(op, place);
    if (status != NULL && op->group_count == 1)
        status = fail_list(op, status, op->firsts[0], op->lengths[0]);
    batch_clear(op->output);
    op->group_count = 0;
    return status;
}

/* Groups of the rows from place 0 on; the last one only if the rows are all. *out_rest: the place
 * where what was not given on begins. */
BARKS_CHECKED static barks_status *cut_groups(struct group_operator *op, bool is_last,
                                              uint32_t *out_rest)
{
    const struct index_list *keys = &op->node->step.keys[0];
    uint32_t begun = 0, group = 0; /* the places of the first row not given on, and of the group */
    op->group_count = 0;
    for (uint32_t place = 0, end; place < op->rows.count && !op->base.task->partition_done;
         place = end) {
        end = slice_group_end(&op->rows, keys, place);
        if (op->group_count == BATCH_ROWS || place - begun >= LIST_ITEMS) {
            BARKS_TRY(give_groups(op, begun));
            begun = place;
        }
        group = place;
        op->firsts[op->group_count] = slice_row(&op->rows, place);
        op->lengths[op->group_count++] = end - place;
    }
    if (!is_last && op->group_count > 0)
        op->group_count--;
    *out_rest = is_last ? op->rows.count : group;
    return give_groups(op, begun);
}

/* ---- rows from disk ---- */

/* Lists of what was gathered; rows of a group that may go on stay. */
BARKS_CHECKED static barks_status *give_gathered(struct group_operator *op, bool is_last)
{
    struct batch *rows = op->gathered;
    uint32_t rest = 0;
    op->rows = (struct row_slice){.rows = rows, .count = rows->base.row_count};
    BARKS_TRY(cut_groups(op, is_last, &rest));
    BARKS_TRY(batch_append(op->spare, rows, rest, rows->base.row_count - rest, BATCH_KEEP));
    op->gathered = op->spare;
    op->spare = rows;
    batch_clear(rows);
    return NULL;
}

/* The next slice is gathered too. */
BARKS_CHECKED static barks_status *gather_slice(struct group_operator *op)
{
    struct row_slice *slice = &op->side.slice;
    BARKS_TRY(batch_append(op->gathered, slice->rows, 0, slice->count, BATCH_KEEP));
    op->side.first = op->side.end = slice->count;
    return group_side_finish(&op->side);
}

/* Where all that was gathered is one list, it is that which has no room. Takes cause. */
static barks_status *fail_gathering(struct group_operator *op, barks_status *cause)
{
    const struct index_list *keys = &op->node->step.keys[0];
    const barks_batch *rows = &op->gathered->base;
    uint32_t last = rows->row_count - 1;
    if (cause == NULL || rows->row_count == 0 ||
        !batch_rows_equal(rows, 0, keys->items, rows, last, keys->items, keys->count))
        return cause;
    op->rows = (struct row_slice){.rows = op->gathered, .count = rows->row_count};
    return fail_list(op, cause, last, rows->row_count);
}

BARKS_CHECKED static barks_status *give_from_disk(struct group_operator *op)
{
    uint64_t wanted_rows = LIST_ITEMS, wanted_bytes = op->share_bytes / GATHERED_SHARE;
    while (!op->side.is_last && !op->base.task->partition_done) {
        BARKS_TRY(task_check_cancelled(op->base.task));
        BARKS_TRY(fail_gathering(op, gather_slice(op)));
        if (op->gathered->base.row_count < wanted_rows &&
            batch_memory_bytes(op->gathered) < wanted_bytes)
            continue;
        BARKS_TRY(fail_gathering(op, give_gathered(op, false)));
        /* Rows of a long list are not looked at again for each slice. */
        wanted_rows = LIST_ITEMS + 2 * (uint64_t)op->gathered->base.row_count;
        wanted_bytes = op->share_bytes / GATHERED_SHARE + 2 * batch_memory_bytes(op->gathered);
    }
    return op->base.task->partition_done ? NULL : give_gathered(op, true);
}

BARKS_CHECKED static barks_status *give_lists(struct group_operator *op)
{
    uint32_t rest = 0;
    BARKS_TRY(group_side_seal(&op->side));
    if (!sorted_runs_in_memory(&op->side.sorted))
        return give_from_disk(op);
    op->rows = op->side.slice;
    return cut_groups(op, true, &rest);
}

static barks_status *group_end_partition(struct operator* self)
{
    struct group_operator *op = (struct group_operator *)self;
    barks_status *status = give_lists(op);
    batch_clear(op->gathered);
    group_side_clear(&op->side);
    return op->is_named ? status : operator_fail_limit(op->node, op->partition, status);
}

static const struct operator_kind group_kind = {
    .name = "group",
    .begin_partition = group_begin_partition,
    .push = group_push,
    .end_partition = group_end_partition,
    .destroy = group_destroy,
};

BARKS_CHECKED static barks_status *fill_operator(struct group_operator *op,
                                                 const barks_schema *given)
{
    struct task *task = op->base.task;
    struct pool *pool = task->services->pool;
    BARKS_TRY(group_side_init(&op->side, task, &op->node->step, 0, given, op->share_bytes, NULL));
    BARKS_TRY(batch_create(pool, given, 1, &op->gathered));
    BARKS_TRY(batch_create(pool, given, 1, &op->spare));
    return batch_create(pool, &op->node->record->schema, BATCH_ROWS, &op->output);
}

OPERATOR_MAKER(group)
{
    if (node->step.function != NULL)
        return cogroup_operator_create(task, node, inputs, out_operator);
    struct group_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &group_kind, .task = task};
    op->node = node;
    op->share_bytes = memory_share_bytes(task);
    barks_status *status = fill_operator(op, inputs->schemas[0]);
    if (status != NULL) {
        group_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
