/* Samples by key: what is asked of each, and how just so many rows are found. */
#pragma once

#include "exec/strata.h"
#include "rdd/dataset.h"

/* What is drawn of which rows. Begins zeroed, ends with strata_plan_drop. */
struct strata_plan {
    barks_rdd *input;
    uint64_t seed;
    bool with_replacement;
    uint32_t *columns; /* the rows' key columns; owned */
    uint32_t key_count;
    const barks_record *key_record; /* of keys, named as the rows' */
    struct batch *fractions;        /* what was given; owned */
    barks_column *key_columns;      /* views of fractions, of key_record; owned */
    struct stratum *strata;         /* one for each fraction, or one of all rows; owned */
    uint32_t count;
    int64_t fixed_count; /* rows of the only stratum; below 0: a fraction of each */
    const char *where;
};
void strata_plan_drop(struct strata_plan *plan);

/* The rows that plan->strata draw as kind (enum sample_kind) says. */
barks_rdd *strata_dataset(const struct strata_plan *plan, int kind);

/* Sets the strata so that SAMPLE_LOWEST draws just so many rows, by jobs. Errors: those of the
 * jobs, BARKS_LIMIT, BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *strata_choose_lowest(struct strata_plan *plan);
