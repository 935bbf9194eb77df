/* What a person sees while a job runs: live lines on a terminal, else a line at the end of each
 * stage. */
#pragma once

#include "barks/status.h"
#include "runtime/dispatch.h"

#include <stdint.h>

struct config;
struct progress;

/* Finds out where to draw (MPI-FACTS: mpirun puts a pipe between, so under it the parent's stderr
 * is asked). Threads: the driver's, but for progress_say, which any thread may call. Errors:
 * BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *progress_open(const struct config *config,
                                          struct progress **out_progress);

/* Draws one line for each stage that runs; cheap when nothing is to be drawn. */
void progress_draw(struct progress *progress, const struct stage_view *views, uint32_t view_count,
                   uint64_t now_ns);
void progress_stage_ended(struct progress *progress, const struct stage_view *view,
                          uint64_t now_ns);
/* Takes the live lines away, so that what is printed next stands alone. */
void progress_clear(struct progress *progress);
/* From now on the log's lines of this process go through here too, and stand above the live lines.
 */
void progress_take_log(struct progress *progress);
void progress_close(struct progress *progress); /* NULL is fine */

/* A line for the person that is neither log nor result: start and summary. Nothing when quiet. */
void progress_say(struct progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
