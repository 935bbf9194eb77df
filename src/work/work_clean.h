/* Removing stored stages that nobody will ask for. Nothing calls it but who was asked to. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stdint.h>

struct clean_options {
    uint64_t age_seconds; /* stages that were not used for longer go */
    uint64_t bytes_max;   /* then those that were used least recently, until this is left */
    bool is_dry;          /* nothing is removed */
    /* Called for each stage that goes, or would; may be NULL. */
    void (*each)(void *context, const char *path, uint64_t bytes, uint64_t age_seconds);
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
