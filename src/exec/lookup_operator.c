/* Rows that stream by, by equal keys with rows that every executor holds: a join of which one side
 * was broadcast. */
#include "exec/join_probe.h"
#include "exec/operator.h"
#include "exec/shared_rows.h"

#include <stdlib.h>

struct lookup_operator {
    struct operator base;
    const struct pipe_node *node;
    struct join_probe probe;
    struct pair_output pairs;
};

/* ---- the table, once for an executor ---- */

struct shared_table {
    struct join_table table;
    struct index_list keys; /* owned: of the table */
};

static void destroy_table(void *object)
{
    struct shared_table *shared = object;
    join_table_drop(&shared->table);
    index_list_drop(&shared->keys);
    free(shared);
}

static barks_status *make_table(const void *wanted, const struct batch *rows, void **out_object)
{
    const struct index_list *keys = wanted;
    struct shared_table *shared = calloc(1, sizeof *shared);
    if (shared == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the rows of a broadcast");
    barks_status *status = index_list_copy(keys->items, keys->count, &shared->keys);
    if (status == NULL)
        status = join_table_build(&shared->table, rows->pool, rows, shared->keys.items,
                                  shared->keys.count);
    if (status != NULL) {
        destroy_table(shared);
        return status;
    }
    *out_object = shared;
    return NULL;
}

static bool is_table_of(const void *object, const void *wanted)
{
    return index_list_equal(&((const struct shared_table *)object)->keys, wanted);
}

static const struct shared_kind table_kind = {
    .make = make_table, .is_wanted = is_table_of, .destroy = destroy_table};

/* Where there is no room for the table, more partitions do not help. */
BARKS_CHECKED static barks_status *find_table(struct lookup_operator *op)
{
    const struct pipe_node *node = op->node;
    const struct task *task = op->base.task;
    uint32_t held = 1 - op->probe.streamed;
    const struct pipe_node *broadcast = &task->spec->pipeline->nodes[node->inputs[held]];
    void *object = NULL;
    barks_status *status =
        shared_rows_object(task->services->shared, (uint64_t)broadcast->step.numbers[0],
                           &table_kind, &node->step.keys[held], &object);
    if (status != NULL)
        return barks_status_new(barks_status_code(status), status, BARKS_HERE,
                                "join at %s with a side that every executor holds; .broadcast = "
                                "BARKS_NEVER exchanges both sides",
                                node->where);
    op->probe.table = &((struct shared_table *)object)->table;
    return NULL;
}

/* ---- the operator ---- */

static void lookup_destroy(struct operator* self)
{
    struct lookup_operator *op = (struct lookup_operator *)self;
    join_probe_drop(&op->probe);
    pair_output_drop(&op->pairs);
    free(op);
}

static barks_status *lookup_push(struct operator* self, struct batch *batch)
{
    struct lookup_operator *op = (struct lookup_operator *)self;
    if (op->probe.table == NULL)
        BARKS_TRY(find_table(op));
    return join_probe_rows(&op->probe, batch);
}

static const struct operator_kind lookup_kind = {
    .name = "broadcast join",
    .push = lookup_push,
    .destroy = lookup_destroy,
};

OPERATOR_MAKER(lookup)
{
    struct lookup_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &lookup_kind, .task = task};
    op->node = node;
    join_probe_init(&op->probe, node, (uint32_t)node->step.numbers[1], &op->pairs);
    barks_status *status = pair_output_init(&op->pairs, &op->base, node, inputs);
    if (status != NULL) {
        lookup_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
