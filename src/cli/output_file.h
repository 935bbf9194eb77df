/* A file that appears when it is whole. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stdio.h>

/* Ends with output_close. */
struct output_file {
    const char *path; /* borrowed; NULL: the standard output */
    char *part;       /* owned: where it is written meanwhile */
    FILE *file;
};

/* "-" is the standard output. Errors: BARKS_IO, BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *output_open(const char *path, struct output_file *out_output);
/* Takes bad, what its maker could not do (NULL: all is well). Errors: bad, or BARKS_IO: not all
 * could be written; no file is left behind then. */
BARKS_CHECKED barks_status *output_close(struct output_file *output, barks_status *bad);
