/* The journal of the driver's scheduler as a file, for `barks replay`. */
#pragma once

#include "barks/status.h"
#include "scheduler/scheduler.h"

struct scheduler_log;

/* NULL or "none": no file, and *out_log is NULL. What was in the file goes. Errors: BARKS_IO,
 * BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *scheduler_log_open(const char *path,
                                               const struct scheduler_options *options,
                                               struct scheduler_log **out_log);

/* scheduler_handle, whose event is in the file before it is handled: so one in which the driver
 * dies is there, too. A file that cannot be written is given up with a warning, and the job goes
 * on. log may be NULL. Threads: that of the scheduler. */
BARKS_CHECKED barks_status *scheduler_log_handle(struct scheduler_log *log,
                                                 struct scheduler *scheduler,
                                                 const struct event *event,
                                                 struct decision_list *decisions);

void scheduler_log_close(struct scheduler_log *log); /* NULL is fine */
