/* Which stage of a job fills which shuffle. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stdint.h>

struct job_plan;

struct shuffle_entry {
    uint64_t shuffle;
    uint32_t stage;
};
struct shuffle_index {
    struct shuffle_entry *entries; /* owned; ascending */
    uint32_t count;
};

/* Ends with shuffle_index_drop. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *shuffle_index_make(const struct job_plan *plan,
                                               struct shuffle_index *out);
void shuffle_index_drop(struct shuffle_index *index);

/* False: none of them. O(log stages). */
bool shuffle_index_find(const struct shuffle_index *index, uint64_t shuffle, uint32_t *out_stage);
