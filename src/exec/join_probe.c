#include "exec/join_probe.h"

#include <stdlib.h>

void join_probe_init(struct join_probe *probe, const struct pipe_node *node, uint32_t streamed,
                     struct pair_output *pairs)
{
    probe->kind = (enum join_kind)node->step.numbers[0];
    probe->node = node;
    probe->streamed = streamed;
    probe->pairs = pairs;
}

void join_probe_drop(struct join_probe *probe)
{
    free(probe->first_match);
    probe->first_match = NULL;
}

/* A streamed row without a partner is a row of the result. */
static bool keeps_streamed(const struct join_probe *probe)
{
    return probe->kind == JOIN_FULL ||
           probe->kind == (probe->streamed == 0 ? JOIN_LEFT : JOIN_RIGHT);
}

BARKS_CHECKED static barks_status *reserve(struct join_probe *probe, uint32_t row_count)
{
    if (row_count <= probe->capacity)
        return NULL;
    uint32_t *first = realloc(probe->first_match, row_count * sizeof *first);
    if (first == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to look up %u rows", row_count);
    probe->first_match = first;
    probe->capacity = row_count;
    return NULL;
}

/* streamed: whose rows the pairs name; NULL: none, they are held rows alone. */
BARKS_CHECKED static barks_status *give_pairs(struct join_probe *probe,
                                              const struct batch *streamed)
{
    const struct batch *sides[2] = {streamed, streamed};
    uint32_t count = probe->pair_count;
    bool is_alone = probe->kind == JOIN_SEMI || probe->kind == JOIN_ANTI;
    sides[1 - probe->streamed] = is_alone ? NULL : probe->table->rows;
    probe->pair_count = 0;
    return pair_output_add(probe->pairs, sides[0], probe->rows[0], sides[1], probe->rows[1], count);
}

BARKS_CHECKED static inline barks_status *add_pair(struct join_probe *probe,
                                                   const struct batch *streamed,
                                                   uint32_t streamed_row, uint32_t held_row)
{
    probe->rows[probe->streamed][probe->pair_count] = streamed_row;
    probe->rows[1 - probe->streamed][probe->pair_count++] = held_row;
    return probe->pair_count == BATCH_ROWS ? give_pairs(probe, streamed) : NULL;
}

BARKS_CHECKED static barks_status *pair_row(struct join_probe *probe, const struct batch *batch,
                                            uint32_t row)
{
    uint32_t match = probe->first_match[row];
    bool is_partnered = match != BARKS_NO_ROW;
    if (probe->kind == JOIN_SEMI || probe->kind == JOIN_ANTI)
        return is_partnered == (probe->kind == JOIN_SEMI)
                   ? add_pair(probe, batch, row, BARKS_NO_ROW)
                   : NULL;
    if (!is_partnered)
        return keeps_streamed(probe) ? add_pair(probe, batch, row, BARKS_NO_ROW) : NULL;
    for (; match != BARKS_NO_ROW && !probe->pairs->op->task->partition_done;
         match = join_table_next(probe->table, match)) {
        if (probe->is_matched != NULL)
            probe->is_matched[match / 64] |= UINT64_C(1) << match % 64;
        BARKS_TRY(add_pair(probe, batch, row, match));
    }
    return NULL;
}

barks_status *join_probe_rows(struct join_probe *probe, struct batch *batch)
{
    uint32_t row_count = batch->base.row_count;
    BARKS_TRY(reserve(probe, row_count));
    join_table_find(probe->table, &batch->base, probe->node->step.keys[probe->streamed].items,
                    probe->first_match);
    for (uint32_t row = 0; row < row_count; row++)
        BARKS_TRY(pair_row(probe, batch, row));
    return give_pairs(probe, batch);
}

barks_status *join_probe_unmatched(struct join_probe *probe)
{
    uint32_t row_count = probe->table->rows->base.row_count;
    for (uint32_t row = 0; row < row_count && !probe->pairs->op->task->partition_done; row++)
        if (((probe->is_matched[row / 64] >> row % 64) & 1) == 0)
            BARKS_TRY(add_pair(probe, NULL, BARKS_NO_ROW, row));
    return give_pairs(probe, NULL);
}
