/* A task's part in a stage whose tasks run together (barks/together.h). */
#pragma once

#include "barks/status.h"

#include <stdbool.h>

struct task;
struct together;

/* Meets the others: from then on all of them run. Errors: those of meetings_hold. */
BARKS_CHECKED barks_status *together_begin(struct task *task);
/* Of a task that has ended, well or not; NULL is fine. */
void together_end(struct task *task, bool is_well);
