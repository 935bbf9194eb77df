/* Records handed to a function as they come, by a thread of its own. */
#pragma once

#include "barks/status.h"
#include "history/history_record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Called by the tap's thread, one record after another; a DROPPED one stands where some are
 * missing. The record is the tap's. */
typedef void history_taker(void *context, const struct history_record *record);

struct history_tap;

/* Takes context, which is freed (free) with the tap. Errors: BARKS_NO_MEMORY, BARKS_LIMIT (no
 * thread); context is then the caller's. */
BARKS_CHECKED barks_status *history_tap_start(size_t queue_bytes, history_taker *take,
                                              void *context, struct history_tap **out_tap);

/* Never waits, never fails: what does not fit is dropped and counted. Borrows the record. Threads:
 * any. */
void history_tap_put(struct history_tap *tap, const struct history_record *record);

/* Hands out the rest and last, a JOB_ENDED, and ends the thread, or leaves it behind (false) when
 * the function keeps it longer than close_ns. Returns in *out_dropped how many were dropped. */
bool history_tap_close(struct history_tap *tap, struct history_record *last, uint64_t close_ns,
                       uint64_t *out_dropped);
