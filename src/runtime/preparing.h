/* What must be known, or lie at the executors, before the jobs of an action can be planned. */
#pragma once

#include "barks/status.h"
#include "plan/node.h"
#include "runtime/context.h"

/* Finds the splitters of every sort in the lineage of node that has none, and sends the rows of
 * every broadcast that was not sent, inputs first, by a job for each. Under the planning lock,
 * which is given back meanwhile. what: the action, for people. Errors: those of the jobs. */
BARKS_CHECKED barks_status *preparing_run(barks_context *context, struct node *node,
                                          const char *what);
/* The same outside of an action, for an operation that wants to know the ranges. */
BARKS_CHECKED barks_status *preparing_run_now(barks_context *context, struct node *node,
                                              const char *what);
