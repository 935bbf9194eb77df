/* What executors offer to tasks beside workers, and whether it is enough. */
#pragma once

#include "barks/status.h"
#include "base/name_counts.h"
#include "scheduler/event.h"

#include <stdint.h>

struct config;
struct hello;
struct members;
struct pipeline;
struct step_needs;

/* Names of resources (.resources), and what each executor has of them: kind k of the scheduler is
 * the k-th name. GPUs that several executors of a node see are divided among them; of what
 * --barks-resources says each has as many, of other indices than its neighbours (as long as a node
 * has no more than 64). out_offers has executor_count entries; of memory nothing is set.
 * Errors: BARKS_INVALID (the setting), BARKS_LIMIT. */
BARKS_CHECKED barks_status *offers_make(const struct hello *executors, uint32_t executor_count,
                                        const struct config *config,
                                        struct name_counts *out_resources,
                                        struct executor_offer *out_offers);

/* Of an executor's budget: three quarters; the rest is for rows. */
uint64_t offers_memory_bytes(uint64_t budget_bytes);

/* Some living executor has all that tasks of the stage need, and where they run at once all of
 * them have it. Errors: BARKS_LIMIT, in one sentence. */
BARKS_CHECKED barks_status *offers_check(const struct members *members,
                                         const struct pipeline *pipeline);

/* As the scheduler counts; what no executor has ever offered is left out. */
struct task_needs offers_task_needs(const struct members *members, const struct step_needs *needs);
