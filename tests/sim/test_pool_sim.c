/* Worlds of pools and jobs in which nothing fails and no task is bound to a place, so that which
 * job each task must be of follows from the rules alone: they are applied here by a search of all
 * jobs, and every task that the scheduler starts must be the one that they give. Then what pools
 * get in the long run, and that nobody waits for ever.
 * BARKS_SIM_WORLDS=n runs n worlds; BARKS_TEST_SEED is the first. */
#include "scheduler/scheduler.h"
#include "sim/sim_replay.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    WORLDS = 1500,
    POOLS_MAX = 5,
    JOBS_MAX = 14,
    STAGES_MAX = 3,
    TASKS_MAX = 40,
    WORKERS_MAX = 24,
    EXECUTORS_MAX = 6,
    STEP = 1 << 20
};

struct world_pool {
    uint32_t running;
    uint64_t turn, turn_of_jobs;
    uint32_t starts;      /* in all */
    uint64_t busy_ns;     /* of workers, in all */
    uint32_t passed_over; /* starts of others since it waits with nothing running */
};

struct world_job {
    struct job_spec spec;
    struct stage_spec stages[STAGES_MAX];
    struct stage_input inputs[STAGES_MAX];
    uint32_t pending[STAGES_MAX], done[STAGES_MAX];
    bool is_ready[STAGES_MAX];
    bool is_there, is_over;
    uint32_t running;
    uint64_t turn, sequence;
    uint32_t passed_over; /* in a FAIR pool: starts of its other jobs, likewise */
};

struct running_task {
    struct attempt_id id;
    uint64_t start_ns, end_ns;
    bool is_there;
};

struct world {
    uint64_t random, now_ns, turn, sequence, started;
    struct pool_spec specs[POOLS_MAX];
    struct world_pool pools[POOLS_MAX];
    uint32_t pool_count, executor_count, worker_count, idle_count;
    struct world_job jobs[JOBS_MAX];
    uint64_t arrivals_ns[JOBS_MAX], cancels_ns[JOBS_MAX];
    uint32_t job_count;
    struct running_task running[WORKERS_MAX];
    struct scheduler *scheduler;
    struct decision_list decisions;
    struct journal journal;
    uint64_t event_count;
    struct event answers[JOBS_MAX * STAGES_MAX]; /* commits to acknowledge */
    uint32_t answer_count;
    bool is_long; /* looks at all tasks are too dear */
    char failure[500];
};

static uint32_t below(struct world *world, uint32_t bound)
{
    return (uint32_t)(property_next(&world->random) % bound);
}

#define WRONG(world, ...)                                                                          \
    do {                                                                                           \
        if ((world)->failure[0] == '\0')                                                           \
            snprintf((world)->failure, sizeof(world)->failure, __VA_ARGS__);                       \
    } while (0)

/* ---- the rules ---- */

static bool has_pending(const struct world_job *job)
{
    for (uint32_t stage = 0; stage < job->spec.stage_count; stage++)
        if (job->is_there && !job->is_over && job->is_ready[stage] && job->pending[stage] > 0)
            return true;
    return false;
}

static bool is_needy(const struct world *world, uint32_t pool)
{
    return world->pools[pool].running < world->specs[pool].workers_min;
}

static bool pool_goes_first(const struct world *world, uint32_t a, uint32_t b)
{
    const struct world_pool *p = &world->pools[a], *q = &world->pools[b];
    if (is_needy(world, a) != is_needy(world, b))
        return is_needy(world, a);
    bool needy = is_needy(world, a);
    uint64_t left = (uint64_t)p->running *
                    (needy ? world->specs[b].workers_min : world->specs[b].weight),
             right = (uint64_t)q->running *
                     (needy ? world->specs[a].workers_min : world->specs[a].weight);
    if (left != right)
        return left < right;
    return p->turn != q->turn ? p->turn < q->turn : a < b;
}

