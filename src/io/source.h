/* Where rows come from: the splits of one partition, read as batches. */
#pragma once

#include "barks/batch.h"
#include "barks/status.h"

#include <stdint.h>

struct batch;
struct source;

/* Where a row was read, for errors: "byte 1234 of '/data/a.txt'". */
struct source_place {
    const char *path; /* borrowed from the splits */
    uint64_t offset;  /* in the text; of a compressed file, in what it decompresses to */
};

struct source_ops {
    barks_status *(*next)(struct source *source, struct batch *batch);
    void (*place)(const struct source *source, uint32_t row, struct source_place *out_place);
    void (*close)(struct source *source);
};

/* The head of each kind. Threads: one owner at a time. */
struct source {
    const struct source_ops *ops;
    const barks_schema *schema;
    uint64_t row_count; /* handed out so far */
    uint64_t
        file_bytes; /* taken of files so far, compressed ones as they are stored: for progress */
};

/* Clears batch and fills it with the next rows, up to BATCH_ROWS; no rows are the end. The batch
 * must have the source's schema; it keeps alive what its strings point into, whatever becomes of
 * the source. Errors: as the kind says; the batch is then empty and the source can only be closed.
 */
BARKS_CHECKED static inline barks_status *source_next(struct source *source, struct batch *batch)
{
    return source->ops->next(source, batch);
}

/* The place of a row of the batch that source_next filled last. Slow: finds it again in the text.
 */
static inline void source_place(const struct source *source, uint32_t row,
                                struct source_place *out_place)
{
    source->ops->place(source, row, out_place);
}

static inline void source_close(struct source *source) /* NULL is fine */
{
    if (source != NULL)
        source->ops->close(source);
}
