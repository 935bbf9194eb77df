#include "io/fixed_source.h"

#include "barks/str.h"
#include "batch/batch.h"
#include "io/record_window.h"

#include <stdlib.h>
#include <string.h>

struct fixed_source {
    struct source base;
    struct record_window window;
    size_t record_bytes;
    uint64_t skip_bytes;
    const char *path;
    uint64_t first_offset; /* of the last batch: its rows lie one after the other */
};

/* The first record that begins in [begin, end) of the file. */
static uint64_t first_record(const struct fixed_source *fixed, uint64_t begin)
{
    if (begin <= fixed->skip_bytes)
        return fixed->skip_bytes;
    uint64_t before = (begin - fixed->skip_bytes + fixed->record_bytes - 1) / fixed->record_bytes;
    return fixed->skip_bytes + before * fixed->record_bytes;
}

BARKS_CHECKED static barks_status *begin_split(struct fixed_source *fixed, bool *out_rows)
{
    struct record_window *window = &fixed->window;
    const struct split *split = &window->splits[window->next_split];
    bool full = false;
    uint64_t from = first_record(fixed, split->begin);
    *out_rows = split->compression != COMPRESSION_NONE || from < split->end;
    if (!*out_rows) {
        window->next_split++;
        return NULL;
    }
    fixed->path = split->path;
    if (split->compression == COMPRESSION_NONE)
        return record_window_open(window, from);
    BARKS_TRY(record_window_open(window, 0)); /* what is skipped is decompressed too */
    for (uint64_t left = fixed->skip_bytes; left > 0 && !window->at_end;) {
        BARKS_TRY(record_window_more(window, false, &full));
        uint64_t here = window->end - window->begin < left ? window->end - window->begin : left;
        window->begin += (size_t)here;
        left -= here;
    }
    return NULL;
}

/* Rows out of the open split; *out_done: hand the batch out. */
BARKS_CHECKED static barks_status *fill_from_split(struct fixed_source *fixed, struct batch *batch,
                                                   bool *out_done)
{
    struct record_window *window = &fixed->window;
    barks_str *views = batch->base.columns[0].values;
    while (batch->base.row_count < BATCH_ROWS) {
        if (record_window_offset(window, window->begin) >= window->body_end ||
            (window->at_end && window->begin == window->end)) {
            record_window_close(window);
            *out_done = batch->base.row_count > 0;
            return NULL;
        }
        size_t held = window->end - window->begin;
        if (held < fixed->record_bytes) {
            if (window->at_end)
                BARKS_FAIL(BARKS_BAD_INPUT,
                           "'%s' ends %zu bytes after a record began that has %zu: its length is "
                           "no multiple of %zu (after %ju bytes that are skipped)",
                           window->split->path, held, fixed->record_bytes, fixed->record_bytes,
                           (uintmax_t)fixed->skip_bytes);
            BARKS_TRY(record_window_more(window, batch->base.row_count > 0, out_done));
            if (*out_done)
                return NULL;
            continue;
        }
        if (batch->base.row_count == 0)
            fixed->first_offset = record_window_offset(window, window->begin);
        const char *bytes = (const char *)window->block->bytes + window->begin;
        views[batch->base.row_count++] = barks_str_of(bytes, fixed->record_bytes);
        window->begin += fixed->record_bytes;
    }
    *out_done = true;
    return NULL;
}

BARKS_CHECKED static barks_status *fixed_next(struct source *source, struct batch *batch)
{
    struct fixed_source *fixed = (struct fixed_source *)source; /* base comes first */
    bool done = false;
    batch_clear(batch);
    BARKS_TRY(batch_reserve(batch, BATCH_ROWS));
    barks_status *status = NULL;
    while (!done && status == NULL) {
        bool rows = true;
        if (fixed->window.split == NULL) {
            if (fixed->window.next_split == fixed->window.split_count)
                break;
            status = begin_split(fixed, &rows);
        }
        if (status == NULL && rows)
            status = fill_from_split(fixed, batch, &done);
    }
    if (status == NULL && batch->base.row_count > 0)
        status = batch_keep_block(batch, fixed->window.block);
    source->file_bytes = fixed->window.file_bytes;
    if (status != NULL)
        batch_truncate(batch, 0);
    source->row_count += batch->base.row_count;
    return status;
}

static void fixed_place(const struct source *source, uint32_t row, struct source_place *out_place)
{
    const struct fixed_source *fixed = (const struct fixed_source *)source;
    *out_place = (struct source_place){
        .path = fixed->path, .offset = fixed->first_offset + row * (uint64_t)fixed->record_bytes};
}

static void fixed_close(struct source *source)
{
    struct fixed_source *fixed = (struct fixed_source *)source;
    record_window_drop(&fixed->window);
    free(fixed);
}

static const struct source_ops fixed_ops = {
    .next = fixed_next, .place = fixed_place, .close = fixed_close};

barks_status *fixed_source_open(struct pool *pool, const struct source_options *options,
                                const barks_schema *schema, const struct split *splits,
                                size_t split_count, struct bad_rows *bad,
                                struct source **out_source)
{
    (void)bad; /* a cut file has no row to put aside */
    struct fixed_source *fixed = calloc(1, sizeof *fixed);
    if (fixed == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to read records");
    fixed->base = (struct source){.ops = &fixed_ops, .schema = schema};
    fixed->record_bytes = options->fixed_bytes;
    fixed->skip_bytes = options->skip;
    uint64_t most = options->record_bytes_max;
    if (most != 0 && most < options->fixed_bytes)
        most = options->fixed_bytes;
    barks_status *status =
        record_window_init(&fixed->window, pool, splits, split_count, options->chunk_bytes, most);
    if (status != NULL) {
        free(fixed);
        return status;
    }
    *out_source = &fixed->base;
    return NULL;
}
