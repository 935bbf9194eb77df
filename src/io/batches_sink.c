#include "base/buffer.h"
#include "base/scope.h"
#include "batch/codec.h"
#include "batch/schema.h"
#include "io/batches_file.h"
#include "io/file_writer.h"
#include "io/sink.h"

#include <stdlib.h>

enum { ENCODED_ROWS = 8192 };

/* Rows are gathered into batches of one size, so that a file does not tell in what pieces they
 * came. */
struct batches_sink {
    struct sink base;
    struct batch *rows; /* owned */
    uint8_t *bytes;     /* owned: an encoded batch */
    size_t capacity_bytes;
};

BARKS_CHECKED static barks_status *batches_check_schema(const barks_schema *schema)
{
    (void)schema; /* whatever is in memory can be encoded */
    return NULL;
}

BARKS_CHECKED static barks_status *write_rows(struct batches_sink *sink)
{
    const barks_batch *batch = &sink->rows->base;
    uint64_t size_bytes = codec_encoded_bytes(batch, 0, batch->row_count);
    if (size_bytes > sink->capacity_bytes) {
        uint8_t *bytes = realloc(sink->bytes, (size_t)size_bytes);
        if (bytes == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory to write '%s'", sink->base.writer->path);
        sink->bytes = bytes;
        sink->capacity_bytes = (size_t)size_bytes;
    }
    codec_encode(batch, 0, batch->row_count, sink->bytes);
    batch_clear(sink->rows);
    BARKS_TRY(file_writer_put(sink->base.writer, &size_bytes, sizeof size_bytes));
    return file_writer_put(sink->base.writer, sink->bytes, (size_t)size_bytes);
}

BARKS_CHECKED static barks_status *batches_write(struct sink *sink, const barks_batch *batch)
{
    struct batches_sink *batches = (struct batches_sink *)sink; /* base comes first */
    for (uint32_t first = 0; first < batch->row_count;) {
        uint32_t room = ENCODED_ROWS - batches->rows->base.row_count;
        uint32_t count = batch->row_count - first < room ? batch->row_count - first : room;
        BARKS_TRY(batch_append(batches->rows, (const struct batch *)batch, first, count,
                               BATCH_COPY)); /* a barks_batch is the head of its batch */
        first += count;
        if (count == room)
            BARKS_TRY(write_rows(batches));
    }
    return NULL;
}

BARKS_CHECKED static barks_status *batches_finish(struct sink *sink)
{
    struct batches_sink *batches = (struct batches_sink *)sink;
    uint64_t end[2] = {0, sink->row_count};
    if (batches->rows->base.row_count > 0)
        BARKS_TRY(write_rows(batches));
    return file_writer_put(sink->writer, end, sizeof end);
}

static void batches_drop(struct sink *sink)
{
    struct batches_sink *batches = (struct batches_sink *)sink;
    batch_destroy(batches->rows);
    free(batches->bytes);
    free(sink);
}

static const struct sink_ops batches_sink_ops = {
    .write = batches_write, .finish = batches_finish, .drop = batches_drop};

BARKS_CHECKED static barks_status *write_head(struct file_writer *writer,
                                              const barks_schema *schema)
{
    BARKS_AUTO(buffer) encoded = {.limit_bytes = BATCHES_SCHEMA_BYTES_MAX};
    BARKS_TRY(schema_encode(schema, &encoded));
    uint64_t size_bytes = encoded.size_bytes;
    BARKS_TRY(file_writer_put(writer, BATCHES_MAGIC, BATCHES_MAGIC_BYTES));
    BARKS_TRY(file_writer_put(writer, &size_bytes, sizeof size_bytes));
    return file_writer_put(writer, encoded.data, encoded.size_bytes);
}

BARKS_CHECKED static barks_status *
batches_create(struct file_writer *writer, const barks_schema *schema, struct sink **out_sink)
{
    struct batches_sink *batches = calloc(1, sizeof *batches);
    if (batches == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to write '%s'", writer->path);
    batches->base = (struct sink){.ops = &batches_sink_ops, .schema = schema, .writer = writer};
    barks_status *status = batch_create(writer->pool, schema, 0, &batches->rows);
    if (status == NULL)
        status = write_head(writer, schema);
    if (status != NULL) {
        batches_drop(&batches->base);
        return status;
    }
    *out_sink = &batches->base;
    return NULL;
}

const struct sink_format batches_format = {
    .name = "batches",
    .suffix = ".batches",
    .check_schema = batches_check_schema,
    .create = batches_create,
};
