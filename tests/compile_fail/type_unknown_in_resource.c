#include "job.h"

static void free_limits(struct limits *limits) { (void)limits; }

BARKS_RESOURCE(model, limit, free_limits) /* error: limit */
{
    resource->count_min = 1;
}
