/* Tasks that need more than a worker. */
#include "scheduler_trial.h"
#include "support/property.h"

#include <check.h>

static const struct scheduler_options patient = {.attempts_max = 3};

enum { GPU, LICENCE };

static struct stage_spec needy(uint32_t partition_count, struct task_needs needs)
{
    struct stage_spec stage = spec_source(partition_count, 0);
    stage.policy = RUNS_SINGLE;
    stage.needs = needs;
    return stage;
}

static struct attempt_id attempt_in(uint64_t job, uint32_t task, uint32_t attempt,
                                    uint32_t executor)
{
    return (struct attempt_id){.job = job, .task = task, .attempt = attempt, .executor = executor};
}

static const char *join(struct trial *trial, uint32_t executor, uint32_t workers,
                        struct executor_offer offer)
{
    return trial_send(trial, &(struct event){.kind = EVENT_EXECUTOR_JOINED,
                                             .executor_joined = {.executor = executor,
                                                                 .worker_count = workers,
                                                                 .offer = &offer}});
}

static uint64_t given(struct trial *trial, struct attempt_id id, uint32_t kind)
{
    uint64_t units[SCHEDULER_RESOURCES_MAX];
    scheduler_given(trial->scheduler, &id, units);
    return units[kind];
}

START_TEST(a_task_of_two_threads_occupies_two_workers)
{
    struct trial trial;
    trial_init(&trial, &patient);
    trial_join(&trial, 1, 0, 3);
    struct stage_spec wide = needy(2, (struct task_needs){.threads = 2});
    struct stage_spec one = spec_source(1, 0);
    DECIDED(trial_submit(&trial, 1, 1, &wide), " ship 1/0@1 start 1/0.0#0@1[0,1)");
    /* What is left is too little for the other one, and just enough for this. */
    DECIDED(trial_submit(&trial, 2, 1, &one), " ship 2/0@1 start 2/0.0#0@1[0,1)");
    DECIDED(trial_finish(&trial, attempt_in(1, 0, 0, 1)), " start 1/0.1#0@1[1,2)");
    trial_drop(&trial);
}
END_TEST

START_TEST(memory_is_taken_and_given_back)
{
    struct trial trial;
    trial_init(&trial, &patient);
    join(&trial, 1, 4, (struct executor_offer){.memory_bytes = 100});
    struct stage_spec big = needy(3, (struct task_needs){.memory_bytes = 40});
    DECIDED(trial_submit(&trial, 1, 1, &big),
            " ship 1/0@1 start 1/0.0#0@1[0,1) start 1/0.1#0@1[1,2)");
    DECIDED(trial_fail(&trial, attempt_in(1, 0, 0, 1), CAUSE_RESOURCE, 1, 1),
            " start 1/0.0#1@1[0,1)");
    DECIDED(trial_finish(&trial, attempt_in(1, 1, 0, 1)), " start 1/0.2#0@1[2,3)");
    trial_drop(&trial);
}
END_TEST

START_TEST(each_attempt_has_units_of_its_own)
{
    struct trial trial;
    trial_init(&trial, &patient);
    join(&trial, 1, 4, (struct executor_offer){.units = {[GPU] = 0xb0}}); /* 4, 5 and 7 */
    struct stage_spec gpus = needy(4, (struct task_needs){.units = {[GPU] = 1}});
    DECIDED(trial_submit(&trial, 1, 1, &gpus),
            " ship 1/0@1 start 1/0.0#0@1[0,1) start 1/0.1#0@1[1,2) start 1/0.2#0@1[2,3)");
    ck_assert_uint_eq(given(&trial, attempt_in(1, 0, 0, 1), GPU), 0x10);
    ck_assert_uint_eq(given(&trial, attempt_in(1, 1, 0, 1), GPU), 0x20);
    ck_assert_uint_eq(given(&trial, attempt_in(1, 2, 0, 1), GPU), 0x80);
    DECIDED(trial_finish(&trial, attempt_in(1, 1, 0, 1)), " start 1/0.3#0@1[3,4)");
    ck_assert_uint_eq(given(&trial, attempt_in(1, 3, 0, 1), GPU), 0x20);
    ck_assert_uint_eq(given(&trial, attempt_in(1, 1, 0, 1), GPU), 0);
    trial_drop(&trial);
}
END_TEST

