#include "plan/node.h"

#include "io/listing.h"
#include "io/split.h"

#include <stdlib.h>

void node_forget_action(struct node *node)
{
    batch_destroy(node->splitters);
    node->splitters = NULL;
    node->shuffle = 0;
}

barks_status *node_error(const struct node *node)
{
    char text[2048];
    if (node->error == NULL)
        return NULL;
    barks_status_format(node->error, text, sizeof text);
    return barks_status_new(barks_status_code(node->error), NULL, barks_status_where(node->error),
                            "%s", text);
}

void node_destroy(struct node *node)
{
    if (node == NULL)
        return;
    node_forget_action(node);
    barks_status_free(node->error);
    free(node->inputs);
    if (node->splits != NULL)
        split_plan_drop(node->splits);
    free(node->splits);
    if (node->listing != NULL)
        listing_drop(node->listing);
    free(node->listing);
    batch_destroy(node->rows);
    free(node->env);
    free(node->initial);
    free(node->key_fields);
    free(node->sort_keys);
    free(node);
}
