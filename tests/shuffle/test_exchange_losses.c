/* The exchange and the reduce side while executors are lost, over simulated and local endpoints. */
#include "base/clock.h"
#include "base/random.h"
#include "losing_cluster.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <sched.h>
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
        .shuffle_count = (uint32_t)(property_next(random) % 4),
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

/* A job that fails on one executor fails on all that live, whoever has seen the end of the burst,
 * and the next one is whole. */
START_TEST(a_failure_reaches_all_that_live)
{
    uint64_t seed = property_seed();
    struct tried tried = {0};
    uint32_t failed_count = 0;
    for (uint64_t i = 0; i < 100; i++) {
        uint64_t random = seed + i;
        uint32_t size = 3 + (uint32_t)(property_next(&random) % (LOSING_SIZE_MAX - 2));
        struct losing_options options = draw_options(&random, size);
        options.fails = true;
        run_simulated(size, &options, seed, &tried);
        failed_count += cluster.driver.jobs_failed;
    }
    ck_assert_uint_gt(failed_count, 20);
    ck_assert_uint_gt(tried.epochs, 20);
}
END_TEST

/* What was sent does not fit memory, nor does what arrives. */
START_TEST(what_is_retained_goes_to_disk)
{
    uint64_t seed = property_seed();
    struct tried tried = {0};
    for (uint64_t i = 0; i < 10; i++) { /* in some of them all are lost too early */
        struct losing_options options = {.seed = seed + i,
                                         .run_count = LOSING_RUNS_MAX,
                                         .rows_max = 8000,
                                         .frame_rows_max = 3000,
                                         .loss_count = 2,
                                         .loss_chance = 300,
                                         .copy_percent = 10,
                                         .spills = true,
                                         .shuffle_count = (uint32_t)i % 4,
                                         .pool_bytes = (uint64_t)4 << 20,
                                         .round_bytes_per_peer = 20000,
                                         .linger_ns = 1};
        run_simulated(4, &options, seed, &tried);
    }
    ck_assert_uint_gt(tried.resent_bytes, 100000);
}
END_TEST

/* ---- threads ---- */

/* Relaxed: only a reason to stop. */
static bool has_failed(void)
{
    return atomic_load_explicit(&cluster.has_failed, memory_order_relaxed);
}

static void note(barks_status *status)
{
    char text[600];
    if (status == NULL)
        return;
    barks_status_format(status, text, sizeof text);
    fprintf(stderr, "%s\n", text);
    barks_status_free(status);
    atomic_store_explicit(&cluster.has_failed, true, memory_order_relaxed);
}

/* The driver tells all that live when it is over; who fell silent is told by this. */
static _Atomic bool is_over;

static bool goes_on(void)
{
    return !has_failed() && !atomic_load_explicit(&is_over, memory_order_relaxed);
}

static void *communicate(void *argument)
{
    struct losing_node *node = argument;
    while (goes_on()) {
        bool busy = false;
        note(losing_communicate(node, &busy));
        net_wait(node->net, busy ? 50 * NS_PER_US : 200 * NS_PER_US);
    }
    return NULL;
}

static void *work(void *argument)
{
    struct losing_worker *worker = argument;
    while (goes_on()) {
        note(losing_work(worker));
        if (!worker->has_run)
            sched_yield();
    }
    return NULL;
}

static void run_threads(bool simulated, uint32_t size, const struct losing_options *options,
                        struct tried *tried)
{
    pthread_t others[LOSING_SIZE_MAX][1 + LOSING_WORKERS];
    atomic_store(&cluster.has_failed, false);
    atomic_store(&is_over, false);
    open_cluster(simulated, size, options);
    for (uint32_t rank = 1; rank < size; rank++) {
        struct losing_node *node = &cluster.nodes[rank];
        ck_assert_int_eq(pthread_create(&others[rank][0], NULL, communicate, node), 0);
        for (uint32_t i = 0; i < LOSING_WORKERS; i++)
            ck_assert_int_eq(pthread_create(&others[rank][1 + i], NULL, work, &node->workers[i]),
                             0);
    }
    while (!cluster.driver.is_done && !has_failed()) {
        note(losing_drive(&cluster.driver));
        net_wait(cluster.nets[0], 20 * NS_PER_US);
    }
    atomic_store(&is_over, true);
    for (uint32_t rank = 1; rank < size; rank++)
        for (uint32_t i = 0; i <= LOSING_WORKERS; i++)
            pthread_join(others[rank][i], NULL);
    ck_assert_msg(!has_failed(), "replay with BARKS_TEST_SEED=%" PRIu64, options->seed);
    note_tried(tried);
    close_cluster();
}

START_TEST(threads_lose_executors)
{
    uint64_t seed = property_seed();
    struct tried tried = {0};
    for (uint32_t size = 3; size <= 6; size++) {
        struct losing_options options = {.seed = seed + size,
                                         .run_count = LOSING_RUNS_MAX,
                                         .rows_max = 2000,
                                         .frame_rows_max = 500,
                                         .loss_count = size - 2,
                                         .loss_chance = 100,
                                         .bad_percent = 5,
                                         .copy_percent = 10,
                                         .spills = true,
                                         .shuffle_count = size % 3,
                                         .pool_bytes = (uint64_t)(size % 2 == 0 ? 4 : 64) << 20,
                                         .round_bytes_per_peer = 20000,
                                         .linger_ns = 100 * NS_PER_US};
        run_threads(false, size, &options, &tried);
        options.rows_max = 200;
        run_threads(true, size, &options, &tried);
    }
    ck_assert_uint_gt(tried.epochs, 4);
}
END_TEST

SUITE_MAIN("shuffle/exchange_losses", every_row_arrives_once_whoever_is_lost,
           a_failure_reaches_all_that_live, what_is_retained_goes_to_disk, threads_lose_executors)
