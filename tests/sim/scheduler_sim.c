#include "base/hash.h"
#include "sim/sim_replay.h"
#include "sim/sim_world.h"
#include "support/property.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t never_ns = UINT64_MAX;

uint32_t sim_below(struct sim_world *world, uint32_t bound)
{
    return (uint32_t)(property_next(&world->random) % bound);
}

bool sim_chance(struct sim_world *world, uint32_t per_mille)
{
    return sim_below(world, 1000) < per_mille;
}

void sim_fail(struct sim_world *world, const char *format, ...)
{
    if (world->failure[0] != '\0')
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(world->failure, sizeof world->failure, format, arguments);
    va_end(arguments);
}

static void post_about(struct sim_world *world, uint64_t time_ns, const struct event *event,
                       uint64_t attempt)
{
    sim_queue_put(&world->queue, time_ns, event, attempt);
}

static void post(struct sim_world *world, uint64_t time_ns, const struct event *event)
{
    post_about(world, time_ns, event, UINT64_MAX);
}

static uint64_t soon(struct sim_world *world) { return world->time_ns + 1 + sim_below(world, 20); }

/* What it was to read does not come. */
static void fail_loan(struct sim_world *world, size_t index, uint64_t at_ns)
{
    struct sim_attempt *attempt = &world->attempts[index];
    struct event event = {
        .kind = EVENT_ATTEMPT_FAILED,
        .attempt_failed = {.id = attempt->id, .cause = CAUSE_CANCELLED, .is_retryable = true}};
    attempt->end_ns = at_ns;
    post_about(world, at_ns, &event, index);
}

/* The report that an executor will send of an attempt, unless it dies or obeys a cancellation
 * first. */
static void plan_end(struct sim_world *world, size_t index)
{
    struct sim_attempt *attempt = &world->attempts[index];
    const struct sim_executor *executor = &world->executors[attempt->id.executor];
    uint64_t begin_ns = world->time_ns;
    if (attempt->lender != SCHEDULER_ANY) {
        begin_ns = soon(world);
        if (world->executors[attempt->lender].death_ns < begin_ns || sim_chance(world, 100)) {
            fail_loan(world, index, begin_ns + sim_below(world, 100));
            return;
        }
    }
    attempt->end_ns = begin_ns + 1 + (uint64_t)sim_below(world, 100) * executor->slowness;
    struct event event = {.kind = EVENT_ATTEMPT_FINISHED,
                          .attempt_finished = {.id = attempt->id, .report = index}};
    bool fails_there = executor->is_bad && sim_chance(world, 500);
    if (fails_there || sim_chance(world, world->weather.attempt_fails)) {
        static const enum failure_cause causes[] = {CAUSE_USER_ERROR, CAUSE_BAD_INPUT,
                                                    CAUSE_RESOURCE, CAUSE_CANCELLED};
        event = (struct event){
            .kind = EVENT_ATTEMPT_FAILED,
            .attempt_failed = {
                .id = attempt->id,
                .cause = causes[sim_below(world, 4)],
                .is_retryable = fails_there || !sim_chance(world, world->weather.failure_is_final),
                .error = index,
                .error_hash = !fails_there && sim_below(world, 3) == 0 ? 1 + sim_below(world, 50)
                                                                       : 1000 + index}};
    }
    if (attempt->end_ns > executor->death_ns)
        return;
    if (sim_chance(world, world->weather.report_is_lost)) {
        attempt->is_report_lost = true;
        world->reports_lost++;
        return;
    }
    uint64_t arrival_ns = attempt->end_ns + 1 + sim_below(world, 20);
    post_about(world, arrival_ns, &event, index);
    if (sim_chance(world, world->weather.report_twice))
        post_about(world, arrival_ns + sim_below(world, 200), &event, index);
}

