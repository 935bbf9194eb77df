#include "scheduler/exclusion.h"

#include "base/checked.h"
#include "scheduler/scheduler_state.h"

#include <stdlib.h>

static bool covers(const struct exclusion *exclusion, uint32_t stage)
{
    return exclusion->stage == SCHEDULER_ANY || exclusion->stage == stage;
}

static const struct exclusion *find(const struct job *job, uint32_t stage, uint32_t executor)
{
    const struct exclusion *exclusion = job->exclusions;
    while (exclusion != NULL && !(exclusion->executor == executor && covers(exclusion, stage)))
        exclusion = exclusion->next;
    return exclusion;
}

/* It lives and has what the stage's tasks need. */
static bool is_able(const struct scheduler *scheduler, const struct stage *stage, uint32_t executor)
{
    return executor_is_alive(&scheduler->executors, executor) &&
           room_could_hold(&scheduler->executors.executors[executor], stage->needs);
}

static uint32_t count_able(const struct scheduler *scheduler, const struct stage *stage)
{
    if (stage->needs == NULL)
        return scheduler->executors.living_count;
    uint32_t able = 0;
    for (uint32_t id = 0; id < scheduler->executors.executor_limit; id++)
        able += is_able(scheduler, stage, id);
    return able;
}

/* Of these, those who are not excluded; an executor is excluded once for each stage. */
static uint32_t count_admitted(const struct scheduler *scheduler, const struct stage *stage)
{
    uint32_t excluded = 0;
    for (const struct exclusion *exclusion = stage->job->exclusions; exclusion != NULL;
         exclusion = exclusion->next)
        excluded +=
            covers(exclusion, stage->index) && is_able(scheduler, stage, exclusion->executor);
    return count_able(scheduler, stage) - excluded;
}

uint32_t exclusion_usable_count(const struct scheduler *scheduler, const struct stage *stage)
{
    uint32_t admitted = count_admitted(scheduler, stage);
    return admitted > 0 ? admitted : count_able(scheduler, stage);
}

bool exclusion_exists(const struct scheduler *scheduler, const struct stage *stage,
                      uint32_t executor)
{
    return scheduler->executors.executors[executor].exclusion_count > 0 &&
           find(stage->job, stage->index, executor) != NULL;
}

bool exclusion_holds(const struct scheduler *scheduler, const struct stage *stage,
                     uint32_t executor)
{
    return exclusion_exists(scheduler, stage, executor) && count_admitted(scheduler, stage) > 0;
}

barks_status *exclusions_apply(struct scheduler *scheduler, struct stage *stage)
{
    for (const struct exclusion *exclusion = stage->job->exclusions; exclusion != NULL;
         exclusion = exclusion->next)
        if (covers(exclusion, stage->index))
            BARKS_TRY(retries_leave(scheduler, stage, exclusion->executor));
    return NULL;
}

/* Takes it out of its job and its executor, and frees it; it is in no heap. */
static void drop(struct scheduler *scheduler, struct exclusion *exclusion)
{
    struct exclusion **link = &exclusion->job->exclusions;
    while (*link != exclusion)
        link = &(*link)->next;
    *link = exclusion->next;
    scheduler->executors.executors[exclusion->executor].exclusion_count--;
    free(exclusion);
}

void exclusion_end(struct scheduler *scheduler, struct exclusion *exclusion)
{
    struct job *job = exclusion->job;
    for (uint32_t i = 0; i < job->tally_count; i++)
        if (job->tallies[i].executor == exclusion->executor &&
            covers(exclusion, job->tallies[i].stage))
            job->tallies[i].task_count = 0;
    drop(scheduler, exclusion);
}

void exclusion_end_job(struct scheduler *scheduler, struct job *job)
{
    while (job->exclusions != NULL) {
        heap_remove(&scheduler->timers, &job->exclusions->expiry.node);
        drop(scheduler, job->exclusions);
    }
}