START_TEST(what_waits_for_a_gpu_keeps_nobody_from_the_workers)
{
    struct trial trial;
    trial_init(&trial, &patient);
    join(&trial, 1, 3, (struct executor_offer){.units = {[GPU] = 1}});
    struct stage_spec gpus = needy(3, (struct task_needs){.units = {[GPU] = 1}});
    struct stage_spec plain = needy(5, (struct task_needs){0});
    DECIDED(trial_submit(&trial, 1, 1, &gpus), " ship 1/0@1 start 1/0.0#0@1[0,1)");
    DECIDED(trial_submit(&trial, 2, 1, &plain),
            " ship 2/0@1 start 2/0.0#0@1[0,1) start 2/0.1#0@1[1,2)");
    DECIDED(trial_finish(&trial, attempt_in(2, 0, 0, 1)), " start 2/0.2#0@1[2,3)");
    /* The GPU does not wait for the order of jobs either. */
    DECIDED(trial_finish(&trial, attempt_in(1, 0, 0, 1)), " start 1/0.1#0@1[1,2)");
    trial_drop(&trial);
}
END_TEST

/* Executor 1 of two workers, one of which ends at a time, and small tasks without end. */
START_TEST(who_was_passed_holds_what_it_lacks_and_does_not_starve)
{
    struct trial trial;
    trial_init(&trial, &patient);
    trial_join(&trial, 1, 0, 2);
    struct stage_spec fill = needy(2, (struct task_needs){0});
    struct stage_spec wide = needy(1, (struct task_needs){.threads = 2});
    trial_submit(&trial, 1, 1, &fill);
    DECIDED(trial_submit(&trial, 2, 1, &wide), "");
    struct stage_spec small = needy(10, (struct task_needs){0});
    DECIDED(trial_submit(&trial, 3, 1, &small), "");
    /* One passes it, and no more. */
    DECIDED(trial_finish(&trial, attempt_in(1, 0, 0, 1)), " ship 3/0@1 start 3/0.0#0@1[0,1)");
    DECIDED(trial_finish(&trial, attempt_in(1, 1, 0, 1)), " commit 1/0#1(2)");
    DECIDED(trial_finish(&trial, attempt_in(3, 0, 0, 1)), " ship 2/0@1 start 2/0.0#0@1[0,1)");
    DECIDED(trial_finish(&trial, attempt_in(2, 0, 0, 1)),
            " commit 2/0#1(1) start 3/0.1#0@1[1,2) start 3/0.2#0@1[2,3)");
    trial_drop(&trial);
}
END_TEST

START_TEST(what_was_held_is_given_to_others_when_its_job_ends)
{
    struct trial trial;
    trial_init(&trial, &patient);
    trial_join(&trial, 1, 0, 2);
    struct stage_spec fill = needy(2, (struct task_needs){0});
    struct stage_spec wide = needy(1, (struct task_needs){.threads = 2});
    struct stage_spec small = needy(10, (struct task_needs){0});
    trial_submit(&trial, 1, 1, &fill);
    trial_submit(&trial, 2, 1, &wide);
    trial_submit(&trial, 3, 1, &small);
    trial_finish(&trial, attempt_in(1, 0, 0, 1));
    DECIDED(trial_finish(&trial, attempt_in(1, 1, 0, 1)), " commit 1/0#1(2)");
    DECIDED(trial_cancel(&trial, 2), " cancelled 2(cancelled) start 3/0.1#0@1[1,2)");
    trial_drop(&trial);
}
END_TEST

START_TEST(what_nobody_has_fails_the_job)
{
    struct trial trial;
    trial_init(&trial, &patient);
    join(&trial, 1, 2, (struct executor_offer){.memory_bytes = 10, .units = {[GPU] = 1}});
    struct stage_spec stage = needy(1, (struct task_needs){.threads = 3});
    DECIDED(trial_submit(&trial, 1, 1, &stage), " failed 1(needs 0)");
    stage = needy(1, (struct task_needs){.memory_bytes = 11});
    DECIDED(trial_submit(&trial, 2, 1, &stage), " failed 2(needs 0)");
    stage = needy(1, (struct task_needs){.units = {[LICENCE] = 1}});
    DECIDED(trial_submit(&trial, 3, 1, &stage), " failed 3(needs 0)");
    trial_drop(&trial);
}
END_TEST

