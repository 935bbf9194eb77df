#include "base/buffer.h"

#include "base/checked.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Doubles, so that copying stays O(1) per byte, but takes the limit itself rather than pass it. */
BARKS_CHECKED static barks_status *grow(struct buffer *buffer, size_t needed_bytes)
{
    size_t capacity_bytes = buffer->limit_bytes;
    if (buffer->capacity_bytes <= buffer->limit_bytes / 2)
        capacity_bytes = 2 * buffer->capacity_bytes;
    if (capacity_bytes < needed_bytes)
        capacity_bytes = needed_bytes;
    uint8_t *data = realloc(buffer->data, capacity_bytes);
    if (data == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a buffer of %zu bytes", capacity_bytes);
    buffer->data = data;
    buffer->capacity_bytes = capacity_bytes;
    return NULL;
}

barks_status *buffer_extend(struct buffer *buffer, size_t size_bytes, uint8_t **out_room)
{
    size_t needed_bytes = 0;
    if (ckd_add(&needed_bytes, buffer->size_bytes, size_bytes) ||
        needed_bytes > buffer->limit_bytes)
        BARKS_FAIL(BARKS_LIMIT, "%zu bytes after %zu exceed the buffer's limit of %zu", size_bytes,
                   buffer->size_bytes, buffer->limit_bytes);
    if (needed_bytes > buffer->capacity_bytes)
        BARKS_TRY(grow(buffer, needed_bytes));
    *out_room = buffer->data + buffer->size_bytes;
    buffer->size_bytes = needed_bytes;
    assert(buffer_is_sound(buffer));
    return NULL;
}

barks_status *buffer_append(struct buffer *buffer, const void *source, size_t source_bytes)
{
    uint8_t *room = NULL;
    BARKS_TRY(buffer_extend(buffer, source_bytes, &room));
    if (source_bytes > 0) /* memcpy with NULL is undefined even for no bytes */
        memcpy(room, source, source_bytes);
    return NULL;
}

void buffer_drop(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){.limit_bytes = buffer->limit_bytes};
}

bool buffer_is_sound(const struct buffer *buffer)
{
    return buffer->size_bytes <= buffer->capacity_bytes &&
           buffer->capacity_bytes <= buffer->limit_bytes &&
           (buffer->data == NULL) == (buffer->capacity_bytes == 0);
}
