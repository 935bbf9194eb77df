/* gzip (RFC 1952): members one after the other, each with its own checksum, maybe zero bytes at the
 * end (tapes). */
#include "base/pool.h"
#include "io/input_stream.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    INFLATE_BYTES =
        48 * 1024, /* what zlib allocates for a window of 32 KiB, counted against the budget */
    INFLATE_STEP_MAX = 1 << 30 /* zlib's sizes are of 32 bits */
};

struct gzip_stream {
    struct input_stream base;
    z_stream inflater;
    uint8_t *buffer; /* owned, STREAM_BUFFER_BYTES of the pool */
    bool in_member;  /* false before the first, and between two */
    uint64_t member_count;
};

static uint64_t offset_of(const struct gzip_stream *gzip)
{
    return gzip->base.reader.position - gzip->inflater.avail_in;
}

BARKS_CHECKED static barks_status *refill(struct gzip_stream *gzip)
{
    size_t read_bytes = 0;
    BARKS_TRY(file_reader_read(&gzip->base.reader, gzip->buffer, STREAM_BUFFER_BYTES, &read_bytes));
    gzip->inflater.next_in = gzip->buffer;
    gzip->inflater.avail_in = (uInt)read_bytes; /* <= STREAM_BUFFER_BYTES */
    return NULL;
}

/* Begins the next member where there is one: *out_more. */
BARKS_CHECKED static barks_status *begin_member(struct gzip_stream *gzip, bool *out_more)
{
    z_stream *inflater = &gzip->inflater;
    for (;;) {
        if (inflater->avail_in == 0)
            BARKS_TRY(refill(gzip));
        if (inflater->avail_in == 0) {
            *out_more = false;
            return NULL;
        }
        if (gzip->member_count == 0 || *inflater->next_in != 0)
            break;
        inflater->next_in++; /* padding */
        inflater->avail_in--;
    }
    if (inflateReset(inflater) != Z_OK)
        BARKS_FAIL(BARKS_INTERNAL, "zlib does not begin a member of '%s'", gzip->base.reader.path);
    gzip->in_member = true;
    gzip->member_count++;
    *out_more = true;
    return NULL;
}

BARKS_CHECKED static barks_status *fail_inflate(const struct gzip_stream *gzip, int result)
{
    const char *path = gzip->base.reader.path;
    if (result == Z_BUF_ERROR)
        BARKS_FAIL(BARKS_BAD_INPUT,
                   "the gzip file '%s' is cut: it ends after %ju bytes in the middle of member "
                   "%ju; copy it "
                   "again",
                   path, (uintmax_t)gzip->base.reader.position, (uintmax_t)gzip->member_count);
    if (result == Z_MEM_ERROR)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to decompress '%s'", path);
    BARKS_FAIL(BARKS_BAD_INPUT, "the gzip file '%s' is damaged near byte %ju, in member %ju: %s",
               path, (uintmax_t)offset_of(gzip), (uintmax_t)gzip->member_count,
               gzip->inflater.msg != NULL ? gzip->inflater.msg : "it needs a dictionary");
}

BARKS_CHECKED static barks_status *gzip_read(struct input_stream *stream, uint8_t *out,
                                             size_t wanted_bytes, size_t *out_read_bytes)
{
    struct gzip_stream *gzip = (struct gzip_stream *)stream; /* base comes first */
    z_stream *inflater = &gzip->inflater;
    size_t step = wanted_bytes < INFLATE_STEP_MAX ? wanted_bytes : INFLATE_STEP_MAX;
    inflater->next_out = out;
    inflater->avail_out = (uInt)step; /* <= INFLATE_STEP_MAX */
    while (inflater->avail_out > 0) {
        bool more = true;
        if (!gzip->in_member)
            BARKS_TRY(begin_member(gzip, &more));
        if (!more)
            break;
        if (inflater->avail_in == 0)
            BARKS_TRY(refill(gzip));
        int result =
            inflate(inflater, Z_NO_FLUSH); /* without input it says Z_BUF_ERROR: the file was cut */
        if (result == Z_STREAM_END)
            gzip->in_member = false;
        else if (result != Z_OK)
            return fail_inflate(gzip, result);
    }
    *out_read_bytes = step - inflater->avail_out;
    return NULL;
}

static void gzip_close(struct input_stream *stream)
{
    struct gzip_stream *gzip = (struct gzip_stream *)stream;
    (void)inflateEnd(&gzip->inflater); /* fails for a stream that was not begun alone */
    pool_release(gzip->base.pool, gzip->buffer, STREAM_BUFFER_BYTES);
    pool_unreserve(gzip->base.pool, INFLATE_BYTES);
    file_reader_drop(&gzip->base.reader);
    free(gzip);
}

static const struct input_stream_ops gzip_ops = {.read = gzip_read, .close = gzip_close};

barks_status *gzip_stream_create(struct pool *pool, struct file_reader *reader,
                                 struct input_stream **out_stream)
{
    void *buffer = NULL;
    BARKS_TRY(pool_reserve(pool, INFLATE_BYTES));
    barks_status *status = pool_acquire(pool, STREAM_BUFFER_BYTES, &buffer);
    struct gzip_stream *gzip = status == NULL ? calloc(1, sizeof *gzip) : NULL;
    if (gzip == NULL ||
        inflateInit2(&gzip->inflater, 16 + MAX_WBITS) != Z_OK) { /* 16: gzip's frame, not zlib's */
        free(gzip);
        pool_release(pool, buffer, STREAM_BUFFER_BYTES);
        pool_unreserve(pool, INFLATE_BYTES);
        if (status != NULL)
            return status;
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to decompress '%s'", reader->path);
    }
    gzip->base = (struct input_stream){.ops = &gzip_ops, .pool = pool, .reader = *reader};
    gzip->buffer = buffer;
    *reader = (struct file_reader){.descriptor = -1};
    *out_stream = &gzip->base;
    return NULL;
}
