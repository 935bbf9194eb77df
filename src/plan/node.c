#include "plan/node.h"

#include "exec/custom_splits.h"
#include "io/listing.h"
#include "io/split.h"

#include <stdlib.h>

barks_status *node_error(const struct node *node)
{
    char text[2048];
    if (node->error == NULL)
        return NULL;
    barks_status_format(node->error, text, sizeof text);
    return barks_status_new(barks_status_code(node->error), NULL, barks_status_where(node->error),
                            "%s", text);
}

static void exchange_plan_drop(struct exchange_plan *exchange)
{
    index_list_drop(&exchange->keys);
    free(exchange->order);
    batch_destroy(exchange->splitters);
    step_drop(&exchange->step);
}

bool node_pairs_partitions(const struct node *node)
{
    enum step_kind kind = node->step.kind;
    return kind == STEP_PAIR || kind == STEP_JOIN || kind == STEP_COGROUP || kind == STEP_CROSS ||
           kind == STEP_WINDOWS || (kind == STEP_UNION && node->step.numbers[0] != 0);
}

void node_find_place(struct node *node)
{
    enum step_kind kind = node->step.kind;
    bool renumbers = kind == STEP_PICK || (kind == STEP_UNION && node->step.numbers[0] == 0);
    node->is_above_exchange = kind == STEP_EXCHANGE;
    node->is_above_kept = kind == STEP_KEEP || kind == STEP_KEPT;
    node->is_above_together = step_is_together(&node->step);
    node->is_shifted = kind == STEP_KEPT;
    if (kind == STEP_EXCHANGE || kind == STEP_BROADCAST) /* lie anew, or everywhere */
        return;
    for (uint32_t i = 0; i < node->input_count; i++) {
        const struct node *input = node->inputs[i];
        node->is_above_exchange |= input->is_above_exchange;
        node->is_above_kept |= input->is_above_kept;
        node->is_above_together |= input->is_above_together;
        node->is_shifted |= input->is_shifted || (renumbers && node_reads_exchange(input));
    }
}

void node_destroy(struct node *node)
{
    if (node == NULL)
        return;
    barks_status_free(node->error);
    step_drop(&node->step);
    free(node->name);
    free(node->needs);
    free(node->bad_rows.quarantine);
    free(node->bad_rows.token);
    free(node->inputs);
    free(node->row_firsts);
    partitioning_drop(&node->partitioning);
    if (node->splits != NULL)
        split_plan_drop(node->splits);
    free(node->splits);
    if (node->listing != NULL)
        listing_drop(node->listing);
    free(node->listing);
    custom_splits_destroy(node->custom);
    batch_destroy(node->rows);
    exchange_plan_drop(&node->exchange);
    kept_state_destroy(node->kept);
    free(node->was);
    free(node);
}

/* ---- what is kept ---- */

barks_status *kept_state_create(uint32_t partition_count, bool has_copies,
                                struct kept_state **out_kept)
{
    size_t count = (size_t)partition_count + 1;
    struct kept_state *kept = calloc(1, sizeof *kept);
    if (kept != NULL) {
        kept->at = calloc(count, sizeof *kept->at);
        kept->partitions = calloc(count, sizeof *kept->partitions);
    }
    if (kept != NULL && has_copies) {
        kept->copy_at = calloc(count, sizeof *kept->copy_at);
        kept->copies = calloc(count, sizeof *kept->copies);
        kept->is_copied = calloc(count, sizeof *kept->is_copied);
    }
    bool has_all =
        kept != NULL && kept->at != NULL && kept->partitions != NULL &&
        (!has_copies || (kept->copy_at != NULL && kept->copies != NULL && kept->is_copied != NULL));
    if (!has_all) {
        kept_state_destroy(kept);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to keep a dataset of %u partitions",
                   partition_count);
    }
    *out_kept = kept;
    return NULL;
}

void kept_state_destroy(struct kept_state *kept)
{
    if (kept == NULL)
        return;
    free(kept->at);
    free(kept->partitions);
    free(kept->copy_at);
    free(kept->copies);
    free(kept->is_copied);
    free(kept);
}