/* *out_new: NULL where it was already. */
BARKS_CHECKED static barks_status *add_exclusion(struct scheduler *scheduler, struct job *job,
                                                 uint32_t stage, uint32_t executor,
                                                 struct exclusion **out_new)
{
    uint64_t until_ns = 0;
    *out_new = NULL;
    if (find(job, stage, executor) != NULL)
        return NULL;
    for (struct exclusion *next, *other = job->exclusions; other != NULL; other = next) {
        next = other->next;
        if (other->executor != executor || stage != SCHEDULER_ANY)
            continue;
        heap_remove(&scheduler->timers, &other->expiry.node); /* of one stage: the new one has it */
        drop(scheduler, other);
    }
    struct exclusion *exclusion = calloc(1, sizeof *exclusion);
    if (exclusion == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to exclude executor %u", executor);
    if (ckd_add(&until_ns, scheduler->now_ns, scheduler->options.exclusion_ns))
        until_ns = UINT64_MAX - 1;
    *exclusion = (struct exclusion){
        .expiry = {.node = {.key = {until_ns, executor}, .position = HEAP_OUTSIDE},
                   .kind = TIMER_EXCLUSION},
        .job = job,
        .stage = stage,
        .executor = executor};
    barks_status *status = heap_insert(&scheduler->timers, &exclusion->expiry.node);
    if (status != NULL) {
        free(exclusion);
        return status;
    }
    exclusion->next = job->exclusions;
    job->exclusions = exclusion;
    scheduler->executors.executors[executor].exclusion_count++;
    *out_new = exclusion;
    return NULL;
}

BARKS_CHECKED static barks_status *exclude(struct scheduler *scheduler, struct job *job,
                                           uint32_t stage, uint32_t executor, bool is_for_node)
{
    struct exclusion *new = NULL;
    BARKS_TRY(add_exclusion(scheduler, job, stage, executor, &new));
    if (new == NULL)
        return NULL;
    for (uint32_t index = 0; index < job->stage_count; index++)
        if (covers(new, index) && stage_is_active(&job->stages[index]))
            BARKS_TRY(retries_leave(scheduler, &job->stages[index], executor));
    struct decision decision = {.kind = DECISION_EXECUTOR_EXCLUDED,
                                .executor_excluded = {.job = job->id,
                                                      .stage = stage,
                                                      .executor = executor,
                                                      .is_for_node = is_for_node,
                                                      .until_ns = new->expiry.node.key[0]}};
    return scheduler_decide(scheduler, &decision);
}

/* With the executor, and with the others of its node where enough of these are excluded. */
BARKS_CHECKED static barks_status *exclude_with_node(struct scheduler *scheduler, struct job *job,
                                                     uint32_t stage, uint32_t executor)
{
    const struct executor_table *table = &scheduler->executors;
    uint32_t node = table->executors[executor].node, excluded = 0;
    BARKS_TRY(exclude(scheduler, job, stage, executor, false));
    for (const struct exclusion *other = job->exclusions; other != NULL; other = other->next)
        excluded += other->stage == stage && executor_is_alive(table, other->executor) &&
                    table->executors[other->executor].node == node;
    if (excluded < EXCLUSION_EXECUTORS_OF_NODE || excluded == table->nodes[node].living_count)
        return NULL;
    for (uint32_t other = 0; other < table->executor_limit; other++)
        if (executor_is_alive(table, other) && table->executors[other].node == node)
            BARKS_TRY(exclude(scheduler, job, stage, other, true));
    return NULL;
}

/* One more; *out_of_stage and *out_of_job: how many there are then. */
BARKS_CHECKED static barks_status *count_task(struct job *job, uint32_t stage, uint32_t executor,
                                              uint32_t *out_of_stage, uint32_t *out_of_job)
{
    struct tally *tally = NULL;
    *out_of_job = 1;
    for (uint32_t i = 0; i < job->tally_count; i++) {
        if (job->tallies[i].executor != executor)
            continue;
        *out_of_job += job->tallies[i].task_count;
        if (job->tallies[i].stage == stage)
            tally = &job->tallies[i];
    }
    if (tally == NULL) {
        if (job->tally_count == job->tally_capacity) {
            uint32_t capacity = job->tally_capacity == 0 ? 8 : 2 * job->tally_capacity;
            struct tally *tallies = reallocarray(job->tallies, capacity, sizeof *tallies);
            if (tallies == NULL)
                BARKS_FAIL(BARKS_NO_MEMORY, "no memory to count failures of %u executors",
                           capacity);
            job->tallies = tallies;
            job->tally_capacity = capacity;
        }
        tally = &job->tallies[job->tally_count++];
        *tally = (struct tally){.executor = executor, .stage = stage};
    }
    *out_of_stage = ++tally->task_count;
    return NULL;
}

barks_status *exclusion_note_failure(struct scheduler *scheduler, struct stage *stage,
                                     uint32_t executor, bool *out_is_changed)
{
    uint32_t of_stage = 0, of_job = 0;
    *out_is_changed = false;
    if (scheduler->options.exclusion_ns == 0)
        return NULL;
    BARKS_TRY(count_task(stage->job, stage->index, executor, &of_stage, &of_job));
    if (of_job >= EXCLUSION_TASKS_OF_JOB) {
        *out_is_changed = true;
        return exclude_with_node(scheduler, stage->job, SCHEDULER_ANY, executor);
    }
    if (of_stage < EXCLUSION_TASKS_OF_STAGE)
        return NULL;
    *out_is_changed = true;
    return exclude_with_node(scheduler, stage->job, stage->index, executor);
}

barks_status *exclusion_begin_job(struct scheduler *scheduler, struct job *job)
{
    struct exclusion *new = NULL; /* nobody is told once more */
    for (uint32_t id = 0; id < scheduler->executors.executor_limit; id++)
        if (scheduler->executors.executors[id].is_distrusted &&
            executor_is_alive(&scheduler->executors, id))
            BARKS_TRY(add_exclusion(scheduler, job, SCHEDULER_ANY, id, &new));
    return NULL;
}

barks_status *exclusion_distrust(struct scheduler *scheduler, uint32_t executor)
{
    executor_distrust(&scheduler->executors, executor);
    for (struct job *job = scheduler->first_job; job != NULL; job = job->next)
        if (job->state == JOB_RUNNING)
            BARKS_TRY(exclusion_begin_job(scheduler, job));
    return NULL;
}

bool exclusions_are_sound(const struct scheduler *scheduler)
{
    uint64_t counted = 0, linked = 0;
    for (uint32_t id = 0; id < scheduler->executors.executor_limit; id++)
        counted += scheduler->executors.executors[id].exclusion_count;
    for (const struct job *job = scheduler->first_job; job != NULL; job = job->next)
        for (const struct exclusion *exclusion = job->exclusions; exclusion != NULL;
             exclusion = exclusion->next) {
            if (exclusion->job != job || exclusion->expiry.node.position == HEAP_OUTSIDE)
                return false;
            linked++;
        }
    return counted == linked;
}
