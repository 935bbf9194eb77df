/* xz: streams one after the other, with padding between them. */
#include "base/pool.h"
#include "io/input_stream.h"

#if defined(BARKS_HAS_XZ)

#include <lzma.h>
#include <stdbool.h>
#include <stdlib.h>

#define DECODER_BYTES_MAX                                                                          \
    (UINT64_C(1) << 31) /* xz -9e needs 65 MiB, a dictionary has up to 1.5 GiB */

struct xz_stream {
    struct input_stream base;
    lzma_stream decoder;
    uint8_t *buffer; /* owned, STREAM_BUFFER_BYTES of the pool */
    uint64_t reserved_bytes;
    bool file_ended;
    bool done;
};

/* The decoder allocates when it meets a block; that is counted as soon as it is seen. */
BARKS_CHECKED static barks_status *count_memory(struct xz_stream *xz)
{
    uint64_t held_bytes = lzma_memusage(&xz->decoder);
    if (held_bytes > xz->reserved_bytes) {
        BARKS_TRY_DOING(pool_reserve(xz->base.pool, held_bytes - xz->reserved_bytes),
                        "decompress '%s'", xz->base.reader.path);
        xz->reserved_bytes = held_bytes;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *refill(struct xz_stream *xz)
{
    size_t read_bytes = 0;
    BARKS_TRY(file_reader_read(&xz->base.reader, xz->buffer, STREAM_BUFFER_BYTES, &read_bytes));
    xz->decoder.next_in = xz->buffer;
    xz->decoder.avail_in = read_bytes;
    xz->file_ended = read_bytes == 0;
    return NULL;
}

BARKS_CHECKED static barks_status *fail_decode(const struct xz_stream *xz, lzma_ret result)
{
    const char *path = xz->base.reader.path;
    if (result == LZMA_MEM_ERROR || result == LZMA_MEMLIMIT_ERROR)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to decompress '%s'", path);
    if (result == LZMA_BUF_ERROR)
        BARKS_FAIL(BARKS_BAD_INPUT,
                   "the xz file '%s' is cut: it ends after %ju bytes in the middle of a stream; "
                   "copy it again",
                   path, (uintmax_t)xz->base.reader.position);
    BARKS_FAIL(BARKS_BAD_INPUT, "the xz file '%s' is damaged near byte %ju", path,
               (uintmax_t)(xz->base.reader.position - xz->decoder.avail_in));
}

BARKS_CHECKED static barks_status *xz_read(struct input_stream *stream, uint8_t *out,
                                           size_t wanted_bytes, size_t *out_read_bytes)
{
    struct xz_stream *xz = (struct xz_stream *)stream; /* base comes first */
    xz->decoder.next_out = out;
    xz->decoder.avail_out = wanted_bytes;
    while (xz->decoder.avail_out > 0 && !xz->done) {
        if (xz->decoder.avail_in == 0 && !xz->file_ended)
            BARKS_TRY(refill(xz));
        lzma_ret result = lzma_code(&xz->decoder, xz->file_ended ? LZMA_FINISH : LZMA_RUN);
        xz->done = result == LZMA_STREAM_END;
        if (result != LZMA_OK && result != LZMA_STREAM_END)
            return fail_decode(xz, result);
        BARKS_TRY(count_memory(xz));
    }
    *out_read_bytes = wanted_bytes - xz->decoder.avail_out;
    return NULL;
}

static void xz_close(struct input_stream *stream)
{
    struct xz_stream *xz = (struct xz_stream *)stream;
    lzma_end(&xz->decoder);
    pool_release(xz->base.pool, xz->buffer, STREAM_BUFFER_BYTES);
    pool_unreserve(xz->base.pool, xz->reserved_bytes);
    file_reader_drop(&xz->base.reader);
    free(xz);
}

static const struct input_stream_ops xz_ops = {.read = xz_read, .close = xz_close};

barks_status *xz_stream_create(struct pool *pool, struct file_reader *reader,
                               struct input_stream **out_stream)
{
    void *buffer = NULL;
    BARKS_TRY(pool_acquire(pool, STREAM_BUFFER_BYTES, &buffer));
    struct xz_stream *xz = calloc(1, sizeof *xz);
    if (xz == NULL ||
        lzma_stream_decoder(&xz->decoder, DECODER_BYTES_MAX, LZMA_CONCATENATED) != LZMA_OK) {
        free(xz);
        pool_release(pool, buffer, STREAM_BUFFER_BYTES);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to decompress '%s'", reader->path);
    }
    xz->base = (struct input_stream){.ops = &xz_ops, .pool = pool, .reader = *reader};
    xz->buffer = buffer;
    *reader = (struct file_reader){.descriptor = -1};
    *out_stream = &xz->base;
    return NULL;
}

#else

barks_status *xz_stream_create(struct pool *pool, struct file_reader *reader,
                               struct input_stream **out_stream)
{
    (void)pool, (void)out_stream;
    BARKS_FAIL(BARKS_BAD_INPUT, "'%s' is compressed by xz, and this barks was built without it",
               reader->path);
}

#endif
