/* Worlds of up to a hundred thousand executors, in which attempts fail, nodes are slow or die, and
 * reports get lost. What must hold is kept in counters, each looked at where it changes, since to
 * search everything after each event (sim_oracle.c) would take days here.
 * BARKS_SIM_WORLDS=n runs n worlds of each size; BARKS_TEST_SEED is the first;
 * BARKS_SIM_EXECUTORS=n runs worlds of that size alone. */
#include "sim/sim_queue.h"
#include "sim/sim_replay.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NODE_EXECUTORS = 4,
    WORKERS = 2,
    SOURCE_TASKS = 4, /* of each executor, in the stage that fills the shuffle: some must wait */
    STAGES = 2,
    DYING_NODES_MAX = 10,
    BAD_EXECUTORS_MAX = 20, /* whoever looks for an idle worker walks over all exclusions */
    NOWHERE = UINT32_MAX
};
static const char program[] = "test_large_sim";

struct large_executor {
    bool is_lost, is_bad; /* bad: half of what it is given fails there */
    uint32_t slowness;    /* factor */
    uint64_t death_ns;    /* UINT64_MAX: it lives on */
    uint32_t open_count;
    uint64_t open[WORKERS]; /* attempts that the scheduler counts as live there */
};

struct large_attempt {
    struct attempt_id id;
    uint64_t end_ns;
    bool is_report_lost;
    bool was_told_to_cancel;
    bool is_silent; /* it was cancelled: what it would have said is not said */
    bool has_finished, is_discarded;
};

struct large_task {
    uint32_t next_attempt; /* the least number that was not used yet */
    uint32_t hopeful;      /* attempts that run and may count */
    uint32_t owner;        /* of the reading stage: who has what it reads */
};

struct large_world {
    uint64_t seed, random, now_ns;
    struct scheduler_options options;
    struct scheduler *scheduler; /* owned, as what follows */
    struct decision_list decisions;
    struct sim_queue queue;
    struct journal journal;
    struct large_executor *executors;
    struct large_attempt *attempts;
    struct large_task *tasks[STAGES];
    struct owner_range *ranges; /* room for work */
    size_t attempt_count, attempt_capacity;
    uint32_t executor_count, living_count, task_counts[STAGES];
    struct stage_input input;
    struct stage_spec stages[STAGES];
    struct job_spec job;
    uint64_t event_count, open_count, failure_count, exclusion_count, copies, overruns,
        lost_reports;
    uint64_t timer_ns; /* the earliest EVENT_TIMER that is under way; 0: none */
    bool is_over;
    struct job_outcome outcome;
    char failure[500];
};

#define WRONG(world, ...)                                                                          \
    do {                                                                                           \
        if ((world)->failure[0] == '\0')                                                           \
            snprintf((world)->failure, sizeof(world)->failure, __VA_ARGS__);                       \
    } while (0)

static uint32_t below(struct large_world *world, uint32_t bound)
{
    return (uint32_t)(property_next(&world->random) % bound);
}

static bool chance(struct large_world *world, uint32_t per_mille)
{
    return below(world, 1000) < per_mille;
}

static void *array_of(size_t count, size_t item_bytes)
{
    void *items = calloc(count + 1, item_bytes);
    ck_assert_ptr_nonnull(items);
    return items;
}

/* ---- attempts ---- */

/* SIZE_MAX: none such is live. */
static size_t find_open(const struct large_world *world, const struct attempt_id *id)
{
    const struct large_executor *executor = &world->executors[id->executor];
    for (uint32_t i = 0; i < executor->open_count; i++) {
        const struct attempt_id *other = &world->attempts[executor->open[i]].id;
        if (other->stage == id->stage && other->task == id->task && other->attempt == id->attempt)
            return executor->open[i];
    }
    return SIZE_MAX;
}

static void stop_hoping(struct large_world *world, struct large_attempt *attempt)
{
    if (!attempt->was_told_to_cancel)
        world->tasks[attempt->id.stage][attempt->id.task].hopeful--;
}

