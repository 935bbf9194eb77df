/* Files of snappy's framing format ("sNaPpY"), chunk after chunk. Source: google/snappy,
 * framing_format.txt. It has no mark of its end: a file that is cut between two chunks is read as a
 * shorter one. */
#include "base/pool.h"
#include "io/input_stream.h"

#if defined(BARKS_HAS_SNAPPY)

#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEAD_BYTES = 4,         /* kind, and the length of what follows in 3 bytes */
    CHECKSUM_BYTES = 4,     /* of the text, before it */
    TEXT_BYTES_MAX = 65536, /* of a chunk */
    /* Room for what TEXT_BYTES_MAX may become at worst, and the text behind it. */
    BODY_BYTES_MAX = CHECKSUM_BYTES + 32 + TEXT_BYTES_MAX + TEXT_BYTES_MAX / 6,
    BUFFER_BYTES = BODY_BYTES_MAX + TEXT_BYTES_MAX,
};

enum chunk_kind {
    CHUNK_PACKED = 0x00,
    CHUNK_PLAIN = 0x01,
    CHUNK_FIRST_SKIPPED = 0x80, /* from here to 0xfe: of other makers, or padding */
    CHUNK_BEGIN = 0xff,
};

struct snappy_stream {
    struct input_stream base;
    uint8_t *buffer;     /* owned, BUFFER_BYTES of the pool: a chunk's body, then its text */
    const uint8_t *text; /* in buffer: what is not handed out yet */
    size_t text_bytes;
    uint32_t crc_table[256];
};

/* CRC-32C, reflected: what each value of the lowest byte makes of the rest. */
static void fill_crc_table(uint32_t *table)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0x82f63b78u & (0u - (crc & 1)));
        table[byte] = crc;
    }
}

/* The checksum as the format masks it. */
static uint32_t masked_checksum(const struct snappy_stream *snappy, const uint8_t *bytes,
                                size_t size_bytes)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < size_bytes; i++)
        crc = crc >> 8 ^ snappy->crc_table[(crc ^ bytes[i]) & 0xff];
    crc = ~crc;
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

BARKS_CHECKED static barks_status *fail_damaged(const struct snappy_stream *snappy, const char *why)
{
    return barks_status_new(BARKS_BAD_INPUT, NULL, BARKS_HERE,
                            "the snappy file '%s' is damaged before byte %ju: %s",
                            snappy->base.reader.path, (uintmax_t)snappy->base.reader.position, why);
}

/* All of wanted_bytes; is_end: or none, at the end of the file. */
BARKS_CHECKED static barks_status *read_whole(struct snappy_stream *snappy, uint8_t *out,
                                              size_t wanted_bytes, bool *is_end)
{
    size_t got = 0;
    BARKS_TRY(file_reader_read(&snappy->base.reader, out, wanted_bytes, &got));
    if (got == wanted_bytes)
        return NULL;
    if (got == 0 && is_end != NULL) {
        *is_end = true;
        return NULL;
    }
    BARKS_FAIL(BARKS_BAD_INPUT,
               "the snappy file '%s' is cut: it ends after %ju bytes in the middle of a chunk; "
               "copy it again",
               snappy->base.reader.path, (uintmax_t)snappy->base.reader.position);
}

BARKS_CHECKED static barks_status *skip_body(struct snappy_stream *snappy, size_t body_bytes)
{
    for (size_t step; body_bytes > 0; body_bytes -= step) {
        step = body_bytes < BODY_BYTES_MAX ? body_bytes : BODY_BYTES_MAX;
        BARKS_TRY(read_whole(snappy, snappy->buffer, step, NULL));
    }
    return NULL;
}

