/* Names with counts, "gpu:2 licence:1": what executors offer, and what tasks need. */
#pragma once

#include "barks/status.h"

#include <stdint.h>

enum {
    NAME_COUNTS_MAX = 8,
    NAME_COUNT_BYTES = 32, /* of a name, with its 0 */
    NAME_COUNT_MAX = 64
};

struct name_count {
    char name[NAME_COUNT_BYTES];
    uint32_t count;
};

/* No name is there twice. */
struct name_counts {
    struct name_count items[NAME_COUNTS_MAX];
    uint32_t count;
};

/* Of entries NAME:COUNT with blanks, commas or semicolons between. origin: whose text it is, for
 * errors. Errors: BARKS_INVALID (another form, a name twice, a count of more than NAME_COUNT_MAX),
 * BARKS_LIMIT (too many names); *out is as it was. */
BARKS_CHECKED barks_status *name_counts_read(const char *text, const char *origin,
                                             struct name_counts *out);
/* Its index; count where it is not there. */
uint32_t name_counts_find(const struct name_counts *counts, const char *name);
/* The greater count of each name. Errors: BARKS_LIMIT: more than NAME_COUNTS_MAX names. */
BARKS_CHECKED barks_status *name_counts_merge(struct name_counts *into,
                                              const struct name_counts *from);
