/* Answers of which each partition gives a small part. */
#include "exec/partial.h"

#include "exec/partial_states.h"
#include "exec/step.h"

#include <stdlib.h>
#include <string.h>

const struct partial_kind *partial_find(const char *name)
{
    static const struct partial_kind *const kinds[] = {
        &partial_stats, &partial_histogram, &partial_distinct, &partial_quantiles, &partial_ranks};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}

struct partial_options partial_options_of(const struct step *step)
{
    struct partial_options options = {.columns = step->columns[0].items,
                                      .column_count = step->columns[0].count,
                                      .error = step->reals[0]};
    if (step->numbers[0] == 1) {
        options.ranges = (const uint64_t *)(const void *)step->bytes;
        options.range_count = (uint32_t)(step->size_bytes / (2 * sizeof(uint64_t)));
    } else {
        options.values = (const double *)(const void *)step->bytes;
        options.value_count = (uint32_t)(step->size_bytes / sizeof(double));
    }
    return options;
}

barks_status *partial_create(const struct partial_kind *kind, const struct partial_options *options,
                             void **out_state)
{
    void *state = calloc(1, kind->state_bytes);
    if (state == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a part of an answer");
    barks_status *status = kind->begin(state, options);
    if (status != NULL) {
        partial_destroy(kind, state);
        return status;
    }
    *out_state = state;
    return NULL;
}

void partial_destroy(const struct partial_kind *kind, void *state)
{
    if (state != NULL)
        kind->drop(state);
    free(state);
}
