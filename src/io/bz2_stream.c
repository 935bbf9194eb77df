/* bzip2: streams one after the other, as pbzip2 writes them. */
#include "base/pool.h"
#include "io/input_stream.h"

#if defined(BARKS_HAS_BZIP2)

#include <bzlib.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
    DECODER_BYTES = 4 * 1024 * 1024, /* what libbz2 allocates for blocks of 900 kB */
    STEP_MAX = 1 << 30,              /* its sizes are of 32 bits */
};

struct bz2_stream {
    struct input_stream base;
    bz_stream decoder;
    uint8_t *buffer; /* owned, STREAM_BUFFER_BYTES of the pool */
    bool in_member;
};

BARKS_CHECKED static barks_status *refill(struct bz2_stream *bz2)
{
    size_t read_bytes = 0;
    BARKS_TRY(file_reader_read(&bz2->base.reader, bz2->buffer, STREAM_BUFFER_BYTES, &read_bytes));
    bz2->decoder.next_in = (char *)bz2->buffer;
    bz2->decoder.avail_in = (unsigned)read_bytes; /* <= STREAM_BUFFER_BYTES */
    return NULL;
}

/* libbz2 wants a new decoder for each stream. */
BARKS_CHECKED static barks_status *begin_member(struct bz2_stream *bz2)
{
    bz_stream before = bz2->decoder;
    bz2->decoder = (bz_stream){.next_in = before.next_in, .avail_in = before.avail_in};
    if (BZ2_bzDecompressInit(&bz2->decoder, 0, 0) != BZ_OK)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to decompress '%s'", bz2->base.reader.path);
    bz2->in_member = true;
    return NULL;
}

BARKS_CHECKED static barks_status *fail_damaged(const struct bz2_stream *bz2, bool cut)
{
    if (cut)
        BARKS_FAIL(BARKS_BAD_INPUT,
                   "the bzip2 file '%s' is cut: it ends after %ju bytes in the middle of a stream; "
                   "copy it again",
                   bz2->base.reader.path, (uintmax_t)bz2->base.reader.position);
    BARKS_FAIL(BARKS_BAD_INPUT, "the bzip2 file '%s' is damaged near byte %ju",
               bz2->base.reader.path,
               (uintmax_t)(bz2->base.reader.position - bz2->decoder.avail_in));
}

BARKS_CHECKED static barks_status *bz2_read(struct input_stream *stream, uint8_t *out,
                                            size_t wanted_bytes, size_t *out_read_bytes)
{
    struct bz2_stream *bz2 = (struct bz2_stream *)stream; /* base comes first */
    size_t step = wanted_bytes < STEP_MAX ? wanted_bytes : STEP_MAX;
    size_t left = step;
    while (left > 0) {
        if (bz2->decoder.avail_in == 0)
            BARKS_TRY(refill(bz2));
        if (bz2->decoder.avail_in == 0 && !bz2->in_member)
            break;
        if (!bz2->in_member)
            BARKS_TRY(begin_member(bz2));
        unsigned before_in = bz2->decoder.avail_in;
        bz2->decoder.next_out = (char *)out + (step - left);
        bz2->decoder.avail_out = (unsigned)left; /* <= STEP_MAX */
        int result = BZ2_bzDecompress(&bz2->decoder);
        bool moved = bz2->decoder.avail_out < left || bz2->decoder.avail_in < before_in;
        left = bz2->decoder.avail_out;
        if (result == BZ_STREAM_END) {
            (void)BZ2_bzDecompressEnd(&bz2->decoder); /* of a decoder that was begun */
            bz2->in_member = false;
        } else if (result == BZ_MEM_ERROR) {
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory to decompress '%s'", bz2->base.reader.path);
        } else if (result != BZ_OK || !moved) {
            return fail_damaged(bz2, result == BZ_OK);
        }
    }
    *out_read_bytes = step - left;
    return NULL;
}

static void bz2_close(struct input_stream *stream)
{
    struct bz2_stream *bz2 = (struct bz2_stream *)stream;
    if (bz2->in_member)
        (void)BZ2_bzDecompressEnd(&bz2->decoder);
    pool_release(bz2->base.pool, bz2->buffer, STREAM_BUFFER_BYTES);
    pool_unreserve(bz2->base.pool, DECODER_BYTES);
    file_reader_drop(&bz2->base.reader);
    free(bz2);
}

static const struct input_stream_ops bz2_ops = {.read = bz2_read, .close = bz2_close};

barks_status *bz2_stream_create(struct pool *pool, struct file_reader *reader,
                                struct input_stream **out_stream)
{
    void *buffer = NULL;
    BARKS_TRY(pool_reserve(pool, DECODER_BYTES));
    barks_status *status = pool_acquire(pool, STREAM_BUFFER_BYTES, &buffer);
    struct bz2_stream *bz2 = status == NULL ? calloc(1, sizeof *bz2) : NULL;
    if (bz2 == NULL) {
        pool_release(pool, buffer, STREAM_BUFFER_BYTES);
        pool_unreserve(pool, DECODER_BYTES);
        if (status != NULL)
            return status;
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to decompress '%s'", reader->path);
    }
    bz2->base = (struct input_stream){.ops = &bz2_ops, .pool = pool, .reader = *reader};
    bz2->buffer = buffer;
    *reader = (struct file_reader){.descriptor = -1};
    *out_stream = &bz2->base;
    return NULL;
}

#else

barks_status *bz2_stream_create(struct pool *pool, struct file_reader *reader,
                                struct input_stream **out_stream)
{
    (void)pool, (void)out_stream;
    BARKS_FAIL(BARKS_BAD_INPUT, "'%s' is compressed by bzip2, and this barks was built without it",
               reader->path);
}

#endif