/* Its worker is free. False: it was not live. */
static bool close_attempt(struct large_world *world, size_t index)
{
    struct large_executor *executor = &world->executors[world->attempts[index].id.executor];
    for (uint32_t i = 0; i < executor->open_count; i++)
        if (executor->open[i] == index) {
            executor->open[i] = executor->open[--executor->open_count];
            world->open_count--;
            stop_hoping(world, &world->attempts[index]);
            return true;
        }
    return false;
}

/* What the executor will say, unless it dies first or the report gets lost. */
static void plan_end(struct large_world *world, size_t index, uint32_t lender)
{
    struct large_attempt *attempt = &world->attempts[index];
    const struct large_executor *executor = &world->executors[attempt->id.executor];
    struct event event = {.kind = EVENT_ATTEMPT_FINISHED,
                          .attempt_finished = {.id = attempt->id, .report = index}};
    bool is_not_lent = lender != SCHEDULER_ANY && world->executors[lender].death_ns != UINT64_MAX;
    if (is_not_lent || chance(world, executor->is_bad ? 500 : 10))
        event = (struct event){
            .kind = EVENT_ATTEMPT_FAILED,
            .attempt_failed = {.id = attempt->id,
                               .cause = is_not_lent ? CAUSE_CANCELLED : CAUSE_RESOURCE,
                               .is_retryable = true,
                               .error_hash = 1 + index}};
    attempt->end_ns = world->now_ns + 1 + (uint64_t)below(world, 100) * executor->slowness;
    attempt->is_report_lost = chance(world, 5);
    world->lost_reports += attempt->is_report_lost;
    if (attempt->end_ns <= executor->death_ns && !attempt->is_report_lost)
        sim_queue_put(&world->queue, attempt->end_ns + below(world, 10), &event, index);
}

static void start(struct large_world *world, const struct decision *decision)
{
    const struct attempt_id *id = &decision->start_task.id;
    uint32_t lender = decision->start_task.lender;
    if (id->stage >= STAGES || id->task >= world->task_counts[id->stage] ||
        id->executor >= world->executor_count) {
        WRONG(world, "task %u of stage %u starts on executor %u", id->task, id->stage,
              id->executor);
        return;
    }
    struct large_executor *executor = &world->executors[id->executor];
    struct large_task *task = &world->tasks[id->stage][id->task];
    if (executor->is_lost || executor->open_count == WORKERS) {
        WRONG(world, "a task starts on executor %u, which is lost or has %u tasks", id->executor,
              executor->open_count);
        return;
    }
    if (id->attempt < task->next_attempt || task->hopeful > 1)
        WRONG(world, "attempt %u of task %u starts after number %u, besides %u others", id->attempt,
              id->task, task->next_attempt, task->hopeful);
    uint32_t holder = lender == SCHEDULER_ANY ? id->executor : lender;
    if (id->stage == 1 && task->owner != holder)
        WRONG(world, "task %u reads on executor %u, and its rows are on %u", id->task, holder,
              task->owner);
    world->copies += task->hopeful;
    task->next_attempt = id->attempt + 1;
    task->hopeful++;
    world->attempts = sim_grown(world->attempts, &world->attempt_capacity, world->attempt_count,
                                sizeof *world->attempts);
    size_t index = world->attempt_count++;
    world->attempts[index] = (struct large_attempt){.id = *id};
    executor->open[executor->open_count++] = index;
    world->open_count++;
    plan_end(world, index, lender);
}

static void cancel(struct large_world *world, const struct decision *decision)
{
    const struct attempt_id *id = &decision->cancel_attempt;
    size_t index = find_open(world, id);
    if (index == SIZE_MAX || world->attempts[index].was_told_to_cancel) {
        WRONG(world, "an attempt of task %u is cancelled that does not run", id->task);
        return;
    }
    struct large_attempt *attempt = &world->attempts[index];
    stop_hoping(world, attempt);
    attempt->was_told_to_cancel = true;
    uint64_t obeyed_ns = world->now_ns + 1 + below(world, 20);
    bool is_ignored =
        !attempt->is_report_lost && (obeyed_ns >= attempt->end_ns || chance(world, 300));
    if (is_ignored || obeyed_ns > world->executors[id->executor].death_ns)
        return;
    attempt->is_silent = true;
    struct event event = {
        .kind = EVENT_ATTEMPT_FAILED,
        .attempt_failed = {.id = *id, .cause = CAUSE_CANCELLED, .is_retryable = true}};
    sim_queue_put(&world->queue, obeyed_ns, &event, UINT64_MAX);
}

