/* Writing a dataset into a sink of the job's own. */
#pragma once

#include "barks/function.h"
#include "barks/status.h"
#include "plan/node.h"
#include "runtime/context.h"

/* Errors: those of the sink's phases and of the job; the sink has then been aborted. */
BARKS_CHECKED barks_status *action_write_custom(barks_context *context, struct node *node,
                                                const barks_function *sink, const void *env,
                                                const char *what);
