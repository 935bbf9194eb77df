/* What tasks need beside a worker. */
#include "barks/needs.h"
#include "exec/step_needs.h"
#include "rdd/dataset.h"

#include <stdlib.h>

BARKS_CHECKED static barks_status *read(const barks_needs *needs, const char *where,
                                        struct step_needs **out)
{
    struct step_needs read = {
        .threads = needs->threads, .memory_bytes = needs->memory_bytes, .where = where};
    if (needs->resources != NULL)
        BARKS_TRY_DOING(name_counts_read(needs->resources, "resources", &read.resources),
                        "set_needs at %s", where);
    struct step_needs *copy = malloc(sizeof *copy);
    if (copy == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for what tasks need");
    *copy = read;
    *out = copy;
    return NULL;
}

barks_rdd *barks_set_needs_at(barks_rdd *rdd, const barks_needs *needs, const char *where)
{
    struct step_needs *own = NULL;
    if (rdd->context == NULL || rdd->node.error != NULL)
        return rdd;
    barks_status *status = read(needs, where, &own);
    if (status != NULL)
        return dataset_fail(rdd, status);
    free(rdd->node.needs);
    rdd->node.needs = own;
    return rdd;
}
