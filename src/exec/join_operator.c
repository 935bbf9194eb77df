/* Rows of two inputs by equal keys: input 1 is held and looked up, input 0 streams by. */
#include "base/pool.h"
#include "exec/join_table.h"
#include "exec/operator.h"
#include "exec/pair.h"

#include <stdlib.h>

struct join_operator {
    struct operator base;
    const struct pipe_node *node;
    enum join_kind kind;
    uint32_t partition;
    struct batch *held; /* the rows of input 1 in this partition */
    struct join_table table;
    bool is_sealed;        /* the table is made: input 1 is complete */
    uint64_t *is_matched;  /* right, full: a bit for each row held; from the pool */
    uint64_t *hashes;      /* room for lookup_capacity rows of input 0 */
    uint32_t *first_match; /* likewise */
    uint32_t lookup_capacity;
    uint32_t pair_count;
    uint32_t left_rows[BATCH_ROWS], right_rows[BATCH_ROWS]; /* pairs not given on yet */
    struct pair_output pairs;
};

static bool keeps_right(const struct join_operator *op)
{
    return op->kind == JOIN_RIGHT || op->kind == JOIN_FULL;
}

static size_t matched_bytes(const struct join_operator *op)
{
    return ((size_t)op->held->base.row_count / 64 + 1) * sizeof(uint64_t);
}

static void let_go(struct join_operator *op)
{
    if (op->is_matched != NULL)
        pool_release(op->base.task->services->pool, op->is_matched, matched_bytes(op));
    op->is_matched = NULL;
    join_table_drop(&op->table);
    op->is_sealed = false;
    op->pair_count = 0;
}

static void join_destroy(struct operator* self)
{
    struct join_operator *op = (struct join_operator *)self;
    if (op->held != NULL)
        let_go(op);
    batch_destroy(op->held);
    pair_output_drop(&op->pairs);
    free(op->hashes);
    free(op->first_match);
    free(op->base.ports);
    free(op);
}

static barks_status *join_begin_partition(struct operator* self, uint32_t partition)
{
    struct join_operator *op = (struct join_operator *)self;
    op->partition = partition;
    let_go(op);
    batch_clear(op->held);
    return NULL;
}

BARKS_CHECKED static barks_status *seal(struct join_operator *op)
{
    struct pool *pool = op->base.task->services->pool;
    const struct index_list *keys = &op->node->step.keys[1];
    if (op->is_sealed)
        return NULL;
    BARKS_TRY(join_table_build(&op->table, pool, op->held, keys->items, keys->count));
    if (keeps_right(op)) {
        void *memory = NULL;
        BARKS_TRY(pool_acquire(pool, matched_bytes(op), &memory));
        op->is_matched = memory;
        for (size_t i = 0; i < matched_bytes(op) / sizeof(uint64_t); i++)
            op->is_matched[i] = 0;
    }
    op->is_sealed = true;
    return NULL;
}

BARKS_CHECKED static barks_status *reserve_lookup(struct join_operator *op, uint32_t row_count)
{
    if (row_count <= op->lookup_capacity)
        return NULL;
    uint64_t *hashes = realloc(op->hashes, row_count * sizeof *hashes);
    if (hashes != NULL)
        op->hashes = hashes;
    uint32_t *first = realloc(op->first_match, row_count * sizeof *first);
    if (first != NULL)
        op->first_match = first;
    if (hashes == NULL || first == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to look up %u rows", row_count);
    op->lookup_capacity = row_count;
    return NULL;
}

BARKS_CHECKED static barks_status *give_pairs(struct join_operator *op, struct batch *left)
{
    uint32_t count = op->pair_count;
    op->pair_count = 0;
    return pair_output_add(&op->pairs, left, op->left_rows, op->held, op->right_rows, count);
}

BARKS_CHECKED static inline barks_status *add_pair(struct join_operator *op, struct batch *left,
                                                   uint32_t left_row, uint32_t right_row)
{
    op->left_rows[op->pair_count] = left_row;
    op->right_rows[op->pair_count++] = right_row;
    return op->pair_count == BATCH_ROWS ? give_pairs(op, left) : NULL;
}

BARKS_CHECKED static barks_status *pair_row(struct join_operator *op, struct batch *left,
                                            uint32_t row)
{
    uint32_t match = op->first_match[row];
    bool is_partnered = match != BARKS_NO_ROW;
    if (op->kind == JOIN_SEMI || op->kind == JOIN_ANTI)
        return is_partnered == (op->kind == JOIN_SEMI) ? add_pair(op, left, row, BARKS_NO_ROW)
                                                       : NULL;
    if (!is_partnered)
        return op->kind == JOIN_LEFT || op->kind == JOIN_FULL
                   ? add_pair(op, left, row, BARKS_NO_ROW)
                   : NULL;
    for (; match != BARKS_NO_ROW && !op->base.task->partition_done;
         match = join_table_next(&op->table, match)) {
        if (op->is_matched != NULL)
            op->is_matched[match / 64] |= UINT64_C(1) << match % 64;
        BARKS_TRY(add_pair(op, left, row, match));
    }
    return NULL;
}

BARKS_CHECKED static barks_status *look_up(struct join_operator *op, struct batch *left)
{
    BARKS_TRY(seal(op));
    BARKS_TRY(reserve_lookup(op, left->base.row_count));
    join_table_find(&op->table, &left->base, op->node->step.keys[0].items, op->hashes,
                    op->first_match);
    for (uint32_t row = 0; row < left->base.row_count; row++)
        BARKS_TRY(pair_row(op, left, row));
    return give_pairs(op, left);
}

static barks_status *join_push_port(struct operator* self, uint32_t port, struct batch *batch)
{
    struct join_operator *op = (struct join_operator *)self;
    barks_status *status =
        port == 0 ? look_up(op, batch)
                  : batch_append(op->held, batch, 0, batch->base.row_count, BATCH_KEEP);
    return operator_fail_limit(op->node, op->partition, status);
}

BARKS_CHECKED static barks_status *give_unmatched(struct join_operator *op)
{
    BARKS_TRY(seal(op));
    for (uint32_t row = 0; row < op->held->base.row_count && !op->base.task->partition_done; row++)
        if (((op->is_matched[row / 64] >> row % 64) & 1) == 0)
            BARKS_TRY(add_pair(op, NULL, BARKS_NO_ROW, row));
    return give_pairs(op, NULL);
}

static barks_status *join_end_partition(struct operator* self)
{
    struct join_operator *op = (struct join_operator *)self;
    barks_status *status = keeps_right(op) ? give_unmatched(op) : NULL;
    let_go(op);
    batch_clear(op->held);
    return operator_fail_limit(op->node, op->partition, status);
}

static const struct operator_kind join_kind = {
    .name = "join",
    .begin_partition = join_begin_partition,
    .push_port = join_push_port,
    .end_partition = join_end_partition,
    .destroy = join_destroy,
};

OPERATOR_MAKER(join)
{
    struct join_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &join_kind, .task = task};
    op->node = node;
    op->kind = (enum join_kind)node->step.numbers[0];
    barks_status *status = operator_ports_init(&op->base, 2);
    if (status == NULL)
        status = batch_create(task->services->pool, inputs->schemas[1], BATCH_ROWS, &op->held);
    if (status == NULL)
        status = pair_output_init(&op->pairs, &op->base, node, inputs);
    if (status != NULL) {
        join_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
