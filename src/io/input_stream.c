#include "io/input_stream.h"

#include "base/scope.h"
#include "io/split.h"

#include <stdlib.h>

BARKS_CHECKED static barks_status *plain_read(struct input_stream *stream, uint8_t *out,
                                              size_t wanted_bytes, size_t *out_read_bytes)
{
    return file_reader_read(&stream->reader, out, wanted_bytes, out_read_bytes);
}

static void plain_close(struct input_stream *stream)
{
    file_reader_drop(&stream->reader);
    free(stream);
}

static const struct input_stream_ops plain_ops = {.read = plain_read, .close = plain_close};

BARKS_CHECKED static barks_status *plain_create(struct pool *pool, struct file_reader *reader,
                                                struct input_stream **out_stream)
{
    struct input_stream *stream = malloc(sizeof *stream);
    if (stream == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to read '%s'", reader->path);
    *stream = (struct input_stream){.ops = &plain_ops, .pool = pool, .reader = *reader};
    *reader = (struct file_reader){.descriptor = -1};
    *out_stream = stream;
    return NULL;
}

barks_status *input_stream_open(struct pool *pool, const struct split *split, uint64_t begin,
                                struct input_stream **out_stream)
{
    BARKS_AUTO(file_reader) reader = {.descriptor = -1};
    BARKS_TRY(file_reader_open(&reader, split, begin));
    switch (split->compression) {
    case COMPRESSION_NONE:
        return plain_create(pool, &reader, out_stream);
    case COMPRESSION_GZIP:
        return gzip_stream_create(pool, &reader, out_stream);
    case COMPRESSION_ZSTD:
        return zstd_stream_create(pool, &reader, out_stream);
    case COMPRESSION_BZIP2:
        return bz2_stream_create(pool, &reader, out_stream);
    case COMPRESSION_XZ:
        return xz_stream_create(pool, &reader, out_stream);
    case COMPRESSION_LZ4:
        return lz4_stream_create(pool, &reader, out_stream);
    case COMPRESSION_SNAPPY:
        return snappy_stream_create(pool, &reader, out_stream);
    }
    BARKS_FAIL(BARKS_INTERNAL, "'%s' has compression %d, which no stream reads", split->path,
               (int)split->compression);
}

void input_stream_close(struct input_stream *stream)
{
    if (stream != NULL)
        stream->ops->close(stream);
}