static bool job_goes_first(const struct world *world, const struct world_job *a,
                           const struct world_job *b)
{
    if (a->spec.pool != b->spec.pool)
        return pool_goes_first(world, a->spec.pool, b->spec.pool);
    if (world->specs[a->spec.pool].policy == POOL_FIFO)
        return a->spec.priority != b->spec.priority ? a->spec.priority > b->spec.priority
                                                    : a->sequence < b->sequence;
    if (a->running != b->running)
        return a->running < b->running;
    return a->turn != b->turn ? a->turn < b->turn : a->sequence < b->sequence;
}

static struct world_job *first_job(struct world *world)
{
    struct world_job *best = NULL;
    for (uint32_t index = 0; index < world->job_count; index++) {
        struct world_job *job = &world->jobs[index];
        if (has_pending(job) && (best == NULL || job_goes_first(world, job, best)))
            best = job;
    }
    return best;
}

static void advance(uint64_t *own, uint64_t *last, uint64_t step)
{
    *last = *own > *last ? *own : *last;
    *own = *last + step;
}

static void count_waiting(struct world *world, const struct world_job *chosen)
{
    bool waits[POOLS_MAX] = {false};
    for (uint32_t index = 0; index < world->job_count; index++) {
        struct world_job *job = &world->jobs[index];
        bool is_waiting = has_pending(job);
        waits[job->spec.pool] |= is_waiting;
        if (!is_waiting || job->running > 0 || job == chosen)
            job->passed_over = 0;
        else
            job->passed_over += job->spec.pool == chosen->spec.pool;
        if (world->specs[job->spec.pool].policy == POOL_FAIR && job->passed_over > 2 * JOBS_MAX)
            WRONG(world, "job %u was passed over %u times", index, job->passed_over);
    }
    for (uint32_t pool = 0; pool < world->pool_count; pool++) {
        struct world_pool *it = &world->pools[pool];
        bool is_passed = waits[pool] && it->running == 0 && pool != chosen->spec.pool;
        it->passed_over = is_passed ? it->passed_over + 1 : 0;
    }
}

/* What the next task must be of, in the order of the starts. */
static void expect_start(struct world *world, const struct decision *decision)
{
    const struct attempt_id *id = &decision->start_task.id;
    struct world_job *job = world->idle_count > 0 ? first_job(world) : NULL;
    if (job == NULL || job->spec.id != id->job) {
        WRONG(world, "a task of job %" PRIu64 " starts, and it should be of job %" PRIu64, id->job,
              job == NULL ? 0 : job->spec.id);
        return;
    }
    uint32_t stage = 0;
    while (!job->is_ready[stage] || job->pending[stage] == 0)
        stage++;
    if (stage != id->stage)
        WRONG(world, "stage %u of job %" PRIu64 " starts before stage %u", id->stage, id->job,
              stage);
    struct world_pool *pool = &world->pools[job->spec.pool];
    count_waiting(world, job);
    job->pending[id->stage]--;
    job->running++;
    pool->running++;
    pool->starts++;
    world->started++;
    advance(&pool->turn, &world->turn, STEP / world->specs[job->spec.pool].weight);
    if (world->specs[job->spec.pool].policy == POOL_FAIR)
        advance(&job->turn, &pool->turn_of_jobs, 1);
    world->idle_count--;
    uint32_t slot = 0;
    while (world->running[slot].is_there)
        slot++;
    world->running[slot] = (struct running_task){.id = *id,
                                                 .start_ns = world->now_ns,
                                                 .end_ns = world->now_ns + 1 + below(world, 100),
                                                 .is_there = true};
}

/* ---- the world ---- */

static void obey(struct world *world, const struct decision *decision)
{
    switch (decision->kind) {
    case DECISION_START_TASK:
        expect_start(world, decision);
        return;
    case DECISION_COMMIT_STAGE:
        world->answers[world->answer_count++] =
            (struct event){.kind = EVENT_STAGE_COMMITTED,
                           .stage_committed = {.job = decision->commit_stage.job,
                                               .stage = decision->commit_stage.stage,
                                               .commit = decision->commit_stage.commit}};
        return;
    case DECISION_JOB_FINISHED:
        world->jobs[decision->job_finished.job - 1].is_over = true;
        return;
    case DECISION_SHIP_STAGE:
    case DECISION_ATTEMPT_OVERRUN:
    case DECISION_CUT_RUNS:
    case DECISION_CANCEL_ATTEMPT:
    case DECISION_DISCARD_ATTEMPT:
    case DECISION_OWNERS_CHANGED:
    case DECISION_RELEASE_STAGE:
    case DECISION_EXECUTOR_EXCLUDED:
        return;
    }
}

