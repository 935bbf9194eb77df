/* Groups of rows of equal keys, of one to four inputs, each handed to a BARKS_GROUP or
 * BARKS_COGROUP: groups come by ascending keys. Without keys the partition is one group. */
#include "exec/cogroup_operator.h"

#include "exec/group_caller.h"
#include "exec/held_rows.h"
#include "exec/operator.h"

#include <stdlib.h>

/* One input. */
struct side {
    struct held_rows held;
    struct sort_key *order; /* the keys, then what else was asked for; owned */
    uint32_t order_count;
    const struct index_list *keys; /* borrowed */
    barks_column *key_columns;     /* copies of the key columns, for comparing sides; owned */
    barks_batch view;              /* of key_columns */
    uint32_t first, end;           /* the group's places in the order; end: the next group */
};

struct cogroup_operator {
    struct operator base;
    const struct pipe_node *node;
    uint32_t partition;
    uint32_t side_count;
    struct side sides[STEP_INPUTS_MAX];
    struct sort_key compared[SIDE_KEYS_MAX]; /* columns 0, 1, ... of views */
    struct group_caller caller;
};

static void cogroup_destroy(struct operator* self)
{
    struct cogroup_operator *op = (struct cogroup_operator *)self;
    for (uint32_t k = 0; k < op->side_count; k++) {
        struct side *side = &op->sides[k];
        held_rows_drop(&side->held);
        free(side->order);
        free(side->key_columns);
    }
    group_caller_drop(&op->caller);
    free(op->base.ports);
    free(op);
}

static barks_status *cogroup_begin_partition(struct operator* self, uint32_t partition)
{
    struct cogroup_operator *op = (struct cogroup_operator *)self;
    op->partition = partition;
    for (uint32_t k = 0; k < op->side_count; k++)
        held_rows_clear(&op->sides[k].held);
    return NULL;
}

static barks_status *cogroup_push_port(struct operator* self, uint32_t port, struct batch *batch)
{
    struct cogroup_operator *op = (struct cogroup_operator *)self;
    return operator_fail_limit(op->node, op->partition,
                               held_rows_add(&op->sides[port].held, batch));
}

static barks_status *cogroup_push(struct operator* self, struct batch *batch)
{
    return cogroup_push_port(self, 0, batch);
}

/* ---- groups ---- */

BARKS_CHECKED static barks_status *seal_side(struct side *side)
{
    struct batch *rows = side->held.rows;
    BARKS_TRY(held_rows_seal(&side->held, side->order, side->order_count));
    for (uint32_t i = 0; i < side->keys->count; i++)
        side->key_columns[i] = rows->base.columns[side->keys->items[i]];
    side->view = (barks_batch){.schema = rows->base.schema,
                               .row_count = rows->base.row_count,
                               .columns = side->key_columns};
    side->first = side->end = 0;
    return NULL;
}

static bool is_at_end(const struct side *side)
{
    return side->end == side->held.rows->base.row_count;
}

/* The keys of place a of one side against place b of another. */
static int compare_places(const struct cogroup_operator *op, const struct side *a, uint32_t a_place,
                          const struct side *b, uint32_t b_place)
{
    return batch_compare_rows(&a->view, held_row(&a->held, a_place), &b->view,
                              held_row(&b->held, b_place), op->compared, a->keys->count);
}

/* The side whose next row has the smallest keys; NULL: all are at their ends. */
static struct side *find_smallest(struct cogroup_operator *op)
{
    struct side *smallest = NULL;
    for (uint32_t k = 0; k < op->side_count; k++) {
        struct side *side = &op->sides[k];
        if (!is_at_end(side) &&
            (smallest == NULL || compare_places(op, side, side->end, smallest, smallest->end) < 0))
            smallest = side;
    }
    return smallest;
}

/* Sets first and end of each side to the next group; false at the end. */
static bool next_group(struct cogroup_operator *op)
{
    const struct side *smallest = find_smallest(op);
    if (smallest == NULL)
        return false;
    uint32_t place = smallest->end;
    for (uint32_t k = 0; k < op->side_count; k++) {
        struct side *side = &op->sides[k];
        side->first = side->end;
        while (!is_at_end(side) && compare_places(op, side, side->end, smallest, place) == 0)
            side->end++;
    }
    return true;
}

