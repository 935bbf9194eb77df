/* Bytes that grow up to a limit: what rows are encoded into before they are sent or spilled. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Begins as {.limit_bytes = n}, which holds no memory; ends with buffer_drop.
 * Threads: one owner at a time; nothing here locks.
 * Invariant: size <= capacity <= limit, and data is NULL exactly where capacity is 0. */
struct buffer {
    uint8_t *data; /* owned; moves when it grows */
    size_t size_bytes;
    size_t capacity_bytes;
    size_t limit_bytes;
};

/* Appends a copy of source, which must not lie in the buffer itself. Amortised O(source_bytes).
 * Errors: BARKS_LIMIT, BARKS_NO_MEMORY; the content is then as before. */
BARKS_CHECKED barks_status *buffer_append(struct buffer *buffer, const void *source,
                                          size_t source_bytes);

/* Makes the buffer size_bytes longer, for the caller to fill at *out_room, which is good until the
 * next call. Errors: as buffer_append. */
BARKS_CHECKED barks_status *buffer_extend(struct buffer *buffer, size_t size_bytes,
                                          uint8_t **out_room);

/* Frees the memory and leaves an empty buffer of the same limit; twice is fine. */
void buffer_drop(struct buffer *buffer);

bool buffer_is_sound(const struct buffer *buffer);