static void tell(struct world *world, const struct event *event)
{
    struct event timed = *event;
    timed.time_ns = world->now_ns;
    barks_status *status = sim_handle(&world->journal, world->scheduler, &timed, &world->decisions);
    world->event_count++;
    if (status != NULL)
        WRONG(world, "%s", barks_status_text(status));
    barks_status_free(status);
    for (size_t i = 0; i < world->decisions.count && world->failure[0] == '\0'; i++)
        obey(world, &world->decisions.items[i]);
    if (!world->is_long && !scheduler_is_sound(world->scheduler))
        WRONG(world, "the scheduler is not sound");
    if (world->failure[0] == '\0' && world->idle_count > 0 && first_job(world) != NULL)
        WRONG(world, "a worker is idle though job %" PRIu64 " has tasks",
              first_job(world)->spec.id);
}

/* Stages without tasks commit at once, so a commit may bring the next. */
static void send_answers(struct world *world)
{
    while (world->answer_count > 0 && world->failure[0] == '\0') {
        struct event answer = world->answers[--world->answer_count];
        struct world_job *job = &world->jobs[answer.stage_committed.job - 1];
        uint32_t next = answer.stage_committed.stage + 1;
        if (next < job->spec.stage_count && job->spec.stages[next].input_count > 0)
            job->is_ready[next] = true;
        tell(world, &answer);
    }
}

static void submit(struct world *world, uint32_t index)
{
    struct world_job *job = &world->jobs[index];
    job->is_there = true;
    job->sequence = world->sequence++;
    for (uint32_t stage = 0; stage < job->spec.stage_count; stage++)
        job->is_ready[stage] = job->stages[stage].input_count == 0;
    tell(world, &(struct event){.kind = EVENT_JOB_SUBMITTED, .job_submitted = &job->spec});
}

static void cancel(struct world *world, uint32_t index)
{
    if (!world->jobs[index].is_there)
        return;
    world->jobs[index].is_over = true;
    tell(world, &(struct event){.kind = EVENT_JOB_CANCELLED, .job_cancelled = {.job = index + 1}});
}

static void finish(struct world *world, struct running_task *task)
{
    struct world_job *job = &world->jobs[task->id.job - 1];
    struct world_pool *pool = &world->pools[job->spec.pool];
    task->is_there = false;
    job->running--;
    pool->running--;
    pool->busy_ns += world->now_ns - task->start_ns;
    world->idle_count++;
    tell(world, &(struct event){.kind = EVENT_ATTEMPT_FINISHED, .attempt_finished = {task->id, 0}});
}

static void invent(struct world *world)
{
    world->pool_count = 1 + below(world, POOLS_MAX);
    world->executor_count = 1 + below(world, EXECUTORS_MAX);
    world->worker_count = 1 + below(world, WORKERS_MAX / EXECUTORS_MAX);
    for (uint32_t pool = 0; pool < world->pool_count; pool++) {
        uint32_t minimum = below(world, 3) == 0 ? below(world, 4) : 0;
        world->specs[pool] =
            (struct pool_spec){.policy = below(world, 2) == 0 ? POOL_FIFO : POOL_FAIR,
                               .weight = 1 + below(world, below(world, 4) == 0 ? 60000 : 5),
                               .workers_min = minimum};
    }
    world->job_count = 1 + below(world, JOBS_MAX);
    for (uint32_t index = 0; index < world->job_count; index++) {
        struct world_job *job = &world->jobs[index];
        job->spec = (struct job_spec){.id = index + 1,
                                      .pool = below(world, world->pool_count),
                                      .priority = (int32_t)below(world, 3) - 1,
                                      .stage_count = 1 + below(world, STAGES_MAX),
                                      .stages = job->stages};
        for (uint32_t stage = 0; stage < job->spec.stage_count; stage++) {
            job->inputs[stage] = (struct stage_input){.parent = stage - 1, .kind = INPUT_AFTER};
            job->pending[stage] = below(world, 8) == 0 ? 0 : below(world, TASKS_MAX);
            job->stages[stage] = (struct stage_spec){.output = OUTPUT_RESULT,
                                                     .policy = RUNS_SINGLE,
                                                     .partition_count = job->pending[stage],
                                                     .input_count = stage > 0 && below(world, 2),
                                                     .inputs = &job->inputs[stage]};
        }
        world->arrivals_ns[index] = below(world, 4) == 0 ? 0 : below(world, 600);
        world->cancels_ns[index] = below(world, 8) == 0 ? below(world, 900) : UINT64_MAX;
    }
}

