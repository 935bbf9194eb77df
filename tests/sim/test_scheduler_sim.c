/* Thousands of small worlds, each from a seed, under the eyes of an oracle (sim_oracle.c).
 * BARKS_SIM_WORLDS=n runs n of them; BARKS_TEST_SEED is the first. */
#include "scheduler/transition.h"
#include "sim/sim_replay.h"
#include "sim/sim_world.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { WORLDS = 3000 };

static const char program[] = "test_scheduler_sim";

static void add(struct sim_result *sum, const struct sim_result *result)
{
    sum->events += result->events;
    sum->decisions += result->decisions;
    sum->copies += result->copies;
    sum->overruns += result->overruns;
    sum->stops += result->stops;
    sum->pieces += result->pieces;
    sum->loans += result->loans;
    sum->given_ahead += result->given_ahead;
    sum->reports_lost += result->reports_lost;
    sum->nodes_lost += result->nodes_lost;
    sum->cuts += result->cuts;
    sum->jobs_done += result->jobs_done;
    sum->jobs_failed += result->jobs_failed;
    sum->jobs_cancelled += result->jobs_cancelled;
}

START_TEST(jobs_end_right_in_worlds_that_fail)
{
    uint64_t seed = property_seed(), count = sim_world_count(WORLDS);
    struct sim_result sum = {0};
    clock_t begin = clock();
    for (uint64_t world = 0; world < count; world++) {
        struct sim_result result;
        bool is_right = sim_run(seed + world, &result);
        if (!is_right)
            sim_tell_replay(program, "", seed + world);
        ck_assert_msg(is_right, "BARKS_TEST_SEED=%" PRIu64 " BARKS_SIM_WORLDS=1: %s", seed + world,
                      result.failure);
        add(&sum, &result);
    }
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    fprintf(stderr,
            "# %" PRIu64 " worlds: %" PRIu64 " events, %" PRIu64 " decisions, %" PRIu64
            " copies, %" PRIu64 " overruns, %" PRIu64 " stops, %" PRIu64 " pieces, %" PRIu64
            " loans, %" PRIu64 " cuts, %" PRIu64 " given ahead, %" PRIu64 " lost reports, %" PRIu64
            " lost nodes, jobs done %u, failed %u, cancelled %u; %.0f decisions/s, all checks "
            "included\n",
            count, sum.events, sum.decisions, sum.copies, sum.overruns, sum.stops, sum.pieces,
            sum.loans, sum.cuts, sum.given_ahead, sum.reports_lost, sum.nodes_lost, sum.jobs_done,
            sum.jobs_failed, sum.jobs_cancelled,
            (double)sum.decisions / (seconds > 0 ? seconds : 1));
    if (count >= WORLDS) /* else the test could pass by failing every job */
        ck_assert(sum.jobs_done > sum.jobs_failed && sum.jobs_failed > 0 &&
                  sum.jobs_cancelled > 0 && sum.copies > 0 && sum.overruns > 0 && sum.stops > 0 &&
                  sum.pieces > 0 && sum.loans > 0 && sum.cuts > 0 && sum.given_ahead > 0 &&
                  sum.reports_lost > 0 && sum.nodes_lost > 0);
}
END_TEST

/* Each world replays its log too (sim_run); this is the world itself, from its seed. */
START_TEST(equal_seeds_give_equal_worlds)
{
    uint64_t seed = property_seed(), count = sim_world_count(WORLDS);
    for (uint64_t world = 0; world < count && world < 50; world++) {
        struct sim_result first, second;
        bool is_right = sim_run(seed + world, &first) && sim_run(seed + world, &second) &&
                        first.journal_hash == second.journal_hash && first.events == second.events;
        if (!is_right)
            sim_tell_replay(program, "", seed + world);
        ck_assert_msg(is_right, "BARKS_TEST_SEED=%" PRIu64 " BARKS_SIM_WORLDS=1", seed + world);
    }
}
END_TEST

SUITE_MAIN("sim/scheduler", jobs_end_right_in_worlds_that_fail, equal_seeds_give_equal_worlds)
