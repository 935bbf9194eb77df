/* LZ4 frames (not the older format of "lz4 -l"), one after the other. */
#include "base/pool.h"
#include "io/input_stream.h"

#include <lz4frame.h>

#include <stdbool.h>
#include <stdlib.h>

enum { DECODER_BYTES = 9 * 1024 * 1024 }; /* two blocks of 4 MiB and what links them, at most */

struct lz4_stream {
    struct input_stream base;
    LZ4F_dctx *decoder; /* owned */
    uint8_t *buffer;    /* owned, STREAM_BUFFER_BYTES of the pool */
    size_t next, end;   /* what of the buffer has not been decompressed */
    bool in_frame;
};

BARKS_CHECKED static barks_status *lz4_read(struct input_stream *stream, uint8_t *out,
                                            size_t wanted_bytes, size_t *out_read_bytes)
{
    struct lz4_stream *lz4 = (struct lz4_stream *)stream; /* base comes first */
    size_t done = 0;
    while (done < wanted_bytes) {
        if (lz4->next == lz4->end) {
            lz4->next = 0;
            BARKS_TRY(
                file_reader_read(&lz4->base.reader, lz4->buffer, STREAM_BUFFER_BYTES, &lz4->end));
        }
        if (lz4->end == 0 && !lz4->in_frame)
            break;
        size_t used = lz4->end - lz4->next;
        size_t made = wanted_bytes - done;
        size_t result =
            LZ4F_decompress(lz4->decoder, out + done, &made, lz4->buffer + lz4->next, &used, NULL);
        if (LZ4F_isError(result))
            BARKS_FAIL(BARKS_BAD_INPUT, "the lz4 file '%s' is damaged near byte %ju: %s",
                       lz4->base.reader.path,
                       (uintmax_t)(lz4->base.reader.position - (lz4->end - lz4->next)),
                       LZ4F_getErrorName(result));
        done += made;
        lz4->next += used;
        lz4->in_frame = result != 0;
        if (lz4->end == 0 && lz4->in_frame && made == 0)
            BARKS_FAIL(
                BARKS_BAD_INPUT,
                "the lz4 file '%s' is cut: it ends after %ju bytes in the middle of a frame; "
                "copy it again",
                lz4->base.reader.path, (uintmax_t)lz4->base.reader.position);
    }
    *out_read_bytes = done;
    return NULL;
}

static void lz4_close(struct input_stream *stream)
{
    struct lz4_stream *lz4 = (struct lz4_stream *)stream;
    (void)LZ4F_freeDecompressionContext(lz4->decoder); /* says only where it stood */
    pool_release(lz4->base.pool, lz4->buffer, STREAM_BUFFER_BYTES);
    pool_unreserve(lz4->base.pool, DECODER_BYTES);
    file_reader_drop(&lz4->base.reader);
    free(lz4);
}

static const struct input_stream_ops lz4_ops = {.read = lz4_read, .close = lz4_close};

barks_status *lz4_stream_create(struct pool *pool, struct file_reader *reader,
                                struct input_stream **out_stream)
{
    void *buffer = NULL;
    BARKS_TRY(pool_reserve(pool, DECODER_BYTES));
    barks_status *status = pool_acquire(pool, STREAM_BUFFER_BYTES, &buffer);
    struct lz4_stream *lz4 = status == NULL ? calloc(1, sizeof *lz4) : NULL;
    if (lz4 == NULL || LZ4F_isError(LZ4F_createDecompressionContext(&lz4->decoder, LZ4F_VERSION))) {
        free(lz4);
        pool_release(pool, buffer, STREAM_BUFFER_BYTES);
        pool_unreserve(pool, DECODER_BYTES);
        if (status != NULL)
            return status;
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to decompress '%s'", reader->path);
    }
    lz4->base = (struct input_stream){.ops = &lz4_ops, .pool = pool, .reader = *reader};
    lz4->buffer = buffer;
    *reader = (struct file_reader){.descriptor = -1};
    *out_stream = &lz4->base;
    return NULL;
}
