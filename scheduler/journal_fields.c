#include "scheduler/journal_fields.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A kind that is forgotten below must not build. */
#pragma GCC diagnostic error "-Wswitch-enum"

/* A walk over fields, of one of three kinds: in or out or text is there. */
struct fields {
    struct packer *out;
    struct unpacker *in;
    char *text;
    size_t text_bytes;           /* that are left */
    struct unpacked *memory;     /* with in */
    uint32_t commit_bytes_count; /* of output_partition_bytes */
};

struct unpacked_block {
    struct unpacked_block *next;
    max_align_t items[];
};

void unpacked_drop(struct unpacked *memory)
{
    while (memory->first != NULL) {
        struct unpacked_block *block = memory->first;
        memory->first = block->next;
        free(block);
    }
}

/* ---- one field ---- */

__attribute__((format(printf, 2, 3))) static void tell(struct fields *f, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int wanted = vsnprintf(f->text, f->text_bytes, format, arguments);
    va_end(arguments);
    size_t written = wanted < 0 ? 0 : (size_t)wanted;
    if (written >= f->text_bytes)
        written = f->text_bytes > 0 ? f->text_bytes - 1 : 0;
    f->text += written;
    f->text_bytes -= written;
}

static void fail(struct fields *f, const char *name)
{
    if (f->in->failed == NULL)
        f->in->failed =
            barks_status_new(BARKS_BAD_INPUT, NULL, BARKS_HERE, "%s is not what it can be", name);
}

static void number(struct fields *f, const char *name, uint64_t *value, uint64_t value_max)
{
    if (f->out != NULL)
        pack_u64(f->out, *value);
    else if (f->in == NULL)
        tell(f, " %s=%" PRIu64, name, *value);
    else if ((*value = unpack_u64(f->in)) > value_max) {
        fail(f, name);
        *value = 0;
    }
}

static void number32(struct fields *f, const char *name, uint32_t *value)
{
    uint64_t wide = *value;
    number(f, name, &wide, UINT32_MAX);
    *value = (uint32_t)wide;
}

static void number8(struct fields *f, const char *name, uint8_t *value)
{
    uint64_t wide = *value;
    number(f, name, &wide, UINT8_MAX);
    *value = (uint8_t)wide;
}

static void signed32(struct fields *f, const char *name, int32_t *value)
{
    if (f->out != NULL)
        pack_i64(f->out, *value);
    else if (f->in == NULL)
        tell(f, " %s=%" PRId32, name, *value);
    else {
        int64_t wide = unpack_i64(f->in);
        if (wide < INT32_MIN || wide > INT32_MAX)
            fail(f, name);
        else
            *value = (int32_t)wide;
    }
}

static void truth(struct fields *f, const char *name, bool *value)
{
    if (f->out != NULL)
        pack_bool(f->out, *value);
    else if (f->in == NULL)
        tell(f, " %s=%d", name, *value);
    else
        *value = unpack_bool(f->in);
}

/* Members of object, by their own names. */
#define NUMBER(f, object, member) number(f, #member, &(object)->member, UINT64_MAX)
#define NUMBER32(f, object, member) number32(f, #member, &(object)->member)
#define TRUTH(f, object, member) truth(f, #member, &(object)->member)
/* An enumerator. Whether there is such a one is the scheduler's to say, as of any event. */
#define CHOICE(f, object, member)                                                                  \
    do {                                                                                           \
        uint64_t wide_ = (uint64_t)(object)->member;                                               \
        number(f, #member, &wide_, INT32_MAX);                                                     \
        (object)->member = wide_;                                                                  \
    } while (0)

/* ---- arrays ---- */

static void *take(struct fields *f, uint32_t count, size_t item_bytes)
{
    struct unpacked_block *block = calloc(1, sizeof *block + count * item_bytes);
    if (block == NULL) {
        if (f->in->failed == NULL)
            f->in->failed = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                             "no memory for %" PRIu32 " items", count);
        return NULL;
    }
    block->next = f->memory->first;
    f->memory->first = block;
    return block->items;
}

/* True: the array is to be walked over. An empty one is as good as none. */
static bool begin_items(struct fields *f, const char *name, uint32_t count, bool are_there)
{
    uint32_t given = are_there ? count : 0;
    if (f->out != NULL)
        pack_u64(f->out, given);
    else if (f->in == NULL)
        tell(f, " %s=(%" PRIu32 ")", name, given);
    else if ((given = unpack_count(f->in)) != 0 && given != count) {
        fail(f, name);
        return false;
    }
    return given > 0 && f->text == NULL;
}

