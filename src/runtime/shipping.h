/* Files at the driver, on their way to all executors. */
#pragma once

#include "barks/status.h"
#include "runtime/context.h"

/* Sends a file, or a directory with all in it, through the tree of executors, and waits until each
 * has it. what: the call, for errors. Errors: BARKS_IO, BARKS_INVALID (a name that was shipped, a
 * device), BARKS_LIMIT (an executor's disk is full), BARKS_LOST. */
BARKS_CHECKED barks_status *shipping_send(barks_context *context, const char *path,
                                          const char *what);

/* Where the driver has it from, or NULL; the context's. */
const char *shipping_find(const barks_context *context, const char *name);

void shipping_drop(barks_context *context);
