#include "barks/str.h"
#include "batch/batch.h"
#include "batch/block.h"
#include "batch/schema.h"
#include "io/fixed_source.h"
#include "io/input_stream.h"
#include "io/record_window.h"

#include <stdlib.h>
#include <string.h>

enum { PACKED_BYTES_FIRST = 1024 * 1024 }; /* room for a compressed file at first */

struct whole_source {
    struct source base;
    struct pool *pool;
    const struct split *splits; /* borrowed */
    size_t split_count;
    size_t next_split;
    uint64_t file_bytes_max;
    int32_t path_field, content_field;
};

BARKS_CHECKED static barks_status *grow(struct pool *pool, struct block **block, size_t used_bytes,
                                        size_t size_bytes)
{
    struct block *larger = NULL;
    BARKS_TRY(block_create(pool, size_bytes, &larger));
    if (*block != NULL)
        memcpy(larger->bytes, (*block)->bytes, used_bytes);
    block_release(*block);
    *block = larger;
    return NULL;
}

/* All of a stream in one block. */
BARKS_CHECKED static barks_status *read_all(const struct whole_source *whole,
                                            const struct split *split, struct input_stream *stream,
                                            struct block **block, size_t *out_bytes)
{
    size_t used_bytes = 0;
    size_t size_bytes =
        split->compression == COMPRESSION_NONE ? (size_t)split->file_bytes : PACKED_BYTES_FIRST;
    for (;;) {
        size_t read_bytes = 0;
        if (used_bytes > whole->file_bytes_max || size_bytes > whole->file_bytes_max + 1)
            BARKS_FAIL(BARKS_LIMIT,
                       "'%s' has more than %ju bytes, too many for one row: raise line_bytes_max, "
                       "or read it by lines",
                       split->path, (uintmax_t)whole->file_bytes_max);
        if (*block == NULL || (*block)->size_bytes == used_bytes) {
            if (*block != NULL && split->compression == COMPRESSION_NONE)
                break; /* it has been read to the end that was listed */
            if (*block != NULL)
                size_bytes = 2 * used_bytes < whole->file_bytes_max + 1
                                 ? 2 * used_bytes
                                 : (size_t)whole->file_bytes_max + 1;
            BARKS_TRY_DOING(grow(whole->pool, block, used_bytes, size_bytes), "read '%s'",
                            split->path);
        }
        if ((*block)->size_bytes == used_bytes)
            break; /* an empty file */
        BARKS_TRY(input_stream_read(stream, (*block)->bytes + used_bytes,
                                    (*block)->size_bytes - used_bytes, &read_bytes));
        used_bytes += read_bytes;
        if (read_bytes == 0)
            break;
    }
    *out_bytes = used_bytes;
    return NULL;
}

BARKS_CHECKED static barks_status *read_file(struct whole_source *whole, const struct split *split,
                                             struct batch *batch)
{
    struct input_stream *stream = NULL;
    struct block *block = NULL;
    size_t size_bytes = 0, path_bytes = strlen(split->path);
    void *path = NULL;
    BARKS_TRY(input_stream_open(whole->pool, split, 0, &stream));
    barks_status *status = read_all(whole, split, stream, &block, &size_bytes);
    input_stream_close(stream);
    if (status == NULL && block != NULL)
        status = batch_keep_block(batch, block);
    if (status == NULL)
        status = batch_make_bytes(batch, path_bytes + 1, &path);
    if (status == NULL) {
        memcpy(path, split->path, path_bytes);
        ((barks_str *)batch->base.columns[whole->path_field].values)[0] =
            barks_str_of(path, path_bytes);
        ((barks_str *)batch->base.columns[whole->content_field].values)[0] =
            barks_str_of(block != NULL ? (const char *)block->bytes : "", size_bytes);
        batch->base.row_count = 1;
    }
    block_release(block);
    return status;
}

BARKS_CHECKED static barks_status *whole_next(struct source *source, struct batch *batch)
{
    struct whole_source *whole = (struct whole_source *)source;
    batch_clear(batch);
    if (whole->next_split == whole->split_count)
        return NULL;
    const struct split *split = &whole->splits[whole->next_split];
    BARKS_TRY(batch_reserve(batch, 1));
    BARKS_TRY(read_file(whole, split, batch));
    whole->next_split++;
    source->row_count++;
    source->file_bytes += split->file_bytes;
    return NULL;
}

static void whole_place(const struct source *source, uint32_t row, struct source_place *out_place)
{
    const struct whole_source *whole = (const struct whole_source *)source;
    (void)row;
    *out_place = (struct source_place){.path = whole->splits[whole->next_split - 1].path};
}

static void whole_close(struct source *source) { free(source); }

static const struct source_ops whole_ops = {
    .next = whole_next, .place = whole_place, .close = whole_close};

barks_status *whole_source_open(struct pool *pool, const struct source_options *options,
                                const barks_schema *schema, const struct split *splits,
                                size_t split_count, struct bad_rows *bad,
                                struct source **out_source)
{
    (void)bad; /* any file is a row */
    struct whole_source *whole = calloc(1, sizeof *whole);
    if (whole == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to read files");
    *whole = (struct whole_source){
        .base = {.ops = &whole_ops, .schema = schema},
        .pool = pool,
        .splits = splits,
        .split_count = split_count,
        .file_bytes_max = options->record_bytes_max != 0 ? options->record_bytes_max
                                                         : (uint64_t)WINDOW_RECORD_BYTES_MAX,
        .path_field = schema_find(schema, "path"),
        .content_field = schema_find(schema, "content"),
    };
    *out_source = &whole->base;
    return NULL;
}
