/* Steps of a plan in words. */
#pragma once

#include "barks/status.h"
#include "base/buffer.h"
#include "plan/node.h"

BARKS_CHECKED barks_status *plan_text_put(struct buffer *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What the step does: "map 'parse'", "exchange by hash of key". */
BARKS_CHECKED barks_status *plan_text_step(struct buffer *out, const struct node *node);
/* "8 partitions by hash of key"; what is found out is noted in the node. */
BARKS_CHECKED barks_status *plan_text_partitioning(struct buffer *out, struct node *node);
