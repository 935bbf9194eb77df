/* Meetings of tasks that run together (exec/meetings.h), at the driver: who has come, and what is
 * answered once all have. */
#pragma once

#include "barks/status.h"

#include <stdint.h>

struct attempt_id;
struct dispatch;
struct gathering;
struct job;
struct unpacker;

/* A task has come. Errors: BARKS_NO_MEMORY, BARKS_BAD_INPUT, those of net. */
BARKS_CHECKED barks_status *gatherings_take(struct dispatch *dispatch, struct unpacker *in,
                                            uint32_t executor);
/* A task has ended well: where others of its attempt wait, it will never come. */
BARKS_CHECKED barks_status *gatherings_note_ended(struct dispatch *dispatch, struct job *job,
                                                  const struct attempt_id *id);
/* The job is over; NULL: all are. */
void gatherings_forget(struct dispatch *dispatch, const struct job *job);
