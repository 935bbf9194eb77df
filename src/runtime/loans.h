/* Tasks that begin on another executor than the one that has what they read of shuffles: that one
 * is asked to send it first (docs/decisions/0024).
 *
 *   DECISION_START_TASK with a lender
 *     -> LEND to the lender -> LENT, with how many frames
 *     -> COMMIT to who gets them -> SHUFFLE_READY, once they are there
 *     -> TASK, as any other, with the names of what was lent
 *     -> the attempt ends -> RELEASE to both
 *
 * To the scheduler the attempt runs from the beginning. All of it is the driver's thread. */
#pragma once

#include "barks/status.h"
#include "scheduler/decision.h"

#include <stdbool.h>
#include <stdint.h>

struct dispatch;
struct job;
struct loan;
struct packer;
struct unpacker;

/* Asks the lender. Errors: BARKS_NO_MEMORY, those of net. */
BARKS_CHECKED barks_status *loan_begin(struct dispatch *dispatch, const struct job *job,
                                       const struct decision *start);
/* What MESSAGE_TASKS tells of it; NULL: nothing was lent. */
void loan_pack(const struct loan *loan, struct packer *out);

/* MESSAGE_LENT. Errors: BARKS_BAD_INPUT, BARKS_NO_MEMORY, those of net. */
BARKS_CHECKED barks_status *loans_take_lent(struct dispatch *dispatch, struct unpacker *in);
/* MESSAGE_SHUFFLE_READY of what is no job's shuffle, which may be lent. */
BARKS_CHECKED barks_status *loans_take_ready(struct dispatch *dispatch, uint64_t shuffle);

/* The attempt is to be cancelled. *out_was_sent: its executor knows of it, and is to be told; else
 * this answers. */
BARKS_CHECKED barks_status *loans_cancel(struct dispatch *dispatch, const struct attempt_id *id,
                                         bool *out_was_sent);
/* An attempt has ended, of what was lent to it or any other. */
BARKS_CHECKED barks_status *loans_note_ended(struct dispatch *dispatch,
                                             const struct attempt_id *id);
/* An executor is lost, and the scheduler has heard of it. */
BARKS_CHECKED barks_status *loans_lose(struct dispatch *dispatch, uint32_t executor);
/* Frees all. */
void loans_drop(struct dispatch *dispatch);
