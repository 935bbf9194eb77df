/* Groups by keys: what the two operators share. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"
#include "exec/step.h"

#include <stdint.h>

enum { SIDE_KEYS_MAX = 64 };

/* The keys of input `side`, ascending, then what else rows of input 0 are ordered by. */
BARKS_CHECKED barks_status *group_order(const struct step *step, uint32_t side,
                                        struct sort_key **out_order, uint32_t *out_count);