/* Walks over the items of an array that the object borrows, whose count was walked over before;
 * where it unpacks, the array is made. */
#define ITEMS(f, object, member, type, count, walk_item)                                           \
    do {                                                                                           \
        if (!begin_items((f), #member, (count), (object)->member != NULL))                         \
            break;                                                                                 \
        type *made_ = (f)->in != NULL ? take((f), (count), sizeof(type)) : NULL;                   \
        for (uint32_t i_ = 0; i_ < (count) && ((f)->in == NULL || made_ != NULL); i_++) {          \
            type item_ = (f)->in != NULL ? (type){0} : (object)->member[i_];                       \
            walk_item((f), &item_);                                                                \
            if (made_ != NULL)                                                                     \
                made_[i_] = item_;                                                                 \
        }                                                                                          \
        if ((f)->in != NULL)                                                                       \
            (object)->member = made_;                                                              \
    } while (0)

/* Who adds a member walks over it below, and then says the new size here. (One that fits into a gap
 * is found by the simulations, where a decision depends on it.) */
#define WALKED(name, bytes)                                                                        \
    _Static_assert(sizeof(struct name) == (bytes), "walk over each member of struct " #name)
WALKED(scheduler_options, 88);
WALKED(pool_spec, 12);
WALKED(event, 64);
WALKED(job_spec, 40);
WALKED(stage_spec, 112);
WALKED(stage_input, 24);
WALKED(place, 8);
WALKED(task_needs, 24);
WALKED(executor_offer, 72);
WALKED(attempt_id, 24);
WALKED(attempt_crash, 40);
WALKED(decision, 56);
WALKED(job_outcome, 40);

/* ---- options ---- */

static void walk_pool(struct fields *f, struct pool_spec *pool)
{
    CHOICE(f, pool, policy);
    NUMBER32(f, pool, weight);
    NUMBER32(f, pool, workers_min);
}

static void walk_options(struct fields *f, struct scheduler_options *options)
{
    NUMBER32(f, options, attempts_max);
    NUMBER(f, options, exclusion_ns);
    NUMBER32(f, options, slow_percent);
    NUMBER32(f, options, slow_after_percent);
    NUMBER(f, options, slow_min_ns);
    NUMBER(f, options, locality_wait_ns);
    NUMBER(f, options, attempt_ns_max);
    NUMBER32(f, options, ahead);
    TRUTH(f, options, keeps_durations);
    NUMBER32(f, options, losses_max);
    NUMBER32(f, options, executor_count_min);
    TRUTH(f, options, recovers);
    NUMBER32(f, options, pool_count);
    ITEMS(f, options, pools, struct pool_spec, options->pool_count, walk_pool);
}

/* ---- jobs ---- */

static void walk_u64(struct fields *f, uint64_t *item) { number(f, "item", item, UINT64_MAX); }
static void walk_u32(struct fields *f, uint32_t *item) { number32(f, "item", item); }

static void walk_input(struct fields *f, struct stage_input *input)
{
    NUMBER32(f, input, parent);
    CHOICE(f, input, kind);
    NUMBER32(f, input, first_partition);
    NUMBER32(f, input, parent_first);
    NUMBER32(f, input, partition_count);
    TRUTH(f, input, is_in_pieces);
}

static void walk_place(struct fields *f, struct place *place)
{
    CHOICE(f, place, kind);
    NUMBER32(f, place, id);
}

static void walk_places(struct fields *f, struct stage_spec *stage)
{
    ITEMS(f, stage, place_firsts, uint32_t, stage->partition_count + 1, walk_u32);
    if (stage->place_firsts == NULL)
        return;
    uint32_t place_count = stage->place_firsts[stage->partition_count];
    ITEMS(f, stage, places, struct place, place_count, walk_place);
}

static void walk_needs(struct fields *f, struct task_needs *needs)
{
    NUMBER32(f, needs, threads);
    NUMBER(f, needs, memory_bytes);
    for (uint32_t kind = 0; kind < SCHEDULER_RESOURCES_MAX; kind++)
        number8(f, "units", &needs->units[kind]);
}

static void walk_stage(struct fields *f, struct stage_spec *stage)
{
    CHOICE(f, stage, output);
    CHOICE(f, stage, policy);
    NUMBER32(f, stage, partition_count);
    NUMBER32(f, stage, output_partition_count);
    NUMBER32(f, stage, input_count);
    ITEMS(f, stage, inputs, struct stage_input, stage->input_count, walk_input);
    ITEMS(f, stage, partition_bytes, uint64_t, stage->partition_count, walk_u64);
    walk_places(f, stage);
    ITEMS(f, stage, pins, uint32_t, stage->partition_count, walk_u32);
    walk_needs(f, &stage->needs);
    TRUTH(f, stage, forbids_copies);
    TRUTH(f, stage, is_gang);
    TRUTH(f, stage, is_spread);
    NUMBER(f, stage, gang_wait_ns);
    TRUTH(f, stage, is_available);
    TRUTH(f, stage, shares);
}

static void walk_job(struct fields *f, struct job_spec *job)
{
    NUMBER(f, job, id);
    NUMBER(f, job, deadline_ns);
    NUMBER32(f, job, pool);
    signed32(f, "priority", &job->priority);
    NUMBER32(f, job, stage_count);
    ITEMS(f, job, stages, struct stage_spec, job->stage_count, walk_stage);
}

/* ---- events ---- */

static void walk_attempt(struct fields *f, struct attempt_id *id)
{
    NUMBER(f, id, job);
    NUMBER32(f, id, stage);
    NUMBER32(f, id, task);
    NUMBER32(f, id, attempt);
    NUMBER32(f, id, executor);
}

static void walk_offer(struct fields *f, struct event *event)
{
    bool has_offer = event->executor_joined.offer != NULL;
    struct executor_offer offer = {0}, *made = NULL;
    truth(f, "has_offer", &has_offer);
    if (!has_offer)
        return;
    if (f->in == NULL)
        offer = *event->executor_joined.offer;
    NUMBER(f, &offer, memory_bytes);
    for (uint32_t kind = 0; kind < SCHEDULER_RESOURCES_MAX; kind++)
        number(f, "units", &offer.units[kind], UINT64_MAX);
    if (f->in != NULL && (made = take(f, 1, sizeof *made)) != NULL) {
        *made = offer;
        event->executor_joined.offer = made;
    }
}

static void walk_crash(struct fields *f, struct event *event)
{
    bool has_crash = event->executor_lost.crash != NULL;
    struct attempt_crash crash = {0}, *made = NULL;
    truth(f, "has_crash", &has_crash);
    if (!has_crash)
        return;
    if (f->in == NULL)
        crash = *event->executor_lost.crash;
    walk_attempt(f, &crash.id);
    NUMBER(f, &crash, error);
    NUMBER(f, &crash, error_hash);
    if (f->in != NULL && (made = take(f, 1, sizeof *made)) != NULL) {
        *made = crash;
        event->executor_lost.crash = made;
    }
}

static void walk_submitted(struct fields *f, struct event *event)
{
    struct job_spec job = {0}, *made = NULL;
    if (f->in == NULL)
        job = *event->job_submitted;
    walk_job(f, &job);
    if (f->in != NULL && (made = take(f, 1, sizeof *made)) != NULL) {
        *made = job;
        event->job_submitted = made;
    }
}

static void name_kind(struct fields *f, const char *name)
{
    if (f->text != NULL)
        tell(f, "%s", name);
}

static void walk_event(struct fields *f, struct event *event)
{
    if (f->text == NULL) {
        CHOICE(f, event, kind);
        NUMBER(f, event, time_ns);
    }
    switch (event->kind) {
    case EVENT_EXECUTOR_JOINED:
        name_kind(f, "executor_joined");
        NUMBER32(f, &event->executor_joined, executor);
        NUMBER32(f, &event->executor_joined, node);
        NUMBER32(f, &event->executor_joined, worker_count);
        walk_offer(f, event);
        return;
    case EVENT_EXECUTOR_LOST:
        name_kind(f, "executor_lost");
        NUMBER32(f, &event->executor_lost, executor);
        walk_crash(f, event);
        return;
    case EVENT_EXECUTOR_DISTRUSTED:
        name_kind(f, "executor_distrusted");
        NUMBER32(f, &event->executor_distrusted, executor);
        return;
    case EVENT_JOB_SUBMITTED:
        name_kind(f, "job_submitted");
        walk_submitted(f, event);
        return;
    case EVENT_JOB_CANCELLED:
        name_kind(f, "job_cancelled");
        NUMBER(f, &event->job_cancelled, job);
        return;
    case EVENT_ATTEMPT_STARTED:
        name_kind(f, "attempt_started");
        walk_attempt(f, &event->attempt_started);
        return;
    case EVENT_ATTEMPT_FINISHED:
        name_kind(f, "attempt_finished");
        walk_attempt(f, &event->attempt_finished.id);
        NUMBER(f, &event->attempt_finished, report);
        return;
    case EVENT_ATTEMPT_FAILED:
        name_kind(f, "attempt_failed");
        walk_attempt(f, &event->attempt_failed.id);
        CHOICE(f, &event->attempt_failed, cause);
        TRUTH(f, &event->attempt_failed, is_retryable);
        NUMBER(f, &event->attempt_failed, error);
        NUMBER(f, &event->attempt_failed, error_hash);
        return;
    case EVENT_STAGE_COMMITTED:
        name_kind(f, "stage_committed");
        NUMBER(f, &event->stage_committed, job);
        NUMBER32(f, &event->stage_committed, stage);
        NUMBER32(f, &event->stage_committed, commit);
        NUMBER32(f, f, commit_bytes_count);
        ITEMS(f, &event->stage_committed, output_partition_bytes, uint64_t, f->commit_bytes_count,
              walk_u64);
        return;
    case EVENT_COMMIT_FAILED:
        name_kind(f, "commit_failed");
        NUMBER(f, &event->commit_failed, job);
        NUMBER32(f, &event->commit_failed, stage);
        NUMBER32(f, &event->commit_failed, commit);
        CHOICE(f, &event->commit_failed, cause);
        NUMBER(f, &event->commit_failed, error);
        return;
    case EVENT_STAGE_SKIPPED:
        name_kind(f, "stage_skipped");
        NUMBER(f, &event->stage_skipped, job);
        NUMBER32(f, &event->stage_skipped, stage);
        return;
    case EVENT_COPY_WANTED:
        name_kind(f, "copy_wanted");
        NUMBER(f, &event->copy_wanted, job);
        NUMBER32(f, &event->copy_wanted, stage);
        NUMBER32(f, &event->copy_wanted, task);
        return;
    case EVENT_TASK_STOPPED:
        name_kind(f, "task_stopped");
        NUMBER(f, &event->task_stopped, job);
        NUMBER32(f, &event->task_stopped, stage);
        NUMBER32(f, &event->task_stopped, task);
        return;
    case EVENT_RUN_CUT:
        name_kind(f, "run_cut");
        walk_attempt(f, &event->run_cut.id);
        NUMBER32(f, &event->run_cut, end_partition);
        TRUTH(f, &event->run_cut, is_alone);
        return;
    case EVENT_TIMER:
        name_kind(f, "timer");
        return;
    }
    if (f->in != NULL)
        fail(f, "the kind of an event");
}

/* ---- decisions ---- */

static void walk_outcome(struct fields *f, struct job_outcome *outcome)
{
    CHOICE(f, outcome, result);
    CHOICE(f, outcome, cause);
    NUMBER(f, outcome, error);
    walk_attempt(f, &outcome->attempt);
}

static void walk_decision(struct fields *f, struct decision *decision)
{
    if (f->text == NULL)
        CHOICE(f, decision, kind);
    switch (decision->kind) {
    case DECISION_SHIP_STAGE:
        name_kind(f, "ship_stage");
        NUMBER(f, &decision->ship_stage, job);
        NUMBER32(f, &decision->ship_stage, stage);
        NUMBER32(f, &decision->ship_stage, executor);
        return;
    case DECISION_START_TASK:
        name_kind(f, "start_task");
        walk_attempt(f, &decision->start_task.id);
        NUMBER32(f, &decision->start_task, first_partition);
        NUMBER32(f, &decision->start_task, end_partition);
        NUMBER32(f, &decision->start_task, piece);
        NUMBER32(f, &decision->start_task, piece_count);
        NUMBER32(f, &decision->start_task, lender);
        TRUTH(f, &decision->start_task, lender_is_slow);
        TRUTH(f, &decision->start_task, is_alone);
        return;
    case DECISION_ATTEMPT_OVERRUN:
        name_kind(f, "attempt_overrun");
        walk_attempt(f, &decision->attempt_overrun);
        return;
    case DECISION_CUT_RUNS:
        name_kind(f, "cut_runs");
        NUMBER(f, &decision->cut_runs, job);
        NUMBER32(f, &decision->cut_runs, stage);
        NUMBER32(f, &decision->cut_runs, executor);
        NUMBER32(f, &decision->cut_runs, percent);
        return;
    case DECISION_CANCEL_ATTEMPT:
        name_kind(f, "cancel_attempt");
        walk_attempt(f, &decision->cancel_attempt);
        return;
    case DECISION_DISCARD_ATTEMPT:
        name_kind(f, "discard_attempt");
        walk_attempt(f, &decision->discard_attempt.id);
        NUMBER(f, &decision->discard_attempt, report);
        return;
    case DECISION_COMMIT_STAGE:
        name_kind(f, "commit_stage");
        NUMBER(f, &decision->commit_stage, job);
        NUMBER32(f, &decision->commit_stage, stage);
        NUMBER32(f, &decision->commit_stage, commit);
        NUMBER32(f, &decision->commit_stage, run_count);
        return;
    case DECISION_OWNERS_CHANGED:
        name_kind(f, "owners_changed");
        NUMBER(f, &decision->owners_changed, job);
        NUMBER32(f, &decision->owners_changed, stage);
        return;
    case DECISION_RELEASE_STAGE:
        name_kind(f, "release_stage");
        NUMBER(f, &decision->release_stage, job);
        NUMBER32(f, &decision->release_stage, stage);
        return;
    case DECISION_EXECUTOR_EXCLUDED:
        name_kind(f, "executor_excluded");
        NUMBER(f, &decision->executor_excluded, job);
        NUMBER32(f, &decision->executor_excluded, stage);
        NUMBER32(f, &decision->executor_excluded, executor);
        TRUTH(f, &decision->executor_excluded, is_for_node);
        NUMBER(f, &decision->executor_excluded, until_ns);
        return;
    case DECISION_JOB_FINISHED:
        name_kind(f, "job_finished");
        NUMBER(f, &decision->job_finished, job);
        walk_outcome(f, &decision->job_finished.outcome);
        return;
    }
    if (f->in != NULL)
        fail(f, "the kind of a decision");
}

/* ---- the walks ---- */

void options_pack(const struct scheduler_options *options, struct packer *out)
{
    struct scheduler_options copy = *options;
    walk_options(&(struct fields){.out = out}, &copy);
}

void event_pack(const struct event *event, uint32_t output_partition_count, struct packer *out)
{
    struct event copy = *event;
    struct fields f = {.out = out, .commit_bytes_count = output_partition_count};
    walk_event(&f, &copy);
}

void decision_pack(const struct decision *decision, struct packer *out)
{
    struct decision copy = *decision;
    walk_decision(&(struct fields){.out = out}, &copy);
}

void options_unpack(struct unpacker *in, struct unpacked *memory, struct scheduler_options *out)
{
    *out = (struct scheduler_options){0};
    walk_options(&(struct fields){.in = in, .memory = memory}, out);
}

void event_unpack(struct unpacker *in, struct unpacked *memory, struct event *out,
                  uint32_t *out_bytes_count)
{
    struct fields f = {.in = in, .memory = memory};
    *out = (struct event){0};
    walk_event(&f, out);
    bool has_bytes =
        out->kind == EVENT_STAGE_COMMITTED && out->stage_committed.output_partition_bytes != NULL;
    *out_bytes_count = has_bytes ? f.commit_bytes_count : 0;
}

void decision_unpack(struct unpacker *in, struct decision *out)
{
    *out = (struct decision){0};
    walk_decision(&(struct fields){.in = in}, out);
}

void event_tell(const struct event *event, char *out, size_t out_bytes)
{
    struct event copy = *event;
    walk_event(&(struct fields){.text = out, .text_bytes = out_bytes}, &copy);
}

void decision_tell(const struct decision *decision, char *out, size_t out_bytes)
{
    struct decision copy = *decision;
    walk_decision(&(struct fields){.text = out, .text_bytes = out_bytes}, &copy);
}
