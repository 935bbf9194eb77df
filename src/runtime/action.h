/* Actions: a dataset is planned, run, and its answer brought to the caller. */
#pragma once

#include "barks/status.h"
#include "plan/node.h"
#include "runtime/context.h"

#include <stdint.h>

struct terminal;

/* Runs the dataset into the terminal (what it owns is given away) and waits. The job's results are
 * of the last stage's runs, in order. what names action and place for people: "count at job.c:12".
 * After it job is the caller's (job_drop), whatever the outcome. Errors: those of planning and of
 * the job. */
BARKS_CHECKED barks_status *action_run(barks_context *context, struct node *node,
                                       struct terminal *terminal, const char *what,
                                       struct job *job);

/* What must happen before a job is tried once more; called under the planning lock. */
struct action_again {
    barks_status *(*begin)(void *self);
    void *self;
};
/* As action_run, but what the tasks put aside stays hidden until quarantines_end. again: NULL:
 * nothing. */
BARKS_CHECKED barks_status *action_run_hidden(barks_context *context, struct node *node,
                                              struct terminal *terminal,
                                              const struct action_again *again, const char *what,
                                              struct job *job);

/* One job of an action, under the planning lock, which is given back while it runs: as action_run,
 * for a dataset whose sorts have their splitters. terminal is left to the caller. */
BARKS_CHECKED barks_status *action_run_job(barks_context *context, struct node *node,
                                           struct terminal *terminal, const char *what,
                                           struct job *job);

/* Rows of a result, in order, appended to rows, and the number of rows of all partitions. */
BARKS_CHECKED barks_status *action_rows(const struct job *job, struct batch *rows,
                                        uint64_t *out_partition_rows);

/* Writes the dataset as part files into the directory `output`; save_mode: a barks_save_mode. */
struct sink_format;
BARKS_CHECKED barks_status *action_write(barks_context *context, struct node *node,
                                         const struct sink_format *format, const char *output,
                                         int save_mode, const char *what);
