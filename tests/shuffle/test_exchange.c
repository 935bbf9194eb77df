/* The exchange against a driver that starts bursts, over simulated and local endpoints. */
#include "base/clock.h"
#include "base/pool.h"
#include "base/random.h"
#include "exchange_cluster.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

static void must(barks_status *status, uint64_t seed)
{
    char text[400];
    barks_status_format(status, text, sizeof text);
    ck_assert_msg(status == NULL, "%s; replay with BARKS_TEST_SEED=%" PRIu64, text, seed);
}

static void open_cluster(struct cluster *cluster, bool simulated, uint32_t size,
                         const struct cluster_options *options)
{
    struct net *nets[CLUSTER_SIZE_MAX];
    must(simulated ? net_sim_open(size, options->seed, nets) : net_local_open(size, nets),
         options->seed);
    must(cluster_init(cluster, size, nets, options), options->seed);
}

/* One thread plays driver, workers and communication threads in random turns. */
static void step(struct cluster *cluster, uint64_t *random, uint64_t seed)
{
    uint32_t rank = (uint32_t)(property_next(random) % cluster->size);
    bool busy = false;
    if (rank == 0)
        must(cluster_drive(cluster->nets[0], &cluster->started_burst), seed);
    else if (property_next(random) % 2 == 0)
        must(cluster_work(&cluster->nodes[rank]), seed);
    else
        must(cluster_communicate(&cluster->nodes[rank], &busy), seed);
}

static void run_to_end(struct cluster *cluster, uint64_t seed)
{
    uint64_t random = seed;
    for (bool done = false; !done;) {
        for (int i = 0; i < 100; i++)
            step(cluster, &random, seed);
        must(cluster_check(cluster, &done), seed);
    }
    for (int i = 0; i < 1000; i++) /* nothing comes twice or late */
        step(cluster, &random, seed);
    bool done = false;
    must(cluster_check(cluster, &done), seed);
    ck_assert_msg(done, "something came late; replay with BARKS_TEST_SEED=%" PRIu64, seed);
    uint64_t sent = 0, received = 0;
    for (uint32_t rank = 1; rank < cluster->size; rank++) {
        struct exchange_counters counters = exchange_counters(cluster->nodes[rank].exchange);
        ck_assert_uint_eq(counters.queued_bytes, 0);
        ck_assert_uint_eq(exchange_waiting_since_ns(cluster->nodes[rank].exchange), 0);
        sent += counters.frames_sent;
        received += counters.frames_received;
    }
    ck_assert_uint_eq(sent, received);
}

static struct cluster_options draw_options(uint64_t *random)
{
    static const uint64_t round_bytes[] = {1, 41, 1000, 65536, 0};
    struct cluster_options options = {
        .seed = property_next(random),
        .attempts_per_executor = (uint32_t)(property_next(random) % 12),
        .frames_per_attempt_max = (uint32_t)(property_next(random) % 20),
        .rows_per_frame_max = (uint32_t)(property_next(random) % 300),
        .bad_percent = property_next(random) % 2 == 0 ? 25 : 0,
        .idle_executor = (uint32_t)(property_next(random) % 3),
        .one_owner = property_next(random) % 5 == 0,
        .pauses = property_next(random) % 3 == 0,
        .round_bytes_per_peer = round_bytes[property_next(random) % 5],
        .linger_ns = 1,
        .encode_always = property_next(random) % 3 == 0,
    };
    if (options.round_bytes_per_peer > 0 && options.round_bytes_per_peer < 1000) {
        options.rows_per_frame_max %= 3; /* else a run takes minutes */
        options.attempts_per_executor %= 3;
    }
    return options;
}

static void run_random(bool simulated, uint64_t seed)
{
    uint64_t random = seed;
    for (uint32_t size = 2; size <= 6; size++) {
        struct cluster_options options = draw_options(&random);
        static struct cluster cluster; /* too large for a stack */
        open_cluster(&cluster, simulated, size, &options);
        run_to_end(&cluster, options.seed);
        cluster_drop(&cluster);
    }
}

START_TEST(frames_arrive_once_and_in_order_over_the_simulator)
{
    uint64_t seed = property_seed();
    for (uint64_t i = 0; i < 12; i++)
        run_random(true, seed + i);
}
END_TEST

START_TEST(frames_arrive_once_and_in_order_over_local_endpoints)
{
    uint64_t seed = property_seed();
    for (uint64_t i = 0; i < 12; i++)
        run_random(false, seed + i);
}
END_TEST

START_TEST(a_huge_frame_crosses_many_rounds)
{
    uint64_t seed = property_seed();
    struct cluster_options options = {.seed = seed,
                                      .attempts_per_executor = 3,
                                      .frames_per_attempt_max = 20,
                                      .rows_per_frame_max = 100,
                                      .huge_frame_rows = 200000,
                                      .round_bytes_per_peer = 10000,
                                      .linger_ns = 1};
    static struct cluster cluster; /* too large for a stack */
    open_cluster(&cluster, true, 4, &options);
    run_to_end(&cluster, seed);
    cluster_drop(&cluster);
}
END_TEST

SUITE_MAIN("shuffle/exchange", frames_arrive_once_and_in_order_over_the_simulator,
           frames_arrive_once_and_in_order_over_local_endpoints, a_huge_frame_crosses_many_rounds)
