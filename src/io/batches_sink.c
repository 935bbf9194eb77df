#include "base/buffer.h"
#include "base/pool.h"
#include "base/scope.h"
#include "batch/codec.h"
#include "batch/row_bytes.h"
#include "batch/schema.h"
#include "io/batches_file.h"
#include "io/file_writer.h"
#include "io/sink.h"

#include <stdlib.h>

enum { ENCODED_ROWS = 8192 };

/* Rows are gathered into batches of so many rows, or of BATCH_BYTES and what is in one row, so that
 * a file does not tell in what pieces they came. */
struct batches_sink {
    struct sink base;
    struct batch *rows;      /* owned */
    uint64_t gathered_bytes; /* of them */
    uint32_t *row_bytes;     /* owned: that each row at hand points to */
    uint32_t row_capacity;
};

BARKS_CHECKED static barks_status *batches_check_schema(const barks_schema *schema)
{
    (void)schema; /* whatever is in memory can be encoded */
    return NULL;
}

BARKS_CHECKED static barks_status *write_rows(struct batches_sink *sink)
{
    struct file_writer *writer = sink->base.writer;
    const barks_batch *batch = &sink->rows->base;
    uint64_t size_bytes = codec_encoded_bytes(batch, 0, batch->row_count);
    void *encoded = NULL;
    BARKS_TRY_DOING(pool_acquire(writer->pool, (size_t)size_bytes, &encoded),
                    "encode %u rows for '%s'", batch->row_count, writer->path);
    codec_encode(batch, 0, batch->row_count, encoded);
    batch_clear(sink->rows);
    sink->gathered_bytes = 0;
    barks_status *status = file_writer_put(writer, &size_bytes, sizeof size_bytes);
    if (status == NULL)
        status = file_writer_put(writer, encoded, (size_t)size_bytes);
    pool_release(writer->pool, encoded, (size_t)size_bytes);
    return status;
}

BARKS_CHECKED static barks_status *find_row_bytes(struct batches_sink *sink,
                                                  const barks_batch *batch)
{
    if (batch->row_count > sink->row_capacity) {
        uint32_t *row_bytes = realloc(sink->row_bytes, batch->row_count * sizeof *row_bytes);
        if (row_bytes == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory to write '%s'", sink->base.writer->path);
        sink->row_bytes = row_bytes;
        sink->row_capacity = batch->row_count;
    }
    rows_find_bytes(batch, sink->row_bytes);
    return NULL;
}

/* How many of the rows from first on still go to those that are gathered: one at least. */
static uint32_t rows_that_fit(struct batches_sink *sink, const barks_batch *batch, uint32_t first)
{
    uint32_t room = ENCODED_ROWS - sink->rows->base.row_count, count = 0;
    uint32_t value_bytes = row_value_bytes(batch->schema);
    while (count < room && first + count < batch->row_count &&
           (count == 0 || sink->gathered_bytes < BATCH_BYTES))
        sink->gathered_bytes += value_bytes + sink->row_bytes[first + count++];
    return count;
}

BARKS_CHECKED static barks_status *batches_write(struct sink *sink, const barks_batch *batch)
{
    struct batches_sink *batches = (struct batches_sink *)sink; /* base comes first */
    BARKS_TRY(find_row_bytes(batches, batch));
    for (uint32_t first = 0; first < batch->row_count;) {
        uint32_t count = rows_that_fit(batches, batch, first);
        BARKS_TRY_DOING(batch_append(batches->rows, (const struct batch *)batch, first, count,
                                     BATCH_COPY), /* a barks_batch is the head of its batch */
                        "gather rows for '%s'", sink->writer->path);
        first += count;
        if (batches->rows->base.row_count == ENCODED_ROWS || batches->gathered_bytes >= BATCH_BYTES)
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
    free(batches->row_bytes);
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
