/* Datasets from sources, and into sinks, of the job's own. */
#include "barks/custom.h"

#include "base/config.h"
#include "exec/custom_source.h"
#include "rdd/action_frame.h"
#include "runtime/custom_write.h"

#include <stdio.h>
#include <stdlib.h>

BARKS_CHECKED static barks_status *fill_source(barks_rdd *rdd, const barks_function *source,
                                               const void *env, const char *where)
{
    barks_context *context = rdd->context;
    struct node *node = &rdd->node;
    node->step.function = source;
    BARKS_TRY(copy_env(env, source, where, &node->step.env));
    node->custom = calloc(1, sizeof *node->custom);
    if (node->custom == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for splits", where);
    BARKS_TRY_DOING(custom_source_list(source, node->step.env, context->pool, node->custom),
                    "%s: read from '%s'", where, source->name);
    BARKS_TRY(
        custom_splits_partition(node->custom, config_bytes(&context->config, CONFIG_SPLIT_BYTES)));
    node->partition_count = node->custom->partition_count;
    return NULL;
}

barks_rdd *barks_read_custom_at(barks_context *context, const barks_function *source,
                                const void *env, const char *where)
{
    barks_rdd *rdd = dataset_create(context, STEP_CUSTOM, NULL, 0, where);
    rdd->node.record = source->out;
    if (rdd->context == NULL)
        return rdd;
    barks_status *status = fill_source(rdd, source, env, where);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

static barks_status *run_write_custom(struct action *action)
{
    return action_write_custom(action->context, action->node, action->function, action->env,
                               action->what);
}

bool barks_write_custom_at(barks_rdd *rdd, const barks_function *sink, const void *env,
                           const char *where)
{
    char name[128];
    snprintf(name, sizeof name, "write into '%.100s'", sink->name);
    struct action action = action_of(rdd, name, where, run_write_custom);
    action.function = sink;
    if (action.context != NULL && action.status == NULL)
        action.status = check_fields(action.rdd, sink->in, sink->name, where);
    if (action.context != NULL && action.status == NULL)
        action.status = copy_env(env, sink, where, &action.env);
    return action_perform(&action);
}