static void discard(struct large_world *world, const struct decision *decision)
{
    uint64_t report = decision->discard_attempt.report;
    if (report >= world->attempt_count || !world->attempts[report].has_finished ||
        world->attempts[report].is_discarded)
        WRONG(world, "report %" PRIu64 " is discarded, which did not just finish", report);
    else
        world->attempts[report].is_discarded = true;
}

static void overrun(struct large_world *world, const struct decision *decision)
{
    if (find_open(world, &decision->attempt_overrun) == SIZE_MAX)
        WRONG(world, "an attempt overruns that does not run");
    world->overruns++;
    world->failure_count++;
}

/* ---- commits ---- */

static void note_owners(struct large_world *world)
{
    uint32_t count = 0, end = 0;
    barks_status *status =
        scheduler_owners(world->scheduler, 1, 0, world->executor_count, world->ranges, &count);
    for (uint32_t i = 0; i < count && status == NULL; i++) {
        const struct owner_range *range = &world->ranges[i];
        if (range->first_partition != end || world->executors[range->executor].is_lost)
            WRONG(world, "partition %u belongs to executor %u", end, range->executor);
        for (; end < range->end_partition && end < world->task_counts[1]; end++)
            world->tasks[1][end].owner = range->executor;
    }
    if (status != NULL || end != world->task_counts[1])
        WRONG(world, "owners of %u partitions: %s", end,
              status == NULL ? "" : barks_status_text(status));
    barks_status_free(status);
}

/* Each task counts an attempt at it that finished, and whose rows are still there. */
static void commit(struct large_world *world, const struct decision *decision)
{
    uint32_t stage = decision->commit_stage.stage;
    if (decision->commit_stage.run_count != world->task_counts[stage])
        WRONG(world, "stage %u commits %u tasks of %u", stage, decision->commit_stage.run_count,
              world->task_counts[stage]);
    for (uint32_t run = 0; run < decision->commit_stage.run_count; run++) {
        struct counted_run counted = {.report = UINT64_MAX};
        barks_status *status = scheduler_counted_run(world->scheduler, 1, stage, run, &counted);
        const struct large_attempt *attempt =
            counted.report < world->attempt_count ? &world->attempts[counted.report] : NULL;
        if (attempt == NULL || attempt->id.stage != stage || attempt->id.task != run ||
            !attempt->has_finished || attempt->is_discarded || attempt->was_told_to_cancel ||
            (stage == 0 && world->executors[counted.executor].is_lost))
            WRONG(world, "task %u of stage %u counts what does not: %s", run, stage,
                  status == NULL ? "" : barks_status_text(status));
        barks_status_free(status);
    }
    if (stage == 0)
        note_owners(world);
    struct event event = {
        .kind = EVENT_STAGE_COMMITTED,
        .stage_committed = {.job = 1, .stage = stage, .commit = decision->commit_stage.commit}};
    sim_queue_put(&world->queue, world->now_ns + 1 + below(world, 20), &event, UINT64_MAX);
}

/* ---- the world ---- */

static void obey(struct large_world *world, const struct decision *decision)
{
    switch (decision->kind) {
    case DECISION_START_TASK:
        start(world, decision);
        return;
    case DECISION_CANCEL_ATTEMPT:
        cancel(world, decision);
        return;
    case DECISION_DISCARD_ATTEMPT:
        discard(world, decision);
        return;
    case DECISION_ATTEMPT_OVERRUN:
        overrun(world, decision);
        return;
    case DECISION_COMMIT_STAGE:
        commit(world, decision);
        return;
    case DECISION_OWNERS_CHANGED:
        note_owners(world);
        return;
    case DECISION_EXECUTOR_EXCLUDED:
        world->exclusion_count++;
        return;
    case DECISION_JOB_FINISHED:
        world->is_over = true;
        world->outcome = decision->job_finished.outcome;
        return;
    case DECISION_CUT_RUNS: /* an executor need not answer */
    case DECISION_SHIP_STAGE:
    case DECISION_RELEASE_STAGE:
        return;
    }
    WRONG(world, "a decision of the unknown kind %d", (int)decision->kind);
}

