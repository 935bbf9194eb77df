/* The inside of stage_cut: what its files (stage_cut.c, stage_fill.c) share. */
#pragma once

#include "plan/stage_cut.h"

#include <stdbool.h>
#include <stdint.h>

struct cut {
    const struct cut_options *options;
    struct job_plan *plan;
    bool reads_each_once; /* no exchange is read by two steps */
    bool is_together;     /* the stage that is cut now: its input may be read again */
    uint32_t *stage_of;   /* by node id, of exchanges: index of the stage that fills it, plus 1 */
    uint32_t *copies_of;  /* likewise, of HOT_FIRST: of the stage that adds copies to it; or 0 */
    bool is_trial;        /* to find the exchanges that are read: a stage's parents are node ids */
};

/* Nodes reachable from root, inputs before consumers; through exchanges too when whole. Owned by
 * the caller. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *nodes_in_order(struct node *root, uint32_t node_count, bool whole,
                                           struct node ***out_nodes, uint32_t *out_count);

/* The stage that computes `last` for a terminal, which is taken: zeroed once the stage has it.
 * Errors: BARKS_NO_MEMORY, those of kept_places_choose. */
BARKS_CHECKED barks_status *stage_fill(struct cut *cut, struct node *last,
                                       struct terminal *terminal, struct stage_plan *stage);