static void start(struct sim_world *world, const struct decision *decision)
{
    oracle_start(world, decision);
    oracle_order(world, &decision->start_task.id);
    world->attempts = sim_grown(world->attempts, &world->attempt_capacity, world->attempt_count,
                                sizeof *world->attempts);
    size_t index = world->attempt_count++;
    const struct attempt_id *id = &decision->start_task.id;
    world->attempts[index] =
        (struct sim_attempt){.id = *id,
                             .first_partition = decision->start_task.first_partition,
                             .end_partition = decision->start_task.end_partition,
                             .piece = decision->start_task.piece,
                             .piece_count = decision->start_task.piece_count,
                             .lender = decision->start_task.lender,
                             .is_alone = decision->start_task.is_alone,
                             .start_ns = world->time_ns,
                             .is_open = true};
    oracle_given(world, &world->attempts[index]);
    if (world->failure[0] != '\0')
        return;
    plan_end(world, index);
    struct event started = {.kind = EVENT_ATTEMPT_STARTED, .attempt_started = *id};
    if (sim_chance(world, 700))
        post_about(world, soon(world), &started, index);
    struct event copy = {.kind = EVENT_COPY_WANTED,
                         .copy_wanted = {.job = id->job, .stage = id->stage, .task = id->task}};
    if (sim_chance(world, world->weather.copy_wanted)) {
        world->jobs[id->job - 1].stages[id->stage].is_copy_wanted = true;
        post(world, world->time_ns + sim_below(world, 150), &copy);
    }
    struct event stopped = {.kind = EVENT_TASK_STOPPED,
                            .task_stopped = {.job = id->job, .stage = id->stage, .task = id->task}};
    if (sim_chance(world, world->weather.task_is_stopped))
        post(world, world->time_ns + sim_below(world, 150), &stopped);
    const struct job_spec *job = &world->jobs[id->job - 1].spec;
    struct event skipped = {
        .kind = EVENT_STAGE_SKIPPED,
        .stage_skipped = {.job = id->job, .stage = (uint32_t)sim_below(world, job->stage_count)}};
    if (sim_chance(world, world->weather.stage_skipped) &&
        job->stages[skipped.stage_skipped.stage].output == OUTPUT_SHUFFLE)
        post(world, soon(world), &skipped);
}

/* The executor ends it, if it comes in time and is obeyed. */
static void cancel(struct sim_world *world, const struct decision *decision)
{
    oracle_cancel(world, decision);
    size_t index = oracle_find_attempt(world, &decision->cancel_attempt);
    if (world->failure[0] != '\0')
        return;
    struct sim_attempt *attempt = &world->attempts[index];
    uint64_t obeyed_ns = soon(world);
    /* Who runs it no more, and whose report got lost, says so now. */
    bool is_ignored =
        !attempt->is_report_lost &&
        (obeyed_ns >= attempt->end_ns || sim_chance(world, world->weather.cancel_is_ignored));
    if (is_ignored || obeyed_ns > world->executors[attempt->id.executor].death_ns)
        return;
    attempt->is_cancelled = true;
    struct event event = {
        .kind = EVENT_ATTEMPT_FAILED,
        .attempt_failed = {.id = attempt->id, .cause = CAUSE_CANCELLED, .is_retryable = true}};
    post(world, obeyed_ns + sim_below(world, 20), &event);
}

/* The executor gives up the ends of runs of attempts that it works on still: its reports of these
 * come later. Where it is not slow, it says nothing. */
static void cut(struct sim_world *world, const struct decision *decision)
{
    oracle_cut_wanted(world, decision);
    uint64_t given_up_ns = world->time_ns + 1 + sim_below(world, 5);
    uint64_t told_ns = given_up_ns + sim_below(world, 5);
    uint32_t executor = decision->cut_runs.executor;
    bool is_apart = sim_chance(world, 500);
    if (sim_chance(world, 200) || given_up_ns > world->executors[executor].death_ns)
        return;
    for (size_t index = 0; index < world->attempt_count; index++) {
        struct sim_attempt *attempt = &world->attempts[index];
        uint32_t length = attempt->end_partition - attempt->first_partition;
        if (attempt->id.job != decision->cut_runs.job ||
            attempt->id.stage != decision->cut_runs.stage || attempt->id.executor != executor ||
            !attempt->is_open || attempt->is_alone || attempt->was_cut || attempt->is_cancelled ||
            attempt->end_ns <= told_ns || length < 2 || sim_chance(world, 200))
            continue;
        attempt->was_cut = true;
        struct event event = {.kind = EVENT_RUN_CUT,
                              .run_cut = {.id = attempt->id,
                                          .end_partition = attempt->first_partition + 1 +
                                                           sim_below(world, length - 1),
                                          .is_alone = is_apart}};
        post_about(world, told_ns, &event, index);
    }
}

static void commit(struct sim_world *world, const struct decision *decision)
{
    oracle_commit(world, decision);
    struct event event = {.kind = EVENT_STAGE_COMMITTED,
                          .stage_committed = {.job = decision->commit_stage.job,
                                              .stage = decision->commit_stage.stage,
                                              .commit = decision->commit_stage.commit}};
    if (sim_chance(world, world->weather.commit_fails))
        event = (struct event){.kind = EVENT_COMMIT_FAILED,
                               .commit_failed = {.job = decision->commit_stage.job,
                                                 .stage = decision->commit_stage.stage,
                                                 .commit = decision->commit_stage.commit,
                                                 .cause = CAUSE_RESOURCE,
                                                 .error = 7}};
    post(world, soon(world), &event);
}