/* What the world knows by the event. False: it is never sent. */
static bool note(struct large_world *world, const struct sim_message *message)
{
    const struct event *event = &message->event;
    if (message->attempt != UINT64_MAX && world->attempts[message->attempt].is_silent)
        return false;
    if (event->kind == EVENT_ATTEMPT_FINISHED)
        world->attempts[message->attempt].has_finished |= close_attempt(world, message->attempt);
    if (event->kind == EVENT_ATTEMPT_FAILED) {
        size_t index = find_open(world, &event->attempt_failed.id);
        if (index != SIZE_MAX) {
            world->failure_count += !world->attempts[index].was_told_to_cancel;
            (void)close_attempt(world, index);
        }
    }
    if (event->kind == EVENT_EXECUTOR_LOST) {
        struct large_executor *executor = &world->executors[event->executor_lost.executor];
        while (executor->open_count > 0)
            (void)close_attempt(world, executor->open[0]);
        executor->is_lost = true;
        world->living_count--;
    }
    return true;
}

/* No worker is idle while a task waits that may run anywhere. One that has failed avoids executors,
 * and an executor that is excluded, with its node, gets nothing: these are left out. */
static void look_for_idle_workers(struct large_world *world)
{
    struct stage_progress progress = {0};
    barks_status *status = scheduler_stage_progress(world->scheduler, 1, 0, &progress);
    bool is_active =
        status == NULL && (progress.state == STAGE_READY || progress.state == STAGE_RUNNING);
    barks_status_free(status);
    uint64_t placed = (uint64_t)progress.tasks_done + progress.attempts_live;
    uint64_t excused = world->open_count + world->exclusion_count * NODE_EXECUTORS * WORKERS;
    if (is_active && placed + world->failure_count < progress.task_count &&
        excused < (uint64_t)world->living_count * WORKERS)
        WRONG(world, "%u of %u tasks run or are done, and only %" PRIu64 " of %u workers have one",
              (unsigned)placed, progress.task_count, world->open_count,
              world->living_count * WORKERS);
}

static void set_timer(struct large_world *world, const struct event *event)
{
    uint64_t due_ns = scheduler_next_deadline_ns(world->scheduler);
    if (event->kind == EVENT_TIMER && world->now_ns == world->timer_ns)
        world->timer_ns = 0;
    if (due_ns == UINT64_MAX || (world->timer_ns != 0 && world->timer_ns <= due_ns))
        return;
    world->timer_ns = due_ns > world->now_ns ? due_ns : world->now_ns;
    sim_queue_put(&world->queue, world->timer_ns, &(struct event){.kind = EVENT_TIMER}, UINT64_MAX);
}

static void step(struct large_world *world)
{
    struct sim_message message = sim_queue_take(&world->queue);
    world->now_ns = message.time_ns;
    if (!note(world, &message))
        return;
    world->event_count++;
    barks_status *status =
        sim_handle(&world->journal, world->scheduler, &message.event, &world->decisions);
    if (status != NULL)
        WRONG(world, "%s", barks_status_text(status));
    barks_status_free(status);
    for (size_t i = 0; i < world->decisions.count && world->failure[0] == '\0'; i++)
        obey(world, &world->decisions.items[i]);
    if (message.event.kind != EVENT_EXECUTOR_JOINED)
        look_for_idle_workers(world);
    set_timer(world, &message.event);
}

