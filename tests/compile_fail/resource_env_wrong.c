#include "job.h"

static void free_limits(struct limits *limits) { (void)limits; }

BARKS_RESOURCE(model, struct limits, free_limits, struct limits)
{
    *resource = *env;
}

BARKS_FILTER(is_long, line)
{
    const struct limits *shared = barks_resource(model, "text"); /* error: env does not point to the env type of model */
    return in->text.length > shared->count_min;
}
