#include "plan/stage_needs.h"

#include "plan/gang_steps.h"

#include <stdlib.h>

barks_status *needs_find(struct pipeline *pipeline)
{
    bool *is_computed = NULL;
    barks_status *status = NULL;
    BARKS_TRY(pipeline_find_computed(pipeline, &is_computed));
    pipeline->needs = (struct step_needs){0};
    for (uint32_t i = 0; i < pipeline->node_count && status == NULL; i++) {
        struct pipe_node *node = &pipeline->nodes[i];
        if (!is_computed[i] || pipe_node_is_kept_whole(node))
            node->needs = NULL;
        if (node->needs != NULL)
            status = step_needs_add(&pipeline->needs, node->needs);
    }
    free(is_computed);
    return status;
}
