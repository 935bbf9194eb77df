/* Records of fixed length, whole files, and files of encoded batches as rows. */
#pragma once

#include "io/source.h"
#include "io/source_options.h"

struct pool;
struct split;

/* Rows (bytes, data) of options->fixed_bytes each, after options->skip bytes at the start of each
 * file; a record belongs to the split in which it begins. Errors: (next) BARKS_BAD_INPUT: a file
 * that ends inside of a record. */
BARKS_CHECKED barks_status *fixed_source_open(struct pool *pool,
                                              const struct source_options *options,
                                              const barks_schema *schema,
                                              const struct split *splits, size_t split_count,
                                              struct bad_rows *bad, struct source **out_source);

/* A row for each split: its path (the field "path", str), and what the file holds (the field
 * "content", str or bytes). Errors: (next) BARKS_LIMIT: a file above record_bytes_max, or the
 * budget. */
BARKS_CHECKED barks_status *whole_source_open(struct pool *pool,
                                              const struct source_options *options,
                                              const barks_schema *schema,
                                              const struct split *splits, size_t split_count,
                                              struct bad_rows *bad, struct source **out_source);

/* What the format "batches" has written, whose schema must be equal. Errors: (next)
 * BARKS_BAD_INPUT: another schema, a file that is cut or damaged. */
BARKS_CHECKED barks_status *batches_source_open(struct pool *pool,
                                                const struct source_options *options,
                                                const barks_schema *schema,
                                                const struct split *splits, size_t split_count,
                                                struct bad_rows *bad, struct source **out_source);
