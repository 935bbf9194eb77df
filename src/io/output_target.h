/* Where an output goes, and whether it may. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>

/* An output path taken apart. Begins zeroed, ends with output_target_drop. */
struct output_target {
    char *parent; /* owned, absolute, no symbolic links */
    char *name;   /* owned */
};

/* Follows symbolic links of an output that exists, since a rename would replace the link and not
 * what it leads to. Errors: BARKS_INVALID (no directory to be in), BARKS_IO, BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *output_target_find(const char *output,
                                               struct output_target *out_target);
void output_target_drop(struct output_target *target);

/* May a directory come to be at output, an absolute path? Yes where nothing is, and with overwrite
 * where an output of barks (or Spark) is. Errors: BARKS_INVALID, with the reason and what to do;
 * BARKS_IO. */
BARKS_CHECKED barks_status *output_check(const char *output, bool overwrite);
