/* Removing stored stages that nobody will ask for. Nothing calls it but who was asked to. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stdint.h>

/* A stage that goes, or would. */
struct clean_stage {
    const char *path;
    const char
        *job; /* the program's name; NULL: no manifest says it, as of a job that was killed */
    uint64_t bytes;
    uint64_t age_seconds; /* since it was stored or used */
};

struct clean_options {
    uint64_t age_seconds; /* stages that were not used for so long go */
    uint64_t bytes_max;   /* then those that were used least recently, until this is left, */
    uint64_t stages_max;  /* and so many of them */
    bool is_dry;          /* nothing is removed */
    /* Called for each before it goes, those that were not used for longest first; may be NULL. */
    void (*each)(void *context, const struct clean_stage *stage);
    void *context;
};

struct clean_result {
    uint64_t stages_removed, bytes_removed;
    uint64_t stages_left, bytes_left;
};

/**
 * Cleans a work directory (--barks-work). A job that uses a stage meanwhile computes it again.
 *
 * Errors: BARKS_INVALID: it is no work directory. BARKS_IO: something cannot be read or removed. */
BARKS_CHECKED barks_status *work_clean(const char *path, const struct clean_options *options,
                                       struct clean_result *out_result);