/* ---- calls ---- */

BARKS_CHECKED static barks_status *call_group(struct cogroup_operator *op)
{
    struct group_rows sides[STEP_INPUTS_MAX];
    for (uint32_t k = 0; k < op->side_count; k++)
        sides[k] = (struct group_rows){.rows = op->sides[k].held.rows,
                                       .order = op->sides[k].held.order,
                                       .first = op->sides[k].first,
                                       .end = op->sides[k].end};
    return group_caller_call(&op->caller, sides);
}

BARKS_CHECKED static barks_status *call_groups(struct cogroup_operator *op)
{
    if (op->node->step.keys[0].count > 0) {
        while (!op->base.task->partition_done && next_group(op))
            BARKS_TRY(call_group(op));
    } else {
        for (uint32_t k = 0; k < op->side_count; k++)
            op->sides[k].end = op->sides[k].held.rows->base.row_count;
        BARKS_TRY(call_group(op));
    }
    return group_caller_flush(&op->caller);
}

static barks_status *cogroup_end_partition(struct operator* self)
{
    struct cogroup_operator *op = (struct cogroup_operator *)self;
    barks_status *status = NULL;
    for (uint32_t k = 0; k < op->side_count && status == NULL; k++) {
        status = seal_side(&op->sides[k]);
        group_caller_lend(&op->caller, k, op->sides[k].held.rows);
    }
    if (status == NULL)
        status = call_groups(op);
    for (uint32_t k = 0; k < op->side_count; k++)
        held_rows_clear(&op->sides[k].held);
    return operator_fail_limit(op->node, op->partition, status);
}

static const struct operator_kind cogroup_kind = {
    .name = "groups",
    .begin_partition = cogroup_begin_partition,
    .push = cogroup_push,
    .push_port = cogroup_push_port,
    .end_partition = cogroup_end_partition,
    .destroy = cogroup_destroy,
};

/* ---- making it ---- */

barks_status *group_order(const struct step *step, uint32_t side, struct sort_key **out_order,
                          uint32_t *out_count)
{
    const struct index_list *keys = &step->keys[side];
    uint32_t more = side == 0 ? step->order_count : 0;
    struct sort_key *order = calloc((size_t)keys->count + more + 1, sizeof *order);
    if (order == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the order of groups");
    for (uint32_t i = 0; i < keys->count; i++)
        order[i].column = keys->items[i]; /* ascending, nulls last */
    for (uint32_t i = 0; i < more; i++)
        order[keys->count + i] = step->order[i];
    *out_order = order;
    *out_count = keys->count + more;
    return NULL;
}

BARKS_CHECKED static barks_status *fill_side(struct cogroup_operator *op, uint32_t k,
                                             const barks_schema *given)
{
    const struct step *step = &op->node->step;
    struct side *side = &op->sides[k];
    side->keys = &step->keys[k];
    side->key_columns = calloc((size_t)side->keys->count + 1, sizeof *side->key_columns);
    if (side->key_columns == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the rows of '%s'", step->function->name);
    BARKS_TRY(group_order(step, k, &side->order, &side->order_count));
    return held_rows_init(&side->held, op->base.task->services->pool, given);
}

BARKS_CHECKED static barks_status *fill_operator(struct cogroup_operator *op,
                                                 const struct operator_inputs *inputs)
{
    if (op->node->step.keys[0].count > SIDE_KEYS_MAX)
        BARKS_FAIL(BARKS_LIMIT, "%s: groups by more than %d keys", op->node->where, SIDE_KEYS_MAX);
    for (uint32_t i = 0; i < SIDE_KEYS_MAX; i++)
        op->compared[i].column = i;
    if (op->side_count > 1)
        BARKS_TRY(operator_ports_init(&op->base, op->side_count));
    for (uint32_t k = 0; k < op->side_count; k++)
        BARKS_TRY(fill_side(op, k, inputs->schemas[k]));
    return group_caller_init(&op->caller, &op->base, op->node, inputs->schemas, op->side_count);
}

OPERATOR_MAKER(cogroup)
{
    struct cogroup_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &cogroup_kind, .task = task};
    op->node = node;
    op->side_count = inputs->count;
    barks_status *status = fill_operator(op, inputs);
    if (status != NULL) {
        cogroup_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
