/* Broadcast values at the driver. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"
#include "runtime/context.h"

#include <stdint.h>

/* Sends the rows to all executors and waits until each has them. what: the call, for errors.
 * is_users: bodies may be handed it, not only steps of barks.
 * Errors: BARKS_LIMIT (an executor has no room), BARKS_NO_MEMORY, BARKS_LOST. */
BARKS_CHECKED barks_status *shared_values_send(barks_context *context, const struct batch *rows,
                                               const char *what, bool is_users, uint64_t *out_id);
/* Frees the value on all executors, once no job runs, which might use it. Under the planning lock.
 * Errors: BARKS_NO_MEMORY, BARKS_LOST. */
BARKS_CHECKED barks_status *shared_values_drop(barks_context *context, uint64_t id);
/* A job has ended, under the planning lock. */
void shared_values_end_job(barks_context *context);
