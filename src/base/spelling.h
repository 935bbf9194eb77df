/* The name that somebody probably meant, for errors. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Begins with spelling_begin; candidates are offered; then nearest is the first of the nearest
 * ones, or NULL when none is near: farther than a third of its letters a name is another one.
 * Borrows the names. */
struct spelling {
    const char *nearest;
    const char *name;
    size_t length;
    uint32_t distance_limit; /* nearer than this is better than nearest */
};

/* Longer names are near to nothing. */
enum { SPELLING_BYTES_MAX = 64 };

struct spelling spelling_begin(const char *name);
void spelling_offer(struct spelling *spelling, const char *candidate);
