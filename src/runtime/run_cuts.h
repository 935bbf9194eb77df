/* The driver's side of runs that are cut (scheduler/cut.h): an executor whose tasks have begun too
 * little of what they share is told to give up the rest, and says for each what that is.
 *
 * Threads: the driver's. */
#pragma once

#include "barks/status.h"

#include <stdint.h>

struct decision;
struct dispatch;
struct event;
struct job;

/* Carries out DECISION_CUT_RUNS. Errors: those of net_send, BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *run_cuts_ask(struct dispatch *dispatch, const struct job *job,
                                         const struct decision *decision);

/* An executor has given up partitions [cut->run_cut.end_partition, end), and has said so before it
 * says how the attempt ends. Errors: those of dispatch_handle. */
BARKS_CHECKED barks_status *run_cuts_take(struct dispatch *dispatch, const struct event *cut,
                                          uint32_t end);
