#include "scheduler/job.h"

#include "base/assertion.h"
#include "scheduler/attempt.h"
#include "scheduler/job_spec.h"
#include "scheduler/roster.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const bool moves[JOB_STATE_COUNT][JOB_STATE_COUNT] = {
    [JOB_SUBMITTED] = {[JOB_RUNNING] = true, [JOB_FINISHING] = true},
    [JOB_RUNNING] = {[JOB_FINISHING] = true},
    [JOB_FINISHING] = {[JOB_DONE] = true, [JOB_FAILED] = true, [JOB_CANCELLED] = true},
};

bool job_may_move(enum job_state from, enum job_state to) { return moves[from][to]; }

void job_move(struct job *job, enum job_state to, struct transition_counts *counts)
{
    BARKS_ASSERT(job_may_move(job->state, to));
    counts->job[job->state][to]++;
    job->state = to;
}

/* A copy of count items, one at least so that NULL means no memory. */
BARKS_CHECKED static barks_status *copy_items(const void *source, size_t count, size_t item_bytes,
                                              void *out_copy)
{
    void *copy = calloc(count + 1, item_bytes);
    if (copy == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %zu items of a stage", count);
    if (count > 0)
        memcpy(copy, source, count * item_bytes);
    memcpy(out_copy, &copy, sizeof copy);
    return NULL;
}

BARKS_CHECKED static barks_status *copy_stage(struct stage *stage, const struct stage_spec *spec)
{
    stage->output = spec->output;
    stage->policy = spec->policy;
    stage->forbids_copies = spec->forbids_copies || spec->is_gang;
    stage->shares = spec->shares && !spec->is_gang;
    stage->gang = (struct gang){
        .is_gang = spec->is_gang, .is_spread = spec->is_spread, .wait_ns = spec->gang_wait_ns};
    stage->partition_count = spec->partition_count;
    stage->output_partition_count = spec->output_partition_count;
    stage->any_lane = LANE_NONE;
    if (!needs_are_plain(&spec->needs))
        BARKS_TRY(copy_items(&spec->needs, 1, sizeof spec->needs, &stage->needs));
    if (spec->partition_bytes != NULL)
        BARKS_TRY(copy_items(spec->partition_bytes, spec->partition_count,
                             sizeof *stage->partition_bytes, &stage->partition_bytes));
    if (spec->pins != NULL)
        BARKS_TRY(copy_items(spec->pins, spec->partition_count, sizeof *stage->pins, &stage->pins));
    if (spec->place_firsts != NULL) {
        BARKS_TRY(copy_items(spec->place_firsts, (size_t)spec->partition_count + 1,
                             sizeof *stage->place_firsts, &stage->place_firsts));
        BARKS_TRY(copy_items(spec->places, spec->place_firsts[spec->partition_count],
                             sizeof *stage->places, &stage->places));
    }
    return NULL;
}

/* Inputs in one array, and the same edges seen from the parents in another. */
BARKS_CHECKED static barks_status *link_stages(struct job *job, const struct job_spec *spec)
{
    for (uint32_t index = 0; index < job->stage_count; index++)
        job->input_count += spec->stages[index].input_count;
    job->inputs = calloc((size_t)job->input_count + 1, sizeof *job->inputs);
    job->children = calloc((size_t)job->input_count + 1, sizeof *job->children);
    if (job->inputs == NULL || job->children == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the %u inputs of a job", job->input_count);
    uint32_t input = 0;
    for (uint32_t index = 0; index < job->stage_count; index++) {
        struct stage *stage = &job->stages[index];
        stage->input_first = input;
        for (uint32_t i = 0; i < spec->stages[index].input_count; i++) {
            job->inputs[input] = spec->stages[index].inputs[i];
            job->stages[job->inputs[input++].parent].child_end++; /* counts for now */
        }
        stage->input_end = input;
    }
    uint32_t child = 0;
    for (uint32_t index = 0; index < job->stage_count; index++) {
        struct stage *stage = &job->stages[index];
        uint32_t count = stage->child_end;
        stage->child_first = stage->child_end = child;
        child += count;
    }
    for (uint32_t index = 0; index < job->stage_count; index++)
        for (uint32_t i = job->stages[index].input_first; i < job->stages[index].input_end; i++)
            job->children[job->stages[job->inputs[i].parent].child_end++] =
                (struct stage_child){.stage = index, .input = i};
    return NULL;
}

/* A stage is needed when it ends the job's work or a stage that must run reads it. */
static void skip_stages(struct job *job, const struct job_spec *spec,
                        struct transition_counts *counts)
{
    job->stages_left = job->stage_count;
    for (uint32_t index = job->stage_count; index-- > 0;) {
        struct stage *stage = &job->stages[index];
        for (uint32_t i = stage->child_first; i < stage->child_end; i++)
            stage->readers_left += job->inputs[job->children[i].input].kind == INPUT_PARTITIONS &&
                                   job->stages[job->children[i].stage].state != STAGE_SKIPPED;
        bool is_needed = stage->output != OUTPUT_SHUFFLE || stage->readers_left > 0;
        if (spec->stages[index].is_available || !is_needed) {
            stage_move(stage, STAGE_SKIPPED, counts);
            job->stages_left--;
        }
    }
    for (uint32_t index = 0; index < job->stage_count; index++) {
        struct stage *stage = &job->stages[index];
        for (uint32_t i = stage->input_first; i < stage->input_end; i++)
            stage->parents_missing += job->stages[job->inputs[i].parent].state != STAGE_SKIPPED;
    }
}

/* Union-find whose links always lead to a smaller index; the way is halved as it is walked. */
static uint32_t group_root(struct job *job, uint32_t index)
{
    while (job->stages[index].exchange_group != index) {
        uint32_t up = job->stages[index].exchange_group;
        job->stages[index].exchange_group = job->stages[up].exchange_group;
        index = job->stages[index].exchange_group;
    }
    return index;
}

BARKS_CHECKED static barks_status *group_exchanges(struct job *job)
{
    for (uint32_t index = 0; index < job->stage_count; index++)
        job->stages[index].exchange_group = index;
    for (uint32_t index = 0; index < job->stage_count; index++) {
        uint32_t first = UINT32_MAX; /* the first shuffle that the stage reads */
        for (uint32_t i = job->stages[index].input_first; i < job->stages[index].input_end; i++) {
            if (job->inputs[i].kind != INPUT_PARTITIONS)
                continue;
            if (first == UINT32_MAX)
                first = job->inputs[i].parent;
            uint32_t a = group_root(job, first), b = group_root(job, job->inputs[i].parent);
            job->stages[a > b ? a : b].exchange_group = a > b ? b : a;
        }
    }
    /* Roots come first, so in order of index each finds its root numbered already. */
    for (uint32_t index = 0; index < job->stage_count; index++) {
        uint32_t up = job->stages[index].exchange_group;
        job->stages[index].exchange_group =
            up == index ? job->exchange_group_count++ : job->stages[up].exchange_group;
    }
    job->rosters = calloc(job->exchange_group_count, sizeof(struct roster *));
    if (job->rosters == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the %u exchanges of a job",
                   job->exchange_group_count);
    return NULL;
}

BARKS_CHECKED static barks_status *fill(struct job *job, const struct job_spec *spec)
{
    job->stages = calloc(spec->stage_count, sizeof *job->stages);
    if (job->stages == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a job of %u stages", spec->stage_count);
    job->stage_count = spec->stage_count;
    for (uint32_t index = 0; index < job->stage_count; index++) {
        job->stages[index].job = job;
        job->stages[index].watch.kind = TIMER_WATCH;
        job->stages[index].watch.node.position = HEAP_OUTSIDE;
        job->stages[index].index = index;
        BARKS_TRY(copy_stage(&job->stages[index], &spec->stages[index]));
    }
    BARKS_TRY(link_stages(job, spec));
    return group_exchanges(job);
}

barks_status *job_create(const struct job_spec *spec, struct transition_counts *counts,
                         struct job **out_job)
{
    BARKS_TRY_DOING(job_spec_check(spec), "submit job %" PRIu64, spec->id);
    struct job *job = calloc(1, sizeof *job);
    if (job == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a job");
    job->id = spec->id;
    job->deadline =
        (struct timer){.node = {.key = {spec->deadline_ns, spec->id}, .position = HEAP_OUTSIDE},
                       .kind = TIMER_DEADLINE};
    job->attempts_head = ATTEMPT_NONE;
    barks_status *status = fill(job, spec);
    if (status != NULL) {
        job_destroy(job);
        return status;
    }
    skip_stages(job, spec, counts);
    *out_job = job;
    return NULL;
}

void job_destroy(struct job *job)
{
    if (job == NULL)
        return;
    claim_drop(&job->own_claim); /* before the lanes in it */
    for (uint32_t index = 0; index < job->stage_count; index++)
        stage_drop(&job->stages[index]);
    for (uint32_t group = 0; group < job->exchange_group_count && job->rosters != NULL; group++)
        roster_release(job->rosters[group]);
    free(job->stages);
    free(job->inputs);
    free(job->children);
    free(job->rosters);
    free(job->tallies);
    free(job);
}

bool job_before(const struct job *a, const struct job *b)
{
    return a->claim != b->claim ? claim_before(a->claim, b->claim) : a->rank < b->rank;
}

struct roster *job_roster(const struct job *job, const struct stage *stage)
{
    return stage->output == OUTPUT_SHUFFLE ? job->rosters[stage->exchange_group] : NULL;
}

static bool is_over(const struct stage *stage)
{
    return stage->state == STAGE_COMMITTED || stage->state == STAGE_SKIPPED;
}

static bool links_are_sound(const struct job *job, const struct stage *stage)
{
    uint32_t readers = 0, missing = 0;
    for (uint32_t i = stage->child_first; i < stage->child_end; i++)
        readers += job->inputs[job->children[i].input].kind == INPUT_PARTITIONS &&
                   !is_over(&job->stages[job->children[i].stage]);
    for (uint32_t i = stage->input_first; i < stage->input_end; i++)
        missing += !is_over(&job->stages[job->inputs[i].parent]) &&
                   (job->inputs[i].kind == INPUT_PARTITIONS || !stage->is_split);
    if (readers != stage->readers_left)
        return false;
    return stage->state != STAGE_WAITING ||
           (missing == stage->parents_missing && (missing > 0 || job->state == JOB_SUBMITTED));
}

bool job_is_sound(const struct job *job)
{
    uint32_t left = 0, live = 0;
    bool has_work = job->state == JOB_SUBMITTED || job->state == JOB_RUNNING;
    for (uint32_t index = 0; index < job->stage_count; index++) {
        const struct stage *stage = &job->stages[index];
        left += !is_over(stage);
        live += stage->attempts_live;
        if (!stage_is_sound(stage) || (has_work && !links_are_sound(job, stage)))
            return false;
        if (has_work && stage->state == STAGE_FAILED)
            return false;
    }
    if (live != job->attempts_live || (has_work && left != job->stages_left))
        return false;
    switch (job->state) {
    case JOB_SUBMITTED:
        return live == 0;
    case JOB_RUNNING:
        return left > 0;
    case JOB_FINISHING:
        return live > 0 && job->outcome.result != 0;
    case JOB_DONE:
        return live == 0 && job->outcome.result == JOB_RESULT_DONE;
    case JOB_FAILED:
        return live == 0 && job->outcome.result == JOB_RESULT_FAILED;
    case JOB_CANCELLED:
        return live == 0 && job->outcome.result == JOB_RESULT_CANCELLED;
    }
    return false;
}