/* Of executors 1 to 3 only 2 and 3 have a GPU; the tasks that read the shuffle need it. */
START_TEST(partitions_are_owned_by_those_who_have_what_their_readers_need)
{
    struct trial trial;
    struct scheduler_options options = patient;
    options.recovers = true;
    trial_init(&trial, &options);
    trial_join(&trial, 1, 0, 1);
    join(&trial, 2, 1, (struct executor_offer){.units = {[GPU] = 1}});
    join(&trial, 3, 1, (struct executor_offer){.units = {[GPU] = 1}});
    struct stage_input input = {.parent = 0, .kind = INPUT_PARTITIONS};
    struct stage_spec stages[] = {spec_source(1, 2), spec_reader(2, &input)};
    stages[1].needs.units[GPU] = 1;
    DECIDED(trial_submit(&trial, 1, 2, stages), " ship 1/0@1 start 1/0.0#0@1[0,1)");
    DECIDED(trial_finish(&trial, attempt_of(0, 0, 0, 1)), " commit 1/0#1(1)");
    DECIDED(trial_committed(&trial, 1, 0, 1),
            " ship 1/1@2 start 1/1.0#0@2[0,1) ship 1/1@3 start 1/1.1#0@3[1,2)");
    /* Its heir is the one that has a GPU too. */
    DECIDED(trial_lose(&trial, 2), " owners 1/0 commit 1/0#2(1)");
    DECIDED(trial_committed(&trial, 1, 0, 2), "");
    DECIDED(trial_finish(&trial, attempt_of(1, 1, 0, 3)), " start 1/1.0#1@3[0,1)");
    DECIDED(trial_lose(&trial, 3), " owners 1/0 commit 1/0#3(1) failed 1(needs 0)");
    trial_drop(&trial);
}
END_TEST

START_TEST(a_task_that_fails_on_the_only_executor_that_has_a_gpu_is_tried_there_again)
{
    struct trial trial;
    struct scheduler_options options = {.attempts_max = 3, .exclusion_ns = 1000};
    trial_init(&trial, &options);
    trial_join(&trial, 1, 0, 1);
    join(&trial, 2, 2, (struct executor_offer){.units = {[GPU] = 3}});
    struct stage_spec stage = needy(2, (struct task_needs){.units = {[GPU] = 1}});
    DECIDED(trial_submit(&trial, 1, 1, &stage),
            " ship 1/0@2 start 1/0.0#0@2[0,1) start 1/0.1#0@2[1,2)");
    DECIDED(trial_fail(&trial, attempt_of(0, 0, 0, 2), CAUSE_USER_ERROR, 1, 1),
            " start 1/0.0#1@2[0,1)");
    DECIDED(trial_fail(&trial, attempt_of(0, 1, 0, 2), CAUSE_USER_ERROR, 2, 2),
            " exclude 1/0@2 start 1/0.1#1@2[1,2)");
    trial_drop(&trial);
}
END_TEST

START_TEST(a_gang_waits_until_all_have_what_they_need)
{
    struct trial trial;
    trial_init(&trial, &patient);
    join(&trial, 1, 4, (struct executor_offer){.units = {[GPU] = 1}});
    join(&trial, 2, 4, (struct executor_offer){.units = {[GPU] = 1}});
    struct stage_spec one = needy(1, (struct task_needs){.units = {[GPU] = 1}});
    struct stage_spec gang = needy(2, (struct task_needs){.threads = 2, .units = {[GPU] = 1}});
    gang.is_gang = true;
    DECIDED(trial_submit(&trial, 1, 1, &one), " ship 1/0@1 start 1/0.0#0@1[0,1)");
    DECIDED(trial_submit(&trial, 2, 1, &gang), "");
    DECIDED(trial_finish(&trial, attempt_in(1, 0, 0, 1)),
            " commit 1/0#1(1) ship 2/0@1 start 2/0.0#0@1[0,1) ship 2/0@2 start 2/0.1#0@2[1,2)");
    struct stage_spec more = needy(3, gang.needs);
    more.is_gang = true;
    DECIDED(trial_submit(&trial, 3, 1, &more), " failed 3(room 0)");
    trial_drop(&trial);
}
END_TEST

