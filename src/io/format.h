/* The formats of files that are read, by name, for plans. */
#pragma once

#include "barks/status.h"
#include "io/source.h"
#include "io/source_options.h"

#include <stdbool.h>
#include <stddef.h>

struct pool;
struct split;

struct source_format {
    const char *name;
    bool has_bad_rows; /* it knows records that are no rows */
    bool is_split;     /* its files may be cut into ranges of bytes */
    bool is_scattered; /* any ranges of them: a record is found without what lies before it */
    /* Can files be read so into rows of this schema? Errors: BARKS_INVALID, with remedy. */
    barks_status *(*check)(const struct source_options *options, const barks_schema *schema);
    /* Options, schema, splits and bad outlive the source. */
    barks_status *(*open)(struct pool *pool, const struct source_options *options,
                          const barks_schema *schema, const struct split *splits,
                          size_t split_count, struct bad_rows *bad, struct source **out_source);
};

/* "text", "csv", "csv_scan" (one csv_map a split), "json", "fixed", "whole", "batches"; NULL for
 * another name. */
const struct source_format *source_format_find(const char *name);
