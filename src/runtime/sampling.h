/* Sorts need to know, before their first row, which ranges their partitions are: a sample of the
 * input decides. */
#pragma once

#include "barks/status.h"
#include "plan/node.h"
#include "runtime/context.h"

/* Finds the splitters of an exchange by ranges, by a job. what: the action, for people. Errors:
 * those of the job. */
BARKS_CHECKED barks_status *sampling_run(barks_context *context, struct node *range,
                                         const char *what);
