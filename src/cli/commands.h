/* What `barks` can do: read event logs, clean work directories, replay scheduler logs. None of it
 * touches MPI. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stdio.h>

struct job_log;

/* What the arguments ask for. */
struct command_options {
    const char *directory; /* of event logs; NULL: not known */
    const char *work;      /* of stored stages, by the setting; NULL: not known */
    const char *output;    /* -o; NULL: not said */
    bool as_json;          /* --json */
    bool is_sure;          /* --yes */
    const char *older;     /* --older; NULL: not said */
    const char *keep;      /* --keep; NULL: not said */
    const char *newest;    /* --newest; NULL: not said */
    char *const *jobs;     /* the other arguments */
    int job_count;
};

/* Lists the logs of the directory, those whose names begin with one of the jobs. */
BARKS_CHECKED barks_status *log_command(const struct command_options *options);

/* Lists the stages of a work directory that would go, or with --yes removes them. */
BARKS_CHECKED barks_status *clean_command(const struct command_options *options);

/* Runs what a scheduler log has through the scheduler again. Errors: BARKS_INTERNAL: it decides
 * otherwise; BARKS_BAD_INPUT: the log is damaged. */
BARKS_CHECKED barks_status *replay_command(const struct command_options *options,
                                           int *out_exit_status);

/* Writes one self-contained page of HTML. Errors: BARKS_NO_MEMORY; what out refuses is out's to
 * tell. */
BARKS_CHECKED barks_status *report_write(FILE *out, const struct job_log *log, const char *id);
/* Writes trace events as JSON. */
void trace_write(FILE *out, const struct job_log *log);
