#include "io/separated_source.h"

#include "batch/batch.h"
#include "io/delimited.h"
#include "io/text_source.h"

#include <stdlib.h>

struct separated_source {
    struct source base;
    struct delimited texts;
    const char *path;  /* of the rows of the last batch */
    uint64_t *offsets; /* owned, BATCH_ROWS: of these rows, in the text */
};

/* Rows out of the open split; *out_done: hand the batch out. */
BARKS_CHECKED static barks_status *fill_from_split(struct separated_source *source,
                                                   struct batch *batch, bool *out_done)
{
    struct record_window *window = &source->texts.window;
    barks_str *views = batch->base.columns[0].values;
    enum record_found found = RECORD_FOUND;
    size_t length = 0;
    *out_done = true;
    while (batch->base.row_count < BATCH_ROWS) {
        uint32_t row = batch->base.row_count;
        BARKS_TRY(delimited_find(&source->texts, row > 0, &found, &length));
        if (found != RECORD_FOUND) {
            *out_done = found == RECORD_FULL || row > 0;
            return NULL;
        }
        views[row] = barks_str_of((const char *)window->block->bytes + window->begin, length);
        source->offsets[row] = record_window_offset(window, window->begin);
        batch->base.row_count++;
        delimited_pass(&source->texts, length);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *fill(struct separated_source *source, struct batch *batch)
{
    struct record_window *window = &source->texts.window;
    bool done = false;
    while (!done) {
        if (window->split == NULL) {
            if (window->next_split == window->split_count)
                return NULL;
            source->path = window->splits[window->next_split].path;
            BARKS_TRY(delimited_open(&source->texts));
        }
        BARKS_TRY(fill_from_split(source, batch, &done));
    }
    return batch->base.row_count > 0 ? batch_keep_block(batch, window->block) : NULL;
}

BARKS_CHECKED static barks_status *separated_next(struct source *base, struct batch *batch)
{
    struct separated_source *source = (struct separated_source *)base; /* base comes first */
    batch_clear(batch);
    BARKS_TRY(batch_reserve(batch, BATCH_ROWS));
    barks_status *status = fill(source, batch);
    base->file_bytes = source->texts.window.file_bytes;
    if (status != NULL) {
        batch_truncate(batch, 0);
        return status;
    }
    base->row_count += batch->base.row_count;
    return NULL;
}

static void separated_place(const struct source *base, uint32_t row, struct source_place *out_place)
{
    const struct separated_source *source = (const struct separated_source *)base;
    *out_place = (struct source_place){.path = source->path, .offset = source->offsets[row]};
}

static void separated_close(struct source *base)
{
    struct separated_source *source = (struct separated_source *)base;
    record_window_drop(&source->texts.window);
    free(source->offsets);
    free(source);
}

static const struct source_ops separated_ops = {
    .next = separated_next, .place = separated_place, .close = separated_close};

barks_status *separated_source_open(struct pool *pool, const struct source_options *options,
                                    const struct split *splits, size_t split_count,
                                    struct source **out_source)
{
    struct separated_source *source = calloc(1, sizeof *source);
    if (source == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to read text");
    source->base = (struct source){.ops = &separated_ops, .schema = text_source_schema()};
    source->texts.separator = options->record_separator;
    source->texts.separator_bytes = options->record_separator_bytes;
    source->offsets = calloc(BATCH_ROWS, sizeof *source->offsets);
    barks_status *status = record_window_init(&source->texts.window, pool, splits, split_count,
                                              options->chunk_bytes, options->record_bytes_max);
    if (status == NULL && source->offsets == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "no memory to read text");
    if (status != NULL) {
        separated_close(&source->base);
        return status;
    }
    *out_source = &source->base;
    return NULL;
}
