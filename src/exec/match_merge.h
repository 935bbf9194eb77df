/* What was found on disk for the left rows of a join, put in their order and paired with them. */
#pragma once

#include "exec/pair.h"
#include "exec/pile_join.h"

#include <stdint.h>

struct match_merge_options {
    struct task *task; /* borrowed, as all that follows */
    const struct pipe_node *node;
    struct pair_output *pairs;
    const barks_schema *left, *right; /* of the rows that are paired */
    const uint32_t *given;            /* columns of the right that pairs are made of */
    uint32_t given_count;
    const barks_schema *found; /* of matches and alone: the given columns, and the numbers */
};

/* Gives on the pairs of left's rows, which are numbered in their order from 0 on, and of matches,
 * as the join would do it in memory; then alone by their numbers. All runs are empty afterwards,
 * whatever fails. Errors: those of memory and disk, of operators further on. */
BARKS_CHECKED barks_status *matches_merge(const struct match_merge_options *options,
                                          struct row_run *left, struct match_runs *matches,
                                          struct match_runs *alone);