static void obey(struct sim_world *world, const struct decision *decision)
{
    switch (decision->kind) {
    case DECISION_SHIP_STAGE:
        oracle_ship(world, decision);
        return;
    case DECISION_START_TASK:
        start(world, decision);
        return;
    case DECISION_ATTEMPT_OVERRUN:
        oracle_overrun(world, decision);
        return;
    case DECISION_CUT_RUNS:
        cut(world, decision);
        return;
    case DECISION_CANCEL_ATTEMPT:
        cancel(world, decision);
        return;
    case DECISION_DISCARD_ATTEMPT:
        oracle_discard(world, decision);
        return;
    case DECISION_COMMIT_STAGE:
        commit(world, decision);
        return;
    case DECISION_OWNERS_CHANGED:
        return; /* only the commit that follows must find the new ones */
    case DECISION_EXECUTOR_EXCLUDED:
        oracle_excluded(world, decision);
        return;
    case DECISION_RELEASE_STAGE:
        oracle_release(world, decision);
        return;
    case DECISION_JOB_FINISHED:
        oracle_job_finished(world, decision);
        return;
    }
    sim_fail(world, "a decision of the unknown kind %d", (int)decision->kind);
}

static void close_attempt(struct sim_world *world, size_t index)
{
    world->attempts[index].is_open = false;
    world->executors[world->attempts[index].id.executor].open_attempts--;
}

static void note_committed(struct sim_world *world, struct sim_message *message, uint64_t *bytes)
{
    uint64_t id = message->event.stage_committed.job;
    uint32_t index = message->event.stage_committed.stage;
    struct sim_job *job = &world->jobs[id - 1];
    struct stage_progress progress = {0};
    barks_status *status = scheduler_stage_progress(world->scheduler, id, index, &progress);
    bool is_awaited = status == NULL && !job->is_finished && progress.state == STAGE_COMPLETE &&
                      message->event.stage_committed.commit == job->stages[index].commit;
    barks_status_free(status);
    if (is_awaited)
        oracle_committed(world, job, index);
    for (uint32_t partition = 0; partition < SIM_PARTITIONS_MAX; partition++)
        bytes[partition] = (uint64_t)1 << sim_below(world, 64);
    if (sim_chance(world, 700))
        message->event.stage_committed.output_partition_bytes = bytes;
}

/* One of the attempts that run there may have ended it, mostly in the same way as others. */
static void find_culprit(struct sim_world *world, struct event *lost)
{
    if (!sim_chance(world, 300))
        return;
    for (size_t index = 0; index < world->attempt_count; index++) {
        struct sim_attempt *attempt = &world->attempts[index];
        if (attempt->id.executor != lost->executor_lost.executor || !attempt->is_open ||
            attempt->was_told_to_cancel)
            continue;
        attempt->error_hash = sim_chance(world, 800) ? 1 + sim_below(world, 2) : 0;
        attempt->crash =
            (struct attempt_crash){.id = attempt->id, .error_hash = attempt->error_hash};
        attempt->has_failed = true;
        lost->executor_lost.crash = &attempt->crash;
        return;
    }
}

