/* What the driver knows of kept datasets: which executor keeps which partition. */
#pragma once

#include "barks/action.h"
#include "barks/status.h"
#include "plan/node.h"
#include "runtime/context.h"

#include <stdint.h>

/* Under the planning lock, all of them. */

/* The dataset of node, of kind STEP_KEEP, is to be kept from now on. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *kept_state_begin(barks_context *context, struct node *node,
                                             const barks_persist_options *options);
unsigned kept_state_level(const struct kept_state *kept); /* the barks_level */
/* No longer: executors are told to forget it. Errors: those of driver_post. */
BARKS_CHECKED barks_status *kept_state_end(barks_context *context, struct node *node);

/* Takes in what executors have said since the last call; context->kept_changes counts it. */
void kept_state_update(barks_context *context);