/* Small tasks of job 1, more than ever end, and jobs of some tasks that need much. */
struct crowd {
    struct scheduler *scheduler;
    struct decision_list decisions;
    struct attempt_id live[64];
    uint32_t live_count;
    uint32_t jobs_open; /* but the first */
};

static void crowd_send(struct crowd *crowd, const struct event *event)
{
    crowd->decisions.count = 0;
    ck_assert_ptr_null(scheduler_handle(crowd->scheduler, event, &crowd->decisions));
    for (size_t i = 0; i < crowd->decisions.count; i++) {
        const struct decision *decision = &crowd->decisions.items[i];
        if (decision->kind == DECISION_START_TASK) {
            ck_assert_uint_lt(crowd->live_count, 64);
            crowd->live[crowd->live_count++] = decision->start_task.id;
        }
        crowd->jobs_open -= decision->kind == DECISION_COMMIT_STAGE;
    }
}

static struct task_needs some_needs(uint64_t *random)
{
    return (struct task_needs){.threads = 1 + (uint32_t)(property_next(random) % 4),
                               .memory_bytes = property_next(random) % 101,
                               .units = {[GPU] = (uint8_t)(property_next(random) % 3)}};
}

START_TEST(nobody_starves_in_a_crowd_of_small_tasks)
{
    enum { EXECUTORS = 3, WORKERS = 4, JOBS = 12, TASKS = 3, SMALL = 20000, STEPS_MAX = 2000 };
    uint64_t random = property_seed();
    struct crowd crowd = {0};
    static const struct pool_spec fair = {.policy = POOL_FAIR, .weight = 1};
    struct scheduler_options options = {.pools = &fair,
                                        .pool_count = property_next(&random) % 2 == 0};
    ck_assert_ptr_null(scheduler_create(&options, &crowd.scheduler));
    struct executor_offer offer = {.memory_bytes = 100, .units = {[GPU] = 3}};
    for (uint32_t id = 0; id < EXECUTORS; id++)
        crowd_send(&crowd,
                   &(struct event){.kind = EVENT_EXECUTOR_JOINED,
                                   .executor_joined = {
                                       .executor = id, .worker_count = WORKERS, .offer = &offer}});
    struct stage_spec small = needy(SMALL, (struct task_needs){0});
    for (uint64_t job = 0; job <= JOBS; job++) {
        struct stage_spec stage = job == 0 ? small : needy(TASKS, some_needs(&random));
        struct job_spec spec = {.id = job, .stage_count = 1, .stages = &stage, .priority = 0};
        spec.priority = job > 0 && options.pool_count == 0; /* it is next, as in a fair pool */
        crowd_send(&crowd, &(struct event){.kind = EVENT_JOB_SUBMITTED, .job_submitted = &spec});
        crowd.jobs_open += job > 0;
    }
    uint32_t steps = 0;
    for (; crowd.jobs_open > 0 && steps < STEPS_MAX; steps++) {
        uint32_t which = (uint32_t)(property_next(&random) % crowd.live_count);
        struct event finished = {.kind = EVENT_ATTEMPT_FINISHED,
                                 .attempt_finished = {.id = crowd.live[which]}};
        crowd.live[which] = crowd.live[--crowd.live_count];
        crowd_send(&crowd, &finished);
        ck_assert(scheduler_is_sound(crowd.scheduler));
    }
    ck_assert_msg(crowd.jobs_open == 0, "%u jobs have not ended", crowd.jobs_open);
    scheduler_destroy(crowd.scheduler);
    decision_list_drop(&crowd.decisions);
}
END_TEST

SUITE_MAIN("scheduler/room", a_task_of_two_threads_occupies_two_workers,
           memory_is_taken_and_given_back, each_attempt_has_units_of_its_own,
           what_waits_for_a_gpu_keeps_nobody_from_the_workers,
           who_was_passed_holds_what_it_lacks_and_does_not_starve,
           what_was_held_is_given_to_others_when_its_job_ends, what_nobody_has_fails_the_job,
           partitions_are_owned_by_those_who_have_what_their_readers_need,
           a_task_that_fails_on_the_only_executor_that_has_a_gpu_is_tried_there_again,
           a_gang_waits_until_all_have_what_they_need, nobody_starves_in_a_crowd_of_small_tasks)