/* Points text at what the body of a chunk with text stands for. */
BARKS_CHECKED static barks_status *take_text(struct snappy_stream *snappy, bool is_packed,
                                             size_t body_bytes)
{
    const uint8_t *body = snappy->buffer;
    if (body_bytes < CHECKSUM_BYTES || body_bytes > BODY_BYTES_MAX)
        return fail_damaged(snappy, "a chunk has no possible length");
    BARKS_TRY(read_whole(snappy, snappy->buffer, body_bytes, NULL));
    const uint8_t *text = body + CHECKSUM_BYTES;
    size_t text_bytes = body_bytes - CHECKSUM_BYTES;
    if (is_packed) {
        char *room = (char *)snappy->buffer + BODY_BYTES_MAX;
        size_t room_bytes = TEXT_BYTES_MAX;
        if (snappy_uncompress((const char *)text, text_bytes, room, &room_bytes) != SNAPPY_OK)
            return fail_damaged(snappy, "a chunk cannot be decompressed");
        text = (const uint8_t *)room;
        text_bytes = room_bytes;
    }
    if (text_bytes > TEXT_BYTES_MAX)
        return fail_damaged(snappy, "a chunk is too long");
    uint32_t wanted = (uint32_t)body[0] | (uint32_t)body[1] << 8 | (uint32_t)body[2] << 16 |
                      (uint32_t)body[3] << 24;
    if (masked_checksum(snappy, text, text_bytes) != wanted)
        return fail_damaged(snappy, "the checksum of a chunk is another");
    snappy->text = text;
    snappy->text_bytes = text_bytes;
    return NULL;
}

BARKS_CHECKED static barks_status *take_chunk(struct snappy_stream *snappy, bool *is_end)
{
    uint8_t head[HEAD_BYTES];
    BARKS_TRY(read_whole(snappy, head, sizeof head, is_end));
    if (*is_end)
        return NULL;
    size_t body_bytes = (size_t)head[1] | (size_t)head[2] << 8 | (size_t)head[3] << 16;
    if (head[0] == CHUNK_PACKED || head[0] == CHUNK_PLAIN)
        return take_text(snappy, head[0] == CHUNK_PACKED, body_bytes);
    if (head[0] < CHUNK_FIRST_SKIPPED)
        return fail_damaged(snappy, "a chunk is of no known kind");
    if (head[0] < CHUNK_BEGIN)
        return skip_body(snappy, body_bytes);
    if (body_bytes != 6)
        return fail_damaged(snappy, "a stream does not begin as it should");
    BARKS_TRY(read_whole(snappy, snappy->buffer, body_bytes, NULL));
    return memcmp(snappy->buffer, "sNaPpY", 6) == 0
               ? NULL
               : fail_damaged(snappy, "a stream does not begin as it should");
}

BARKS_CHECKED static barks_status *snappy_read(struct input_stream *stream, uint8_t *out,
                                               size_t wanted_bytes, size_t *out_read_bytes)
{
    struct snappy_stream *snappy = (struct snappy_stream *)stream; /* base comes first */
    bool is_end = false;
    size_t done = 0;
    while (done < wanted_bytes) {
        while (snappy->text_bytes == 0 && !is_end)
            BARKS_TRY(take_chunk(snappy, &is_end));
        if (is_end)
            break;
        size_t step = wanted_bytes - done;
        if (step > snappy->text_bytes)
            step = snappy->text_bytes;
        memcpy(out + done, snappy->text, step);
        snappy->text += step;
        snappy->text_bytes -= step;
        done += step;
    }
    *out_read_bytes = done;
    return NULL;
}

static void snappy_close(struct input_stream *stream)
{
    struct snappy_stream *snappy = (struct snappy_stream *)stream;
    pool_release(snappy->base.pool, snappy->buffer, BUFFER_BYTES);
    file_reader_drop(&snappy->base.reader);
    free(snappy);
}

static const struct input_stream_ops snappy_ops = {.read = snappy_read, .close = snappy_close};

barks_status *snappy_stream_create(struct pool *pool, struct file_reader *reader,
                                   struct input_stream **out_stream)
{
    void *buffer = NULL;
    BARKS_TRY(pool_acquire(pool, BUFFER_BYTES, &buffer));
    struct snappy_stream *snappy = calloc(1, sizeof *snappy);
    if (snappy == NULL) {
        pool_release(pool, buffer, BUFFER_BYTES);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to decompress '%s'", reader->path);
    }
    snappy->base = (struct input_stream){.ops = &snappy_ops, .pool = pool, .reader = *reader};
    snappy->buffer = buffer;
    fill_crc_table(snappy->crc_table);
    *reader = (struct file_reader){.descriptor = -1};
    *out_stream = &snappy->base;
    return NULL;
}

#else

barks_status *snappy_stream_create(struct pool *pool, struct file_reader *reader,
                                   struct input_stream **out_stream)
{
    (void)pool, (void)out_stream;
    BARKS_FAIL(BARKS_BAD_INPUT, "'%s' is compressed by snappy, and this barks was built without it",
               reader->path);
}

#endif
