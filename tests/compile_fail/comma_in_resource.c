#include "job.h"

BARKS_RESOURCE(model, struct limits) /* error: a comma or a record is missing & BARKS_RESOURCE(name, type, free function[, env]) & model, struct limits */
{
    resource->count_min = 1;
}
