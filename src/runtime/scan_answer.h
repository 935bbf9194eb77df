/* What a running value is where each partition begins. */
#pragma once

#include "barks/status.h"
#include "plan/node.h"
#include "runtime/context.h"

/* Completes a step of STEP_SCAN over node's rows, whose function, env and initial are set: folds
 * each partition by a job, where there are several. what: for people. Errors: those of the job, of
 * the function. */
BARKS_CHECKED barks_status *answer_scan(barks_context *context, struct node *node, const char *what,
                                        struct step *scan);
