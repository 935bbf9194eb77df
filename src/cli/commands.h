/* What `barks` can do. Each command reads event logs, and none of them touches MPI. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stdio.h>

struct job_log;

/* What the arguments ask for. */
struct command_options {
    const char *directory; /* of event logs; NULL: not known */
    const char *output;    /* -o; NULL: not said */
    bool as_json;          /* --json */
    char *const *jobs;     /* the other arguments */
    int job_count;
};

/* Lists the logs of the directory, those whose names begin with one of the jobs. */
BARKS_CHECKED barks_status *log_command(const struct command_options *options);

/* Writes one self-contained page of HTML. Errors: BARKS_NO_MEMORY; what out refuses is out's to
 * tell. */
BARKS_CHECKED barks_status *report_write(FILE *out, const struct job_log *log, const char *id);
/* Writes trace events as JSON. */
void trace_write(FILE *out, const struct job_log *log);
