/* What the tasks that compute a step need (barks/needs.h). */
#pragma once

#include "barks/status.h"
#include "base/name_counts.h"

#include <stdbool.h>
#include <stdint.h>

struct packer;
struct unpacker;

/* All zero: a worker and nothing else. */
struct step_needs {
    uint32_t threads; /* 0: one */
    uint64_t memory_bytes;
    struct name_counts resources;
    const char *where; /* file:line of the call, a literal; the driver's: does not travel */
};

bool step_needs_are_plain(const struct step_needs *needs);
static inline uint32_t step_needs_threads(const struct step_needs *needs)
{
    return needs->threads > 0 ? needs->threads : 1;
}
/* Makes sum what meets both. Errors: BARKS_LIMIT. */
BARKS_CHECKED barks_status *step_needs_add(struct step_needs *sum, const struct step_needs *more);

void step_needs_pack(struct packer *out, const struct step_needs *needs);
/* Errors: BARKS_BAD_INPUT. */
BARKS_CHECKED barks_status *step_needs_unpack(struct unpacker *in, struct step_needs *out);