static void invent_executors(struct large_world *world)
{
    uint32_t node_count = (world->executor_count + NODE_EXECUTORS - 1) / NODE_EXECUTORS;
    for (uint32_t id = 0; id < world->executor_count; id++) {
        world->executors[id] = (struct large_executor){.slowness = 1, .death_ns = UINT64_MAX};
        struct event joined = {.kind = EVENT_EXECUTOR_JOINED,
                               .executor_joined = {.executor = id,
                                                   .node = id / NODE_EXECUTORS,
                                                   .worker_count = WORKERS}};
        sim_queue_put(&world->queue, 0, &joined, UINT64_MAX);
    }
    for (uint32_t i = 0; i < BAD_EXECUTORS_MAX && i < world->executor_count / 50; i++)
        world->executors[below(world, world->executor_count)].is_bad = true;
    for (uint32_t i = 0; i < node_count / 50 + 1; i++) {
        uint32_t first = below(world, node_count) * NODE_EXECUTORS;
        for (uint32_t id = first; id < first + NODE_EXECUTORS && id < world->executor_count; id++)
            world->executors[id].slowness = 20;
    }
    for (uint32_t i = 0; i < DYING_NODES_MAX && i < node_count / 4; i++) {
        uint32_t first = below(world, node_count) * NODE_EXECUTORS;
        uint64_t death_ns = 1 + below(world, 400);
        for (uint32_t id = first; id < first + NODE_EXECUTORS && id < world->executor_count; id++) {
            if (world->executors[id].death_ns != UINT64_MAX)
                continue;
            world->executors[id].death_ns = death_ns;
            struct event lost = {.kind = EVENT_EXECUTOR_LOST, .executor_lost = {.executor = id}};
            sim_queue_put(&world->queue, death_ns + 1 + below(world, 50), &lost, UINT64_MAX);
        }
    }
}

/* A shuffle and its readers, which are pinned to who has their rows. */
static void invent_job(struct large_world *world)
{
    world->task_counts[0] = SOURCE_TASKS * world->executor_count;
    world->task_counts[1] = world->executor_count;
    world->stages[0] = (struct stage_spec){.output = OUTPUT_SHUFFLE,
                                           .policy = RUNS_SINGLE,
                                           .partition_count = world->task_counts[0],
                                           .output_partition_count = world->task_counts[1]};
    world->input = (struct stage_input){.parent = 0, .kind = INPUT_PARTITIONS};
    world->stages[1] = (struct stage_spec){.output = OUTPUT_RESULT,
                                           .policy = RUNS_SINGLE,
                                           .partition_count = world->task_counts[1],
                                           .input_count = 1,
                                           .inputs = &world->input};
    world->job = (struct job_spec){.id = 1, .stage_count = STAGES, .stages = world->stages};
    for (uint32_t stage = 0; stage < STAGES; stage++)
        world->tasks[stage] = array_of(world->task_counts[stage], sizeof **world->tasks);
    sim_queue_put(&world->queue, 0,
                  &(struct event){.kind = EVENT_JOB_SUBMITTED, .job_submitted = &world->job},
                  UINT64_MAX);
}

static struct large_world *begin(uint64_t seed, uint32_t executor_count)
{
    struct large_world *world = array_of(1, sizeof *world);
    world->seed = world->random = seed;
    world->executor_count = world->living_count = executor_count;
    world->executors = array_of(executor_count, sizeof *world->executors);
    world->ranges = array_of(executor_count, sizeof *world->ranges);
    world->options = (struct scheduler_options){
        .attempts_max = 50, /* none of so many tasks shall fail so often */
        .losses_max = 1000,
        .recovers = true,
        .executor_count_min = executor_count,
        .exclusion_ns = chance(world, 500) ? 300 : 0,
        .slow_percent = chance(world, 700) ? 200 : 0,
        .slow_after_percent = 50,
        .slow_min_ns = 50,
        .attempt_ns_max = 2500, /* more than any attempt takes whose report comes */
    };
    invent_executors(world);
    invent_job(world);
    ck_assert_ptr_null(scheduler_create(&world->options, &world->scheduler));
    journal_begin(&world->journal, &world->options);
    return world;
}

