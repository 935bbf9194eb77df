/* Words why a job has failed: the last failure of the task and those before it. */
#pragma once

#include "barks/status.h"

struct dispatch;
struct job;
struct job_outcome;

/* Takes the error of the outcome out of the dispatch. Never NULL. */
barks_status *job_failure(struct dispatch *dispatch, const struct job *job,
                          const struct job_outcome *outcome);
