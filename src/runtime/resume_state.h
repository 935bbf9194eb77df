/* What resume.c and resume_plan.c share. */
#pragma once

#include "runtime/resume.h"
#include "work/stage_manifest.h"
#include "work/store_pace.h"
#include "work/work_directory.h"

#include <stdatomic.h>

struct barks_context;

/* Names of stages. Begins zeroed, ends with name_set_drop. Small: a look goes through all. */
struct name_set {
    char (*names)[FINGERPRINT_NAME_BYTES]; /* owned */
    uint32_t count, capacity;
};
bool name_set_has(const struct name_set *set, const char *name);
/* Adds it where it is not there. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *name_set_add(struct name_set *set, const char *name);

struct resume {
    struct work work; /* immutable */
    char *program;    /* owned: the last part of its path */
    bool is_fresh;
    /* Under the planning lock: */
    struct fingerprint_basis basis;
    struct name_set counted; /* stages of which the accumulators have what was added */
    struct name_set asked; /* labels of actions, as often as they ran: two of one are told apart */
    uint32_t told_parts;   /* bit i: that part i has changed was said */
    uint64_t lost_count;   /* jobs that failed since something stored was damaged */
    struct resume_counts counts;
    /* The driver's thread and who stores answers: */
    atomic_bool is_storing; /* false once something could not be stored: once is told, and enough */
    atomic_uint stored_count;
    struct store_pace pace; /* of shuffles; the driver's thread's */
};

/* Storing has failed: it is said once, and nothing is stored any more. Takes status. */
void resume_stop_storing(struct resume *resume, barks_status *status);

/* The sequence of an action's fingerprint: says what has changed since the job before. */
void resume_tell_difference(struct barks_context *context, const char *what,
                            const struct fingerprint *fingerprint, bool is_reused);
