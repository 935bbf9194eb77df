/* Where tasks that run together wait for each other: workers hold meetings, the communication
 * thread carries what they say to the driver and its answers back. */
#pragma once

#include "barks/status.h"
#include "barks/str.h"
#include "exec/task_run.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct packer;
struct unpacker;

/* What a task has come for: all must have come for the same. */
enum meeting_kind { MEETING_BEGIN = 1, MEETING_BARRIER, MEETING_GATHER, MEETING_MPI };
const char *meeting_kind_name(enum meeting_kind kind); /* "a barrier" */

struct meeting_name {
    uint64_t job, stage; /* the pipeline's */
    uint32_t attempt;    /* the same of all tasks that run together */
    uint32_t number;     /* of the meetings that the attempt has held, from 0 */
};
void meeting_name_pack(struct packer *out, const struct meeting_name *name);
struct meeting_name meeting_name_unpack(struct unpacker *in);
bool meeting_name_equal(const struct meeting_name *a, const struct meeting_name *b);

struct meeting_call {
    struct meeting_name name;
    enum meeting_kind kind;
    uint32_t task;
    barks_str says;
    uint64_t deadline_ns; /* by monotonic_ns; UINT64_MAX: none */
};

/* What each task has said, by its number. */
struct meeting_answer {
    uint32_t count;
    barks_str *says; /* owned; they point into bytes */
    uint8_t *bytes;  /* owned */
};
void meeting_answer_drop(struct meeting_answer *answer);

/* Threads: workers hold, the communication thread does the rest; a lock guards what they share. */
struct meetings;
/* wake(context) when there is something to tell. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *meetings_create(void (*wake)(void *context), void *context,
                                            struct meetings **out_meetings);
void meetings_destroy(struct meetings *meetings); /* nobody holds any; NULL is fine */

/* Worker: waits until the driver has answered. Errors: why it was refused, BARKS_CANCELLED,
 * BARKS_LIMIT: the others did not come in time. */
BARKS_CHECKED barks_status *meetings_hold(struct meetings *meetings,
                                          const struct meeting_call *call,
                                          const struct task_progress *progress,
                                          struct meeting_answer *out_answer);

/* What the driver answers: a refusal, whose text is borrowed, or what was said. Where it is one,
 * answer may be NULL. */
struct meeting_refusal {
    barks_code code; /* 0: none */
    const char *text;
};
void meeting_answer_pack(struct packer *out, const struct meeting_name *name,
                         const struct meeting_refusal *refusal,
                         const struct meeting_answer *answer);

/* Communication thread: the fields of a message with the next call that is to be told; false: there
 * is none. */
bool meetings_take_call(struct meetings *meetings, struct packer *out);
/* The fields of an answer: to all who wait for it. Errors: BARKS_BAD_INPUT, BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *meetings_answer(struct meetings *meetings, struct unpacker *in);
