/* Whether a dataset that is computed again has the same rows. */
#pragma once

#include "barks/explain.h"

struct node;

/* Of the node's rows, by its own word and what it is made of. Not recursive: nodes note what their
 * inputs were when they were made. */
unsigned node_determinism(const struct node *node); /* a barks_determinacy */

/* Notes it for a node whose inputs are set. */
void node_note_determinism(struct node *node);
