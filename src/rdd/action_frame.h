/* What every action begins and ends with. */
#pragma once

#include "rdd/dataset.h"

#include <stdbool.h>

enum { ACTION_NAME_BYTES = 256 };

/* "count at job.c:12". */
void action_name(char *what, const char *action, const char *where);

/* The context that an action runs in, or NULL after it has said why there is none. */
barks_context *action_context(const barks_rdd *rdd, const char *what);

/* True where status is NULL; else the error is told, and false. Takes status. */
bool action_is_done(barks_context *context, barks_status *status);