/* What the world knows by the event, before the scheduler does. False: nobody ever sends it. */
static bool note(struct sim_world *world, struct sim_message *message, uint64_t *bytes)
{
    const struct event *event = &message->event;
    struct sim_attempt *attempt =
        message->attempt < world->attempt_count ? &world->attempts[message->attempt] : NULL;
    if (attempt != NULL && attempt->is_cancelled)
        return false;
    switch (event->kind) {
    case EVENT_EXECUTOR_JOINED:
        world->executors[event->executor_joined.executor].has_joined = true;
        break;
    case EVENT_EXECUTOR_LOST:
        find_culprit(world, &message->event);
        oracle_lost(world, event->executor_lost.executor);
        break;
    case EVENT_EXECUTOR_DISTRUSTED: /* whatever runs or comes may be without it, and need not */
        for (uint32_t job = 0; job < SIM_JOBS_MAX; job++)
            world->jobs[job].was_excluded[event->executor_distrusted.executor] = true;
        break;
    case EVENT_JOB_SUBMITTED:
        world->jobs[event->job_submitted->id - 1].is_submitted = true;
        world->jobs[event->job_submitted->id - 1].sequence = world->submitted_count++;
        break;
    case EVENT_JOB_CANCELLED:
        world->jobs[event->job_cancelled.job - 1].is_cancelled = true;
        break;
    case EVENT_ATTEMPT_FINISHED:
        if (attempt != NULL && attempt->is_open) {
            attempt->has_finished = true;
            close_attempt(world, message->attempt);
        }
        break;
    case EVENT_ATTEMPT_FAILED: {
        size_t index = oracle_find_attempt(world, &event->attempt_failed.id);
        if (index != SIZE_MAX && world->attempts[index].is_open) {
            world->attempts[index].has_failed |=
                attempt != NULL && event->attempt_failed.cause != CAUSE_CANCELLED;
            world->attempts[index].is_setback = event->attempt_failed.cause == CAUSE_CANCELLED &&
                                                !world->attempts[index].was_told_to_cancel;
            world->attempts[index].is_final |= !event->attempt_failed.is_retryable;
            world->attempts[index].error_hash = event->attempt_failed.error_hash;
            close_attempt(world, index);
        }
        break;
    }
    case EVENT_STAGE_COMMITTED:
        note_committed(world, message, bytes);
        break;
    case EVENT_COMMIT_FAILED:
        world->jobs[event->commit_failed.job - 1].is_commit_failed = true;
        break;
    case EVENT_ATTEMPT_STARTED:
        if (attempt != NULL && !attempt->is_said_to_run) {
            attempt->is_said_to_run = true;
            attempt->said_ns = world->time_ns;
        }
        break;
    case EVENT_RUN_CUT:
        oracle_cut(world, event);
        break;
    case EVENT_STAGE_SKIPPED: /* the oracle asks the scheduler what was skipped */
    case EVENT_COPY_WANTED:
    case EVENT_TASK_STOPPED:
        break;
    case EVENT_TIMER:
        for (uint32_t job = 0; job < world->job_count; job++)
            if (world->jobs[job].spec.deadline_ns > 0 &&
                world->jobs[job].spec.deadline_ns <= world->time_ns)
                world->jobs[job].is_cancelled = true;
        break;
    }
    return true;
}

static void step(struct sim_world *world)
{
    uint64_t bytes[SIM_PARTITIONS_MAX];
    struct sim_message message = sim_queue_take(&world->queue);
    world->time_ns = message.time_ns;
    if (!note(world, &message, bytes))
        return;
    oracle_look_for_room(world);
    world->event = message.event.kind;
    barks_status *status =
        sim_handle(&world->journal, world->scheduler, &message.event, &world->decisions);
    if (status != NULL) {
        sim_fail(world, "%s", barks_status_text(status));
        barks_status_free(status);
    }
    world->events++;
    for (size_t i = 0; i < world->decisions.count; i++) {
        obey(world, &world->decisions.items[i]);
        world->decisions_made++;
    }
    oracle_gangs(world);
    oracle_step(world);
    if (!scheduler_is_sound(world->scheduler))
        sim_fail(world, "the scheduler is not sound after event %d", (int)message.event.kind);
    uint64_t deadline_ns = scheduler_next_deadline_ns(world->scheduler);
    /* One that is due later is still to come where an earlier one was set after it; it sets none.
     */
    if (message.event.kind == EVENT_TIMER && message.time_ns == world->timer_ns)
        world->timer_ns = 0;
    bool is_awaited = world->timer_ns != 0 && world->timer_ns <= deadline_ns;
    if (deadline_ns == never_ns || is_awaited)
        return;
    world->timer_ns = deadline_ns > world->time_ns ? deadline_ns : world->time_ns;
    post(world, world->timer_ns, &(struct event){.kind = EVENT_TIMER});
}

