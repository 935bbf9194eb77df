/* Text between separators of any bytes as rows of one str column. */
#pragma once

#include "io/source.h"
#include "io/source_options.h"

struct pool;
struct split;

/**
 * Reads the texts that begin inside of the splits, in their order: as text_source_open, but a text
 * ends where options->record_separator stands, which is taken as it is. One that overlaps itself
 * (separator_overlaps) wants whole files.
 *
 * Ownership: borrows options and splits until source_close; strings as text_source.h. Errors: those
 * of record_window_more.
 */
BARKS_CHECKED barks_status *separated_source_open(struct pool *pool,
                                                  const struct source_options *options,
                                                  const struct split *splits, size_t split_count,
                                                  struct source **out_source);
