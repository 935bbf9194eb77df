#include "runtime/shared_values.h"

#include "base/buffer.h"
#include "base/pack.h"
#include "base/scope.h"
#include "batch/codec.h"
#include "batch/schema.h"
#include "runtime/driver.h"
#include "runtime/mailbox.h"
#include "runtime/message.h"
#include "runtime/resume.h"

#include <stdlib.h>

#define PIECE_BYTES ((size_t)4 << 20)

/* All pieces, to the first executor, which passes them on. */
BARKS_CHECKED static barks_status *post_pieces(struct driver *driver, uint64_t id,
                                               const struct buffer *schema, const uint8_t *bytes,
                                               size_t size_bytes)
{
    size_t offset = 0;
    do {
        struct packer out = {0};
        size_t left = size_bytes - offset, step = left < PIECE_BYTES ? left : PIECE_BYTES;
        pack_u64(&out, MESSAGE_SHARED);
        pack_u64(&out, id);
        pack_u64(&out, size_bytes);
        pack_u64(&out, offset);
        pack_bytes(&out, schema->data, schema->size_bytes);
        pack_bytes(&out, bytes + offset, step);
        BARKS_TRY(driver_post(driver, MAILBOX_TO_ALL, &out));
        offset += step;
    } while (offset < size_bytes);
    return NULL;
}

BARKS_CHECKED static barks_status *post_drop(barks_context *context, uint64_t id)
{
    for (uint32_t rank = 1; rank <= driver_executor_count(context->driver); rank++) {
        struct packer out = {0};
        pack_u64(&out, MESSAGE_DROP);
        pack_u64(&out, 0);
        pack_u64(&out, id);
        BARKS_TRY(driver_post(context->driver, rank, &out));
    }
    return NULL;
}

/* An executor that is lost meanwhile may have been to pass it on: then all get it anew, under
 * another number, since what is still on its way must not be mixed with it. */
BARKS_CHECKED static barks_status *send_value(barks_context *context, const struct buffer *schema,
                                              const uint8_t *bytes, size_t size_bytes,
                                              uint64_t *out_id)
{
    for (;;) {
        lock_acquire(&context->planning);
        uint64_t id = context->next_value++;
        lock_release(&context->planning);
        struct shared_wait wait;
        bool is_broken = false;
        driver_expect_shared(context->driver, id, &wait);
        barks_status *status = post_pieces(context->driver, id, schema, bytes, size_bytes);
        if (status == NULL)
            status = driver_wait_shared(context->driver, &wait, &is_broken);
        driver_drop_shared(context->driver, &wait);
        if (status == NULL) {
            *out_id = id;
            return NULL;
        }
        barks_status_free(post_drop(context, id)); /* from those that have it */
        if (!is_broken)
            return status;
        barks_status_free(status);
    }
}

barks_status *shared_values_send(barks_context *context, const struct batch *rows, const char *what,
                                 bool is_users, uint64_t *out_id)
{
    uint64_t size_bytes = codec_encoded_bytes(&rows->base, 0, rows->base.row_count);
    BARKS_AUTO(buffer) schema = {.limit_bytes = UINT32_MAX};
    BARKS_TRY(schema_encode(rows->base.schema, &schema));
    uint8_t *bytes = malloc(size_bytes);
    if (bytes == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for %zu MiB of encoded rows", what,
                   (size_t)size_bytes >> 20);
    codec_encode(&rows->base, 0, rows->base.row_count, bytes);
    if (is_users) {
        lock_acquire(&context->planning);
        resume_note_value(context->resume, bytes, size_bytes);
        lock_release(&context->planning);
    }
    barks_status *status = send_value(context, &schema, bytes, size_bytes, out_id);
    free(bytes);
    if (status != NULL)
        return barks_status_new(
            barks_status_code(status), status, BARKS_HERE,
            "%s: an executor has no room for the value; --barks-memory gives more", what);
    return NULL;
}

barks_status *shared_values_drop(barks_context *context, uint64_t id)
{
    if (context->job_count == 0)
        return post_drop(context, id);
    if (context->dropped_count == context->dropped_capacity) {
        uint32_t capacity = 2 * context->dropped_capacity + 16;
        uint64_t *grown = realloc(context->dropped, capacity * sizeof *grown);
        if (grown == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory to free a broadcast value");
        context->dropped = grown;
        context->dropped_capacity = capacity;
    }
    context->dropped[context->dropped_count++] = id;
    return NULL;
}

void shared_values_end_job(barks_context *context)
{
    if (--context->job_count > 0)
        return;
    for (uint32_t i = 0; i < context->dropped_count; i++)
        barks_status_free(
            post_drop(context, context->dropped[i])); /* an end of all: told by jobs */
    context->dropped_count = 0;
}
