/* Where rows go to: one part of an output, written in a file format. */
#pragma once

#include "barks/batch.h"
#include "barks/status.h"

#include <stdint.h>

struct file_writer;
struct sink;

struct sink_ops {
    barks_status *(*write)(struct sink *sink, const barks_batch *batch);
    barks_status *(*finish)(struct sink *sink); /* what a format puts at its end */
    void (*drop)(struct sink *sink);
};

/* The head of each kind. Threads: one owner at a time. */
struct sink {
    const struct sink_ops *ops;
    const barks_schema *schema; /* borrowed */
    struct file_writer *writer; /* borrowed: whoever opened the part closes and commits it */
    uint64_t row_count;         /* written so far */
};

/* Writes the rows of batch, whose schema equals the sink's. Errors: as file_writer_put. */
BARKS_CHECKED static inline barks_status *sink_write(struct sink *sink, const barks_batch *batch)
{
    BARKS_TRY(sink->ops->write(sink, batch));
    sink->row_count += batch->row_count;
    return NULL;
}

/* After the last row; then the writer may be closed. Errors: as file_writer_put. */
BARKS_CHECKED static inline barks_status *sink_finish(struct sink *sink)
{
    return sink->ops->finish(sink);
}

static inline void sink_destroy(struct sink *sink) /* NULL is fine */
{
    if (sink != NULL)
        sink->ops->drop(sink);
}

/* The formats of this layer, by name, for plans: "csv", "text", "json", "fixed", "batches".
 * NULL for another name. */
struct sink_format {
    const char *name;
    const char *suffix; /* of part files: ".csv" */
    /* Can rows of this schema be written? Errors: BARKS_INVALID, with column, type and remedy. */
    barks_status *(*check_schema)(const barks_schema *schema);
    /* Also writes what the format puts at its beginning. The schema was checked; it and the writer
     * outlive the sink. */
    barks_status *(*create)(struct file_writer *writer, const barks_schema *schema,
                            struct sink **out_sink);
};

const struct sink_format *sink_format_find(const char *name);

/* CSV (RFC 4180 with \n): a header; quotes where a value has a comma, a quote, \r or \n, or is an
 * empty string; null is nothing at all; bool true and false; numbers as number_text.h says; str and
 * bytes as they are, quotes doubled. */
extern const struct sink_format csv_format;

/* Lines: one str or bytes column, each value and \n. Null is an empty line. */
extern const struct sink_format text_format;

/* JSON lines: an object a row, null as null, lists as arrays, structs as objects; numbers as
 * number_text.h says, but NaN and infinities as strings; bytes that are no UTF-8 as U+FFFD. */
extern const struct sink_format json_format;

/* One bytes or str column, the values one after the other; all must have one length. */
extern const struct sink_format fixed_format;

/* Encoded batches, for barks itself: batches_file.h. */
extern const struct sink_format batches_format;