static void begin(struct world *world)
{
    struct scheduler_options options = {.pools = world->specs, .pool_count = world->pool_count};
    ck_assert_ptr_null(scheduler_create(&options, &world->scheduler));
    journal_begin(&world->journal, &options);
    for (uint32_t id = 0; id < world->executor_count; id++)
        tell(world, &(struct event){.kind = EVENT_EXECUTOR_JOINED,
                                    .executor_joined = {id, id / 2, world->worker_count}});
    world->idle_count = world->executor_count * world->worker_count;
}

/* The next moment at which something happens; UINT64_MAX: never. */
static uint64_t next_ns(const struct world *world)
{
    uint64_t next = UINT64_MAX;
    for (uint32_t slot = 0; slot < WORKERS_MAX; slot++)
        if (world->running[slot].is_there && world->running[slot].end_ns < next)
            next = world->running[slot].end_ns;
    for (uint32_t index = 0; index < world->job_count; index++) {
        if (!world->jobs[index].is_there && world->arrivals_ns[index] < next)
            next = world->arrivals_ns[index];
        if (world->jobs[index].is_there && world->cancels_ns[index] < next)
            next = world->cancels_ns[index];
    }
    return next;
}

static void step(struct world *world)
{
    for (uint32_t index = 0; index < world->job_count; index++) {
        if (!world->jobs[index].is_there && world->arrivals_ns[index] <= world->now_ns)
            submit(world, index);
        else if (world->jobs[index].is_there && world->cancels_ns[index] <= world->now_ns) {
            world->cancels_ns[index] = UINT64_MAX;
            cancel(world, index);
        }
        send_answers(world);
    }
    for (uint32_t slot = 0; slot < WORKERS_MAX; slot++)
        if (world->running[slot].is_there && world->running[slot].end_ns <= world->now_ns) {
            finish(world, &world->running[slot]);
            send_answers(world);
        }
}

static void run(struct world *world, uint64_t until_ns)
{
    uint64_t next = 0;
    while ((next = next_ns(world)) < until_ns && world->failure[0] == '\0') {
        world->now_ns = next;
        step(world);
    }
}

static void end(struct world *world)
{
    scheduler_destroy(world->scheduler);
    decision_list_drop(&world->decisions);
    journal_drop(&world->journal);
    free(world);
}

static struct world *world_of(uint64_t seed)
{
    struct world *world = calloc(1, sizeof *world);
    ck_assert_ptr_nonnull(world);
    world->random = seed;
    return world;
}

static void require_well(const struct world *world, uint64_t seed)
{
    if (world->failure[0] != '\0')
        sim_tell_replay("test_pool_sim", "", seed);
    ck_assert_msg(world->failure[0] == '\0', "BARKS_TEST_SEED=%" PRIu64 ": %s", seed,
                  world->failure);
}

START_TEST(every_task_is_the_one_that_the_rules_give)
{
    uint64_t seed = property_seed(), started = 0, count = sim_world_count(WORLDS);
    for (uint64_t i = 0; i < count; i++) {
        struct world *world = world_of(seed + i);
        invent(world);
        begin(world);
        run(world, UINT64_MAX);
        for (uint32_t index = 0; index < world->job_count; index++)
            if (!world->jobs[index].is_over)
                WRONG(world, "job %u never ended", index + 1);
        started += world->started;
        if (world->failure[0] == '\0')
            (void)sim_replays(&world->journal, world->event_count, world->failure,
                              sizeof world->failure);
        require_well(world, seed + i);
        end(world);
    }
    fprintf(stderr, "# %" PRIu64 " worlds, %" PRIu64 " tasks, each by the rules\n", count, started);
    ck_assert(count < WORLDS || started > 20 * count);
}
END_TEST

