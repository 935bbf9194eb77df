/* Sorts need to know, before their first row, which ranges their partitions are: a sample of the
 * input decides. */
#pragma once

#include "barks/status.h"
#include "plan/node.h"
#include "runtime/context.h"

/* Finds the splitters of every sort in the lineage of node that has none, inputs first, by a job
 * for each. what: the action, for people. Errors: those of the jobs. */
BARKS_CHECKED barks_status *sampling_run(barks_context *context, struct node *node,
                                         const char *what);

/* The same outside of an action, for an operation that wants to know the ranges. */
BARKS_CHECKED barks_status *sampling_run_now(barks_context *context, struct node *node,
                                             const char *what);
