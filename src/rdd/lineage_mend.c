#include "rdd/lineage_mend.h"

#include "plan/determinism.h"

#include <stdlib.h>

BARKS_CHECKED static barks_status *make_handle(barks_context *context, barks_rdd **out_rdd)
{
    barks_rdd *rdd = calloc(1, sizeof *rdd);
    if (rdd == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a dataset");
    rdd->context = context;
    *out_rdd = rdd;
    return NULL;
}

/* node becomes a step above inner, which has all that was node's. What actions of other threads
 * read without the planning lock stays as it is, since it is the same: place, record, partitions,
 * error.
 */
static void become_above(struct node *node, struct node *inner, struct node **inputs)
{
    inputs[0] = inner;
    node->step = (struct step){.kind = STEP_KEEP};
    node->inputs = inputs;
    node->input_count = 1;
    node->determinism = node->determinism_below = 0;
    node->knows_input_bytes = false;
    node->row_firsts = NULL;
    node->was = NULL;
    node->needs = NULL;
    node->run = (struct node_run){0};
    node->listing = NULL;
    node->splits = NULL;
    node->bad_rows = (struct node_bad_rows){0};
    node->custom = NULL;
    node->rows = NULL;
    node->exchange = (struct exchange_plan){0};
    node->kept = NULL;
    node_find_place(node);
    node_note_determinism(node);
}

/* Errors: as context_add_node_locked, which has destroyed inner then, with all that was node's. */
BARKS_CHECKED static barks_status *add_inner(barks_rdd *rdd, barks_rdd *inner,
                                             struct index_list fields)
{
    struct partitioning own = rdd->node.partitioning;
    inner->node = rdd->node;
    inner->node.name = NULL; /* the name and its own list of fields stay with the handle */
    inner->node.partitioning.fields = fields;
    barks_status *status = context_add_node_locked(rdd->context, &inner->node);
    if (status != NULL) {
        rdd->node = (struct node){.id = rdd->node.id,
                                  .where = rdd->node.where,
                                  .name = rdd->node.name,
                                  .knows_partitioning = true,
                                  .partitioning = own};
        rdd->node.error = status;
    }
    return NULL;
}

barks_status *lineage_put_above(barks_rdd *rdd, barks_rdd **out_inner)
{
    struct index_list fields = {0};
    barks_rdd *inner = NULL;
    (void)partitioning_rely(&rdd->node); /* what is kept has the rows where they are known to be */
    const struct index_list *known = &rdd->node.partitioning.fields;
    BARKS_TRY(index_list_copy(known->items, known->count, &fields));
    struct node **inputs = calloc(1, sizeof(struct node *));
    barks_status *status = inputs != NULL ? make_handle(rdd->context, &inner)
                                          : barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                                             "no memory for a dataset");
    if (status == NULL)
        status = add_inner(rdd, inner, fields);
    else
        index_list_drop(&fields);
    if (status != NULL || rdd->node.error != NULL) {
        free(inputs);
        return status;
    }
    become_above(&rdd->node, &inner->node, inputs);
    *out_inner = inner;
    return NULL;
}

/* ---- mending ---- */

struct mending {
    barks_context *context;
    struct visit {
        struct node *node;
        uint32_t next_input;
    } * stack;           /* owned: by depth */
    bool *seen;          /* owned: by id */
    uint32_t node_count; /* when it began: those that are added need no mending */
    uint32_t depth;
};

/* The input moved to where its partitions' numbers say. */
BARKS_CHECKED static barks_status *align_input(barks_context *context, struct node *node,
                                               uint32_t index)
{
    struct node *input = node->inputs[index];
    barks_rdd *moved = NULL;
    struct node exchange = {.step.kind = STEP_EXCHANGE,
                            .where = node->where,
                            .record = input->record,
                            .partition_count = input->partition_count,
                            .inputs = calloc(1, sizeof(struct node *)),
                            .input_count = 1,
                            .exchange.kind = PARTITION_ONE};
    if (exchange.inputs == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a dataset");
    exchange.inputs[0] = input;
    node_find_place(&exchange);
    node_note_determinism(&exchange);
    barks_status *status = make_handle(context, &moved);
    if (status != NULL) {
        free(exchange.inputs);
        return status;
    }
    moved->node = exchange;
    BARKS_TRY(context_add_node_locked(context, &moved->node)); /* destroys it where it fails */
    partitioning_know(&moved->node);
    node->inputs[index] = &moved->node;
    return NULL;
}

BARKS_CHECKED static barks_status *mend_node(barks_context *context, struct node *node)
{
    /* Neighbours that lie on one executor each are brought together by an exchange, as they are
     * where a coalesce is made above what lies so already. */
    if (node->step.kind == STEP_COALESCE && node_reads_exchange(node->inputs[0])) {
        node->step.kind = STEP_EXCHANGE;
        node->exchange.kind = PARTITION_ONE;
    }
    for (uint32_t i = 0; i < node->input_count; i++)
        if (node_pairs_partitions(node) && node->inputs[i]->is_shifted)
            BARKS_TRY(align_input(context, node, i));
    node_find_place(node);
    return NULL;
}

/* All that node is made of, inputs first. */
BARKS_CHECKED static barks_status *mend_from(struct mending *mending, struct node *node)
{
    mending->stack[mending->depth++] = (struct visit){.node = node};
    mending->seen[node->id] = true;
    while (mending->depth > 0) {
        struct visit *top = &mending->stack[mending->depth - 1];
        if (top->next_input == top->node->input_count) {
            mending->depth--;
            BARKS_TRY(mend_node(mending->context, top->node));
            continue;
        }
        struct node *input = top->node->inputs[top->next_input++];
        if (input->id >= mending->node_count || mending->seen[input->id])
            continue;
        mending->seen[input->id] = true;
        mending->stack[mending->depth++] = (struct visit){.node = input};
    }
    return NULL;
}

barks_status *lineage_mend(barks_context *context)
{
    struct mending mending = {.context = context, .node_count = context->node_count};
    mending.stack = calloc((size_t)mending.node_count + 1, sizeof *mending.stack);
    mending.seen = calloc((size_t)mending.node_count + 1, sizeof *mending.seen);
    barks_status *status = NULL;
    if (mending.stack == NULL || mending.seen == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                  "no memory to go through %u datasets", mending.node_count);
    for (uint32_t i = 0; i < mending.node_count && status == NULL; i++)
        if (!mending.seen[i])
            status = mend_from(&mending, context->nodes[i]);
    free(mending.stack);
    free(mending.seen);
    return status;
}
