/* CSV (RFC 4180) as rows: quotes, doubled quotes, newlines inside of quotes. */
#pragma once

#include "io/csv_state.h"
#include "io/source.h"

struct bad_rows;
struct pool;
struct split;

/**
 * Reads the records that begin inside of the splits, in their order.
 *
 * A value without quotes ends at the separator or the end of the line; \n ends a record, and one \r
 * before it is dropped. A value in quotes has whatever it likes, quotes doubled; after the closing
 * quote only a separator or the end may follow. An empty value without quotes is null, and so is
 * null_text; "" in quotes is an empty string. Empty lines are skipped, but for a single column.
 * A byte-order mark at the start of a file is dropped.
 *
 * Fields are those of the schema, filled from the columns `names` by name, or without names by
 * order; columns of no field are skipped. Fields that have no column stay zero for the caller to
 * fill. With options->columns by name, columns are those of each file's own header, and fields that
 * it does not name are null. A short row is bad, or with options->ragged its last fields are null;
 * a long one likewise, or what it has too much is dropped. With options->multiline a split must
 * have the start_state that the file has there.
 *
 * Ownership: borrows options, schema, splits and bad until source_close; strings as text_source.h.
 * Errors:    (next) those of input_stream_read; BARKS_BAD_INPUT: a record that does not fit, with
 *            file, line and column, where bad says so; BARKS_LIMIT: as record_window_more.
 */
BARKS_CHECKED barks_status *csv_source_open(struct pool *pool, const struct source_options *options,
                                            const barks_schema *schema, const struct split *splits,
                                            size_t split_count, struct bad_rows *bad,
                                            struct source **out_source);

/* Can rows of this schema be read? Errors: BARKS_INVALID, with field, type and remedy. */
BARKS_CHECKED barks_status *csv_source_check(const struct source_options *options,
                                             const barks_schema *schema);

/* The values of one record. Begins zeroed, ends with csv_record_drop. */
struct csv_record {
    char **values; /* owned, each too */
    uint32_t count;
    uint64_t begin, end; /* its bytes in the file, uncompressed */
};
void csv_record_drop(struct csv_record *record);
/* The first record of a file, after `skip` lines: its header, where it has one. No values: the file
 * is empty. Errors: as reading. */
BARKS_CHECKED barks_status *csv_read_first(struct pool *pool, const struct source_options *options,
                                           const struct split *split, struct csv_record *out);

/* The same as names of columns: spaces around them are dropped, empty ones become column_3 and the
 * like, and of equal ones those that come later get _1, _2, ... */
BARKS_CHECKED barks_status *csv_read_header(struct pool *pool, const struct source_options *options,
                                            const struct split *split, struct csv_record *out);
BARKS_CHECKED barks_status *csv_record_to_names(struct csv_record *record);

/* One row (i64) for each split: the csv_map of its bytes, from which the state at the beginning of
 * each split follows. */
const barks_schema *csv_scan_schema(void);
BARKS_CHECKED barks_status *csv_scan_open(struct pool *pool, const struct source_options *options,
                                          const struct split *splits, size_t split_count,
                                          struct source **out_source);