static void choose_weather(struct sim_world *world)
{
    struct sim_weather *weather = &world->weather;
    weather->report_twice = 50;
    weather->copy_wanted = sim_chance(world, 500) ? 200 : 0;
    weather->task_is_stopped = sim_chance(world, 250) ? 100 : 0;
    weather->stage_skipped = sim_chance(world, 250) ? 50 : 0;
    weather->cancel_is_ignored = 300;
    if (sim_chance(world, 500))
        weather->attempt_fails = sim_chance(world, 500) ? 30 : 150;
    if (sim_chance(world, 500)) {
        weather->executor_dies = sim_chance(world, 500) ? 150 : 600;
        weather->executor_is_slandered = 100;
    }
    weather->node_dies = sim_chance(world, 250) ? 300 : 0;
    if (sim_chance(world, 250)) {
        weather->failure_is_final = 50;
        weather->job_is_cancelled = 200;
        weather->job_has_deadline = 200;
        weather->commit_fails = 20;
    }
    if (sim_chance(world, 300))
        weather->executor_is_bad = 300;
    weather->stage_shares = sim_chance(world, 600) ? 900 : 0;
    weather->stage_is_gang = sim_chance(world, 400) ? 300 : 0;
    weather->stage_is_needy = sim_chance(world, 400) ? 400 : 0;
    weather->node_is_slow = sim_chance(world, 300) ? 300 : 0;
    if (sim_chance(world, 600)) {
        world->options.slow_percent = 100 + sim_below(world, 200);
        world->options.slow_after_percent = 1 + sim_below(world, 100);
        world->options.slow_min_ns = sim_below(world, 60);
    }
    if (sim_chance(world, 700))
        world->options.exclusion_ns = 1 + sim_below(world, sim_chance(world, 500) ? 100 : 2000);
    if (sim_chance(world, 400))
        world->options.locality_wait_ns = 1 + sim_below(world, sim_chance(world, 500) ? 20 : 500);
    if (sim_chance(world, 300))
        world->options.attempt_ns_max = 20 + sim_below(world, 300);
    world->options.ahead = sim_chance(world, 500) ? sim_below(world, 4) : 0;
    /* Nothing else finds out: messages of MPI do not get lost, but who sends them may be stuck. */
    if (world->options.attempt_ns_max > 0 && sim_chance(world, 500))
        weather->report_is_lost = 60;
    world->options.keeps_durations = sim_chance(world, 500);
    world->options.attempts_max = 1 + sim_below(world, 4);
    if (sim_chance(world, 600))
        world->options.attempts_max = 100;
    world->options.recovers = sim_chance(world, 800);
    world->options.losses_max = sim_chance(world, 500) ? 1 + sim_below(world, 3) : 1000;
}

static void choose_pools(struct sim_world *world)
{
    if (sim_chance(world, 300))
        return; /* one, FIFO */
    world->options.pools = world->pools;
    world->options.pool_count = 1 + sim_below(world, SIM_POOLS_MAX);
    for (uint32_t pool = 0; pool < world->options.pool_count; pool++)
        world->pools[pool] =
            (struct pool_spec){.policy = sim_chance(world, 500) ? POOL_FAIR : POOL_FIFO,
                               .weight = 1 + sim_below(world, 4),
                               .workers_min = sim_chance(world, 300) ? sim_below(world, 6) : 0};
}

/* It says nothing from now on, and the scheduler is told a little later; or it is told, although it
 * lives. */
static void plan_death(struct sim_world *world, uint32_t id, uint64_t join_ns,
                       uint64_t node_death_ns)
{
    struct event lost = {.kind = EVENT_EXECUTOR_LOST, .executor_lost = {.executor = id}};
    uint64_t death_ns = join_ns + 1 + sim_below(world, 1500);
    bool dies = sim_chance(world, world->weather.executor_dies);
    if (node_death_ns > join_ns && node_death_ns != never_ns) {
        dies = true;
        death_ns = node_death_ns;
    }
    if (dies) {
        world->executors[id].death_ns = death_ns;
        post(world, death_ns + 1 + sim_below(world, 100), &lost);
    } else if (sim_chance(world, world->weather.executor_is_slandered)) {
        post(world, death_ns, &lost);
    }
}

