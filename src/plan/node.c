#include "plan/node.h"

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
    node->is_shifted = kind == STEP_KEPT;
    if (kind == STEP_EXCHANGE || kind == STEP_BROADCAST) /* lie anew, or everywhere */
        return;
    for (uint32_t i = 0; i < node->input_count; i++) {
        const struct node *input = node->inputs[i];
        node->is_above_exchange |= input->is_above_exchange;
        node->is_above_kept |= input->is_above_kept;
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
    batch_destroy(node->rows);
    exchange_plan_drop(&node->exchange);
    if (node->kept != NULL) {
        free(node->kept->at);
        free(node->kept->partitions);
    }
    free(node->kept);
    free(node);
}