/* A job of so many tasks that it never runs out, in each of the pools. */
static struct world *long_world(uint64_t seed, uint32_t pool_count, uint32_t worker_count)
{
    struct world *world = world_of(seed);
    world->pool_count = pool_count;
    world->executor_count = 1;
    world->is_long = true;
    world->worker_count = worker_count;
    world->job_count = pool_count;
    for (uint32_t index = 0; index < pool_count; index++) {
        struct world_job *job = &world->jobs[index];
        job->spec = (struct job_spec){
            .id = index + 1, .pool = index, .stage_count = 1, .stages = job->stages};
        job->pending[0] = 20000;
        job->stages[0] = (struct stage_spec){
            .output = OUTPUT_RESULT, .policy = RUNS_SINGLE, .partition_count = job->pending[0]};
        world->specs[index] = (struct pool_spec){.policy = POOL_FAIR, .weight = 1 + index};
        world->cancels_ns[index] = UINT64_MAX;
    }
    return world;
}

/* With fewer workers than pools too, where only turns can do it. */
START_TEST(pools_get_workers_by_weight)
{
    static const uint32_t workers[] = {1, 6, 12, 24};
    uint64_t seed = property_seed();
    for (size_t i = 0; i < sizeof workers / sizeof *workers; i++) {
        struct world *world = long_world(seed + i, 3, workers[i]);
        begin(world);
        run(world, 40000);
        require_well(world, seed);
        uint64_t all_ns = 0;
        for (uint32_t pool = 0; pool < 3; pool++)
            all_ns += world->pools[pool].busy_ns;
        for (uint32_t pool = 0; pool < 3; pool++) {
            double part = (double)world->pools[pool].busy_ns / (double)all_ns;
            double due = (1 + pool) / 6.0;
            ck_assert_msg(part > 0.85 * due && part < 1.15 * due,
                          "pool %u of %u workers got %.3f, due was %.3f; BARKS_TEST_SEED=%" PRIu64,
                          pool, workers[i], part, due, seed);
        }
        end(world);
    }
}
END_TEST

/* A pool with a minimum that comes late has it after so many ends of tasks. */
START_TEST(a_minimum_is_given_to_who_comes_late)
{
    uint64_t seed = property_seed();
    struct world *world = long_world(seed, 3, 10);
    world->specs[0] = (struct pool_spec){.policy = POOL_FIFO, .weight = 1, .workers_min = 4};
    world->specs[2].weight = 1000;
    world->arrivals_ns[0] = 500;
    begin(world);
    run(world, 500);
    ck_assert_uint_eq(world->pools[0].starts, 0);
    run(world, 501 + 100); /* by then every task that ran at 500 has ended */
    require_well(world, seed);
    ck_assert_uint_ge(world->pools[0].running, 4);
    run(world, 5000);
    ck_assert_uint_ge(world->pools[0].running, 4);
    ck_assert_uint_ge(world->pools[0].busy_ns, 4 * 4000);
    end(world);
}
END_TEST

/* One worker and three pools: by name alone the first would have it all. */
START_TEST(nobody_waits_for_ever)
{
    uint64_t seed = property_seed();
    struct world *world = long_world(seed, 3, 1);
    begin(world);
    run(world, 10000);
    require_well(world, seed);
    for (uint32_t pool = 0; pool < 3; pool++) {
        ck_assert_uint_gt(world->pools[pool].starts, 20);
        ck_assert_uint_lt(world->pools[pool].passed_over, 12);
    }
    end(world);
}
END_TEST

SUITE_MAIN("sim/pools", every_task_is_the_one_that_the_rules_give, pools_get_workers_by_weight,
           a_minimum_is_given_to_who_comes_late, nobody_waits_for_ever)