static void plan_executors(struct sim_world *world)
{
    enum { NODES_MAX = 4 };
    uint32_t node_count = 1 + sim_below(world, NODES_MAX), slow_node = SIM_NOWHERE;
    uint64_t deaths_ns[NODES_MAX];
    if (sim_chance(world, world->weather.node_is_slow))
        slow_node = sim_below(world, node_count);
    for (uint32_t node = 0; node < node_count; node++) {
        bool dies = sim_chance(world, world->weather.node_dies);
        deaths_ns[node] = dies ? 1 + sim_below(world, 1500) : never_ns;
        world->nodes_lost += dies;
    }
    world->executor_count = 1 + sim_below(world, SIM_EXECUTORS_MAX);
    world->options.executor_count_min = 1 + sim_below(world, world->executor_count);
    for (uint32_t id = 0; id < world->executor_count; id++) {
        struct sim_executor *executor = &world->executors[id];
        *executor =
            (struct sim_executor){.node = sim_below(world, node_count),
                                  .worker_count = 1 + sim_below(world, 4),
                                  .slowness = sim_chance(world, 100) ? 10 : 1,
                                  .is_bad = sim_chance(world, world->weather.executor_is_bad),
                                  .death_ns = never_ns};
        if (executor->node == slow_node)
            executor->slowness *= 5;
        sim_invent_offer(world, executor);
        uint64_t join_ns = sim_chance(world, 700) ? 0 : sim_below(world, 500);
        struct event joined = {.kind = EVENT_EXECUTOR_JOINED,
                               .executor_joined = {.executor = id,
                                                   .node = executor->node,
                                                   .worker_count = executor->worker_count,
                                                   .offer = &executor->offer}};
        post(world, join_ns, &joined);
        plan_death(world, id, join_ns, deaths_ns[executor->node]);
        struct event distrusted = {.kind = EVENT_EXECUTOR_DISTRUSTED,
                                   .executor_distrusted = {.executor = id}};
        if (sim_chance(world, world->weather.executor_is_bad))
            post(world, join_ns + 1 + sim_below(world, 1500), &distrusted);
    }
}

static void plan_jobs(struct sim_world *world)
{
    world->job_count = 1 + sim_below(world, SIM_JOBS_MAX);
    for (uint32_t index = 0; index < world->job_count; index++) {
        struct sim_job *job = &world->jobs[index];
        uint64_t arrival_ns = sim_below(world, 600);
        world->time_ns = arrival_ns;
        sim_invent_job(world, job, index + 1);
        struct event submitted = {.kind = EVENT_JOB_SUBMITTED, .job_submitted = &job->spec};
        post(world, arrival_ns, &submitted);
        struct event cancelled = {.kind = EVENT_JOB_CANCELLED, .job_cancelled = {.job = index + 1}};
        if (sim_chance(world, world->weather.job_is_cancelled))
            post(world, arrival_ns + 1 + sim_below(world, 800), &cancelled);
    }
}

static void sum_up(const struct sim_world *world, struct sim_result *out_result)
{
    *out_result = (struct sim_result){.events = world->events,
                                      .decisions = world->decisions_made,
                                      .copies = world->copies_made,
                                      .overruns = world->overruns,
                                      .stops = world->stops,
                                      .pieces = world->pieces_made,
                                      .loans = world->loans_made,
                                      .cuts = world->cuts_made,
                                      .given_ahead = world->given_ahead,
                                      .reports_lost = world->reports_lost,
                                      .nodes_lost = world->nodes_lost,
                                      .journal_hash = hash_bytes(world->journal.records.bytes.data,
                                                                 world->journal.records.bytes.size),
                                      .transitions = *scheduler_transitions(world->scheduler)};
    memcpy(out_result->failure, world->failure, sizeof out_result->failure);
    for (uint32_t job = 0; job < world->job_count; job++) {
        if (!world->jobs[job].is_finished)
            continue;
        out_result->jobs_done += world->jobs[job].outcome.result == JOB_RESULT_DONE;
        out_result->jobs_failed += world->jobs[job].outcome.result == JOB_RESULT_FAILED;
        out_result->jobs_cancelled += world->jobs[job].outcome.result == JOB_RESULT_CANCELLED;
    }
}

bool sim_run(uint64_t seed, struct sim_result *out_result)
{
    enum { EVENTS_MAX = 2000000 };
    struct sim_world *world = calloc(1, sizeof *world);
    if (world == NULL)
        abort();
    world->seed = seed;
    world->random = seed;
    choose_weather(world);
    choose_pools(world);
    plan_executors(world);
    plan_jobs(world);
    world->time_ns = 0;
    barks_status *status = scheduler_create(&world->options, &world->scheduler);
    if (status != NULL)
        abort();
    journal_begin(&world->journal, &world->options);
    while (world->queue.count > 0 && world->failure[0] == '\0') {
        step(world);
        if (world->events > EVENTS_MAX)
            sim_fail(world, "no end after %d events", EVENTS_MAX);
    }
    if (world->failure[0] == '\0')
        oracle_at_end(world);
    if (world->failure[0] == '\0')
        (void)sim_replays(&world->journal, world->events, world->failure, sizeof world->failure);
    sum_up(world, out_result);
    scheduler_destroy(world->scheduler);
    decision_list_drop(&world->decisions);
    free(world->attempts);
    sim_queue_drop(&world->queue);
    journal_drop(&world->journal);
    free(world);
    return out_result->failure[0] == '\0';
}
