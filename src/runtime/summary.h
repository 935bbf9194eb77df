/* The last line of a job: what it read, moved, wrote, and took. */
#pragma once

#include "barks/context.h"

/* Says it through the progress of the driver; nothing when quiet, or when no action ran. */
void summary_print(const barks_context *context);
