/* The exchange and the reduce side while executors are lost, over simulated and local endpoints. */
#include "base/clock.h"
#include "base/random.h"
#include "losing_cluster.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(barks_status *status, uint64_t seed)
{
    char text[600];
    barks_status_format(status, text, sizeof text);
    ck_assert_msg(status == NULL, "%s; replay with BARKS_TEST_SEED=%" PRIu64, text, seed);
}

/* Too large for a stack. */
static struct {
    struct losing_options options;
    struct net *nets[LOSING_SIZE_MAX];
    struct losing_node nodes[LOSING_SIZE_MAX];
    struct losing_driver driver;
    uint32_t size;
    _Atomic bool has_failed;
} cluster;

static void lose(void *context, uint32_t rank)
{
    (void)context;
    net_fall_silent(cluster.nets[rank]);
}

static void open_cluster(bool simulated, uint32_t size, const struct losing_options *options)
{
    cluster.options = *options;
    cluster.size = size;
    must(simulated ? net_sim_open(size, options->seed, true, cluster.nets)
                   : net_local_open(size, true, cluster.nets),
         options->seed);
    for (uint32_t rank = 1; rank < size; rank++)
        must(losing_node_init(&cluster.nodes[rank], cluster.nets[rank], &cluster.options),
             options->seed);
    losing_driver_init(&cluster.driver, cluster.nets[0], &cluster.options);
    cluster.driver.lose = lose;
}

static void close_cluster(void)
{
    for (uint32_t rank = 1; rank < cluster.size; rank++)
        must(losing_node_drop(&cluster.nodes[rank]), cluster.options.seed);
    for (uint32_t rank = 0; rank < cluster.size; rank++)
        net_close(cluster.nets[rank], false);
}

/* What the tests have really tried, over all seeds. */
struct tried {
    uint64_t epochs, runs_again, slots_moved, resent_bytes;
};

static void note_tried(struct tried *tried)
{
    tried->epochs += cluster.driver.epochs_begun;
    tried->runs_again += cluster.driver.runs_again;
    tried->slots_moved += cluster.driver.slots_moved;
    for (uint32_t rank = 1; rank < cluster.size; rank++)
        tried->resent_bytes += exchange_counters(cluster.nodes[rank].exchange).resent_bytes;
}

static struct losing_options draw_options(uint64_t *random, uint32_t size)
{
    static const uint64_t round_bytes[] = {300, 1000, 65536, 0};
    struct losing_options options = {
        .seed = property_next(random),
        .run_count = 1 + (uint32_t)(property_next(random) % LOSING_RUNS_MAX),
        .rows_max = 1 + (uint32_t)(property_next(random) % 60),
        .frame_rows_max = 1 + (uint32_t)(property_next(random) % 40),
        .loss_count = (uint32_t)(property_next(random) % (size - 1)),
        .loss_chance = 20 + (uint32_t)(property_next(random) % 400),
        .bad_percent = property_next(random) % 2 == 0 ? 10 : 0,
        .copy_percent = property_next(random) % 2 == 0 ? 30 : 0,
        .round_bytes_per_peer = round_bytes[property_next(random) % 4],
        .linger_ns = 1,
        .encode_always = property_next(random) % 3 == 0,
        .compression = property_next(random) % 3 == 0 ? LINK_LZ4 : LINK_PLAIN,
    };
    return options;
}

/* One thread plays all of them in random turns. Who fell silent goes on for himself. */
static void step(uint64_t *random, uint64_t seed)
{
    uint32_t rank = (uint32_t)(property_next(random) % cluster.size);
    bool busy = false;
    if (rank == 0)
        must(losing_drive(&cluster.driver), seed);
    else if (cluster.driver.is_silent[rank] && property_next(random) % 4 != 0)
        return;
    else if (property_next(random) % 2 == 0)
        must(losing_work(&cluster.nodes[rank].workers[property_next(random) % LOSING_WORKERS]),
             seed);
    else
        must(losing_communicate(&cluster.nodes[rank], &busy), seed);
}

enum { STEPS_MAX = 20000000 };

static void run_simulated(uint32_t size, const struct losing_options *options, uint64_t seed,
                          struct tried *tried)
{
    uint64_t random = options->seed;
    uint32_t steps = 0;
    open_cluster(true, size, options);
    while (!cluster.driver.is_done) {
        step(&random, seed);
        ck_assert_msg(++steps < STEPS_MAX, "it does not end; replay with BARKS_TEST_SEED=%" PRIu64,
                      seed);
    }
    for (int i = 0; i < 2000; i++) /* nothing comes late */
        step(&random, seed);
    note_tried(tried);
    close_cluster();
}

START_TEST(every_row_arrives_once_whoever_is_lost)
{
    uint64_t seed = property_seed();
    struct tried tried = {0};
    for (uint64_t i = 0; i < 100; i++) {
        uint64_t random = seed + i;
        uint32_t size = 3 + (uint32_t)(property_next(&random) % (LOSING_SIZE_MAX - 2));
        struct losing_options options = draw_options(&random, size);
        run_simulated(size, &options, seed, &tried);
    }
    printf("# %" PRIu64 " epochs, %" PRIu64 " runs again, %" PRIu64 " slots moved, %" PRIu64
           " bytes sent again\n",
           tried.epochs, tried.runs_again, tried.slots_moved, tried.resent_bytes);
    ck_assert_uint_gt(tried.epochs, 20);
    ck_assert_uint_gt(tried.runs_again, 20);
    ck_assert_uint_gt(tried.slots_moved, 20);
    ck_assert_uint_gt(tried.resent_bytes, 1000);
}
END_TEST

SUITE_MAIN("shuffle/exchange_losses", every_row_arrives_once_whoever_is_lost)
