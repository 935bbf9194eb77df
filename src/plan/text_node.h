/* The files behind a dataset of text. */
#pragma once

#include "barks/status.h"

#include <stddef.h>
#include <stdint.h>

struct node;

/* Lists the files of paths and cuts them into the node's partitions. Errors: as listing_make and
 * split_plan_make. */
BARKS_CHECKED barks_status *text_node_fill(struct node *node, const char *const *paths,
                                           size_t path_count, uint64_t split_bytes);