static void end(struct large_world *world)
{
    scheduler_destroy(world->scheduler);
    decision_list_drop(&world->decisions);
    sim_queue_drop(&world->queue);
    journal_drop(&world->journal);
    free(world->executors);
    free(world->attempts);
    free(world->ranges);
    for (uint32_t stage = 0; stage < STAGES; stage++)
        free(world->tasks[stage]);
    free(world);
}

static void check_end(struct large_world *world)
{
    if (!world->is_over || world->outcome.result != JOB_RESULT_DONE)
        WRONG(world, "the job ended as %d, of %d", (int)world->outcome.result,
              (int)world->outcome.cause);
    if (world->open_count > 0)
        WRONG(world, "%" PRIu64 " attempts never ended", world->open_count);
    if (!scheduler_is_sound(world->scheduler))
        WRONG(world, "the scheduler is not sound at the end");
}

/* To look at everything costs as much as all events of the world do. */
static void run(struct large_world *world)
{
    enum { LOOKS = 4 };
    uint64_t events_max = 200 * (uint64_t)world->executor_count + 10000;
    uint64_t between = 10 * (uint64_t)world->executor_count / LOOKS + 1;
    while (world->queue.count > 0 && world->failure[0] == '\0') {
        step(world);
        if (world->event_count % between == 0 && !scheduler_is_sound(world->scheduler))
            WRONG(world, "the scheduler is not sound after %" PRIu64 " events", world->event_count);
        if (world->event_count > events_max)
            WRONG(world, "no end after %" PRIu64 " events", events_max);
    }
    if (world->failure[0] == '\0')
        check_end(world);
    if (world->failure[0] == '\0')
        (void)sim_replays(&world->journal, world->event_count, world->failure,
                          sizeof world->failure);
}

static void run_worlds(uint32_t executor_count, uint64_t world_count)
{
    uint64_t seed = property_seed(), count = sim_world_count(world_count);
    uint64_t events = 0, copies = 0, overruns = 0, losses = 0, lost_reports = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct large_world *world = begin(seed + i, executor_count);
        run(world);
        char variables[64];
        snprintf(variables, sizeof variables, "BARKS_SIM_EXECUTORS=%u ", executor_count);
        if (world->failure[0] != '\0')
            sim_tell_replay(program, variables, seed + i);
        ck_assert_msg(world->failure[0] == '\0', "%sBARKS_TEST_SEED=%" PRIu64 ": %s", variables,
                      seed + i, world->failure);
        events += world->event_count;
        copies += world->copies;
        overruns += world->overruns;
        lost_reports += world->lost_reports;
        losses += executor_count - world->living_count;
        end(world);
    }
    fprintf(stderr,
            "# %" PRIu64 " worlds of %u executors: %" PRIu64 " events, %" PRIu64
            " lost executors, %" PRIu64 " lost reports, %" PRIu64 " copies, %" PRIu64 " overruns\n",
            count, executor_count, events, losses, lost_reports, copies, overruns);
    /* Whose report is lost is copied, or runs too long. */
    ck_assert(count < world_count || (losses > 0 && lost_reports > 0 && copies + overruns > 0));
}

static void run_size(uint32_t executor_count, uint64_t world_count)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the program has one thread */
    const char *chosen = getenv("BARKS_SIM_EXECUTORS");
    if (chosen == NULL || strtoull(chosen, NULL, 10) == executor_count)
        run_worlds(executor_count, world_count);
}

START_TEST(a_job_is_done_among_a_hundred_executors) { run_size(100, 150); }
END_TEST

START_TEST(a_job_is_done_among_a_thousand_executors) { run_size(1000, 20); }
END_TEST

START_TEST(a_job_is_done_among_ten_thousand_executors) { run_size(10000, 2); }
END_TEST

START_TEST(a_job_is_done_among_a_hundred_thousand_executors) { run_size(100000, 1); }
END_TEST

SUITE_MAIN("sim/large", a_job_is_done_among_a_hundred_executors,
           a_job_is_done_among_a_thousand_executors, a_job_is_done_among_ten_thousand_executors,
           a_job_is_done_among_a_hundred_thousand_executors)
