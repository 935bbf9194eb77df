#include "plan/text_node.h"

#include "io/listing.h"
#include "io/split.h"
#include "plan/node.h"

#include <stdlib.h>

barks_status *text_node_fill(struct node *node, const char *const *paths, size_t path_count,
                             uint64_t split_bytes)
{
    struct listing_options options = {0};
    node->listing = calloc(1, sizeof *node->listing);
    node->splits = calloc(1, sizeof *node->splits);
    if (node->listing == NULL || node->splits == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a list of files");
    BARKS_TRY(listing_make(paths, path_count, &options, node->listing));
    BARKS_TRY(split_plan_make(node->listing, split_bytes, node->splits));
    node->partition_count =
        (uint32_t)node->splits->partition_count; /* at most SPLIT_PARTITIONS_MAX */
    return NULL;
}
