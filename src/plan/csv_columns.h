/* What columns CSV files have, found by looking into them. */
#pragma once

#include "barks/batch.h"
#include "barks/function.h"
#include "barks/status.h"
#include "io/source_options.h"

struct file_wish;
struct listing;

/* Sets options->header and options->names, the columns of the files in their order, for fields that
 * are given: from the header of the first file, or else the fields in their order. Errors:
 * BARKS_INVALID: a field that no column has; as reading. */
BARKS_CHECKED barks_status *csv_find_columns(const struct listing *listing,
                                             const struct file_wish *wish,
                                             const barks_schema *schema,
                                             struct source_options *options);

/* Makes up the fields as well, from samples, and logs them. Errors: BARKS_INVALID: no file has a
 * row; as reading. */
BARKS_CHECKED barks_status *csv_infer(const struct listing *listing, const struct file_wish *wish,
                                      struct source_options *options,
                                      const barks_record **out_record);
