#include "base/pool.h"
#include "batch/block.h"
#include "batch/codec.h"
#include "batch/schema.h"
#include "io/batches_file.h"
#include "io/fixed_source.h"
#include "io/input_stream.h"
#include "io/record_window.h"

#include <stdlib.h>
#include <string.h>

struct batches_source {
    struct source base;
    struct pool *pool;
    const struct split *splits; /* borrowed */
    size_t split_count;
    size_t next_split;
    const struct split *split;
    struct input_stream *stream; /* owned; NULL: no file is open */
    uint64_t offset;
    uint64_t file_rows; /* read of the open file */
    uint64_t bytes_max;
};

BARKS_CHECKED static barks_status *fail_cut(const struct batches_source *batches)
{
    BARKS_FAIL(BARKS_BAD_INPUT, "'%s' is cut or damaged: byte %ju is no batch of barks",
               batches->split->path, (uintmax_t)batches->offset);
}

BARKS_CHECKED static barks_status *read_exactly(struct batches_source *batches, void *out,
                                                size_t size_bytes)
{
    for (size_t done = 0; done < size_bytes;) {
        size_t read_bytes = 0;
        BARKS_TRY(input_stream_read(batches->stream, (uint8_t *)out + done, size_bytes - done,
                                    &read_bytes));
        if (read_bytes == 0)
            return fail_cut(batches);
        done += read_bytes;
    }
    batches->offset += size_bytes;
    return NULL;
}

BARKS_CHECKED static barks_status *check_schema(struct batches_source *batches)
{
    char magic[BATCHES_MAGIC_BYTES];
    uint64_t size_bytes = 0;
    size_t used_bytes = 0;
    barks_schema *schema = NULL;
    BARKS_TRY(read_exactly(batches, magic, sizeof magic));
    if (memcmp(magic, BATCHES_MAGIC, sizeof magic) != 0)
        BARKS_FAIL(BARKS_BAD_INPUT, "'%s' is no file of batches that barks has written",
                   batches->split->path);
    BARKS_TRY(read_exactly(batches, &size_bytes, sizeof size_bytes));
    if (size_bytes > BATCHES_SCHEMA_BYTES_MAX)
        return fail_cut(batches);
    uint8_t *bytes = malloc((size_t)size_bytes + 1);
    if (bytes == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to read '%s'", batches->split->path);
    barks_status *status = read_exactly(batches, bytes, (size_t)size_bytes);
    if (status == NULL)
        status = schema_decode(bytes, (size_t)size_bytes, &used_bytes, &schema);
    free(bytes);
    if (status == NULL && !schema_equal(schema, batches->base.schema))
        status = barks_status_new(BARKS_BAD_INPUT, NULL, BARKS_HERE,
                                  "'%s' holds other fields than the record that it is read as",
                                  batches->split->path);
    schema_destroy(schema);
    return status;
}

/* Reads the next batch; *out_end: there is none in this file. */
BARKS_CHECKED static barks_status *read_batch(struct batches_source *batches, struct batch *batch,
                                              bool *out_end)
{
    uint64_t size_bytes = 0, rows = 0;
    uint8_t beyond = 0;
    size_t read_bytes = 0;
    struct block *block = NULL;
    BARKS_TRY(read_exactly(batches, &size_bytes, sizeof size_bytes));
    *out_end = size_bytes == 0;
    if (size_bytes == 0) {
        BARKS_TRY(read_exactly(batches, &rows, sizeof rows));
        BARKS_TRY(input_stream_read(batches->stream, &beyond, 1, &read_bytes));
        return rows == batches->file_rows && read_bytes == 0 ? NULL : fail_cut(batches);
    }
    if (size_bytes < CODEC_HEADER_BYTES || size_bytes > batches->bytes_max)
        return fail_cut(batches);
    BARKS_TRY_DOING(block_create(batches->pool, (size_t)size_bytes, &block), "read '%s'",
                    batches->split->path);
    barks_status *status = read_exactly(batches, block->bytes, (size_t)size_bytes);
    if (status == NULL)
        status = codec_decode(block->bytes, (size_t)size_bytes, block, batch);
    if (status != NULL && barks_status_code(status) == BARKS_BAD_INPUT)
        status = barks_status_new(BARKS_BAD_INPUT, status, BARKS_HERE, "read '%s'",
                                  batches->split->path);
    block_release(block);
    batches->file_rows += batch->base.row_count;
    return status;
}

static void close_file(struct batches_source *batches)
{
    input_stream_close(batches->stream);
    batches->stream = NULL;
}

BARKS_CHECKED static barks_status *batches_next(struct source *source, struct batch *batch)
{
    struct batches_source *batches = (struct batches_source *)source; /* base comes first */
    batch_clear(batch);
    while (batch->base.row_count == 0) {
        bool end = false;
        if (batches->stream == NULL) {
            if (batches->next_split == batches->split_count)
                return NULL;
            batches->split = &batches->splits[batches->next_split++];
            batches->offset = batches->file_rows = 0;
            BARKS_TRY(input_stream_open(batches->pool, batches->split, 0, &batches->stream));
            BARKS_TRY(check_schema(batches));
        }
        BARKS_TRY(read_batch(batches, batch, &end));
        if (end) {
            source->file_bytes += batches->split->file_bytes;
            close_file(batches);
        }
    }
    source->row_count += batch->base.row_count;
    return NULL;
}

static void batches_place(const struct source *source, uint32_t row, struct source_place *out_place)
{
    const struct batches_source *batches = (const struct batches_source *)source;
    (void)row;
    *out_place = (struct source_place){.path = batches->split->path, .offset = batches->offset};
}

static void batches_close(struct source *source)
{
    struct batches_source *batches = (struct batches_source *)source;
    close_file(batches);
    free(batches);
}

static const struct source_ops batches_ops = {
    .next = batches_next, .place = batches_place, .close = batches_close};

barks_status *batches_source_open(struct pool *pool, const struct source_options *options,
                                  const barks_schema *schema, const struct split *splits,
                                  size_t split_count, struct bad_rows *bad,
                                  struct source **out_source)
{
    (void)bad; /* a damaged file has no rows to put aside */
    struct batches_source *batches = calloc(1, sizeof *batches);
    if (batches == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to read batches");
    *batches = (struct batches_source){
        .base = {.ops = &batches_ops, .schema = schema},
        .pool = pool,
        .splits = splits,
        .split_count = split_count,
        .bytes_max = pool_budget_bytes(pool),
    };
    (void)options;
    *out_source = &batches->base;
    return NULL;
}
