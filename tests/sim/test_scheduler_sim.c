/* Thousands of small worlds, each from a seed, under the eyes of an oracle (sim_oracle.c).
 * BARKS_SIM_WORLDS=n runs n of them; BARKS_TEST_SEED is the first. */
#include "scheduler/transition.h"
#include "sim/sim_world.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { WORLDS = 3000 };

static uint64_t world_count(void)
{
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the program has one thread */
    const char *wanted = getenv("BARKS_SIM_WORLDS");
    return wanted == NULL ? WORLDS : strtoull(wanted, NULL, 10);
}

static void add(struct sim_result *sum, const struct sim_result *result)
{
    sum->events += result->events;
    sum->decisions += result->decisions;
    sum->copies += result->copies;
    sum->overruns += result->overruns;
    sum->pieces += result->pieces;
    sum->loans += result->loans;
    sum->cuts += result->cuts;
    sum->jobs_done += result->jobs_done;
    sum->jobs_failed += result->jobs_failed;
    sum->jobs_cancelled += result->jobs_cancelled;
}

START_TEST(jobs_end_right_in_worlds_that_fail)
{
    uint64_t seed = property_seed(), count = world_count();
    struct sim_result sum = {0};
    clock_t begin = clock();
    for (uint64_t world = 0; world < count; world++) {
        struct sim_result result;
        bool is_right = sim_run(seed + world, &result);
        if (!is_right)
            fprintf(stderr,
                    "# replay with BARKS_TEST_SEED=%" PRIu64
                    " BARKS_SIM_WORLDS=1 BARKS_TEST_NOFORK=1 "
                    "build/tests/sim/test_scheduler_sim\n",
                    seed + world);
        ck_assert_msg(is_right, "BARKS_TEST_SEED=%" PRIu64 " BARKS_SIM_WORLDS=1: %s", seed + world,
                      result.failure);
        add(&sum, &result);
    }
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    fprintf(stderr,
            "# %" PRIu64 " worlds: %" PRIu64 " events, %" PRIu64 " decisions, %" PRIu64
            " copies, %" PRIu64 " overruns, %" PRIu64 " pieces, %" PRIu64 " loans, %" PRIu64
            " cuts, jobs done %u, failed %u, cancelled %u; %.0f decisions/s, all checks "
            "included\n",
            count, sum.events, sum.decisions, sum.copies, sum.overruns, sum.pieces, sum.loans,
            sum.cuts, sum.jobs_done, sum.jobs_failed, sum.jobs_cancelled,
            (double)sum.decisions / (seconds > 0 ? seconds : 1));
    if (count >= WORLDS) /* else the test could pass by failing every job */
        ck_assert(sum.jobs_done > sum.jobs_failed && sum.jobs_failed > 0 &&
                  sum.jobs_cancelled > 0 && sum.copies > 0 && sum.overruns > 0 && sum.pieces > 0 &&
                  sum.loans > 0 && sum.cuts > 0);
}
END_TEST

START_TEST(equal_events_give_equal_decisions)
{
    uint64_t seed = property_seed();
    for (uint64_t world = 0; world < 50; world++) {
        struct sim_result first, second;
        ck_assert(sim_run(seed + world, &first) && sim_run(seed + world, &second));
        ck_assert_msg(first.decision_hash == second.decision_hash && first.events == second.events,
                      "BARKS_TEST_SEED=%" PRIu64, seed + world);
    }
}
END_TEST

SUITE_MAIN("sim/scheduler", jobs_end_right_in_worlds_that_fail, equal_events_give_equal_decisions)
