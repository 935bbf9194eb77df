/* The exchange against a driver that starts bursts, over simulated and local endpoints. */
#include "base/clock.h"
#include "base/pool.h"
#include "base/random.h"
#include "exchange_cluster.h"
#include "shuffle/inbox.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
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
    must(simulated ? net_sim_open(size, options->seed, false, nets)
                   : net_local_open(size, false, nets),
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
        must(cluster_work(&cluster->nodes[rank].workers[property_next(random) % CLUSTER_WORKERS]),
             seed);
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
    for (uint32_t rank = 1; rank < cluster->size; rank++) {
        struct exchange *exchange = cluster->nodes[rank].exchange;
        ck_assert_uint_eq(exchange_counters(exchange).queued_bytes, 0);
        ck_assert_uint_eq(exchange_waiting_since_ns(exchange), 0);
    }
}

/* Where nothing failed, the counters of all executors together agree. */
static void check_counters(const struct cluster *cluster)
{
    struct exchange_counters sum = {0};
    for (uint32_t rank = 1; rank < cluster->size; rank++) {
        struct exchange_counters counters = exchange_counters(cluster->nodes[rank].exchange);
        sum.frames_sent += counters.frames_sent;
        sum.frames_received += counters.frames_received;
        sum.bytes_sent += counters.bytes_sent;
        sum.bytes_received += counters.bytes_received;
    }
    ck_assert_uint_eq(sum.frames_sent, sum.frames_received);
    ck_assert_uint_eq(sum.bytes_sent, sum.bytes_received);
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
        .retains = property_next(random) % 2 == 0,
        .compression = property_next(random) % 3 == 0 ? LINK_LZ4 : LINK_PLAIN,
        .shuffle_count = (uint32_t)(property_next(random) % 6),
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
        check_counters(&cluster);
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

/* Threads: a driver, and for each executor a communication thread and its workers. */
struct threads {
    struct cluster cluster;
    _Atomic bool is_over;
    _Atomic bool has_failed;
};

static struct threads threads; /* of the one test that runs in this process at a time */

/* Relaxed: only a reason to look again, or to stop. */
static bool is_over(void)
{
    return atomic_load_explicit(&threads.is_over, memory_order_relaxed) ||
           atomic_load_explicit(&threads.has_failed, memory_order_relaxed);
}

static void note(barks_status *status)
{
    char text[400];
    if (status == NULL)
        return;
    barks_status_format(status, text, sizeof text);
    fprintf(stderr, "%s\n", text);
    barks_status_free(status);
    atomic_store_explicit(&threads.has_failed, true, memory_order_relaxed);
}

static void *drive(void *unused)
{
    (void)unused;
    while (!is_over()) {
        note(cluster_drive(threads.cluster.nets[0], &threads.cluster.started_burst));
        net_wait(threads.cluster.nets[0], 200 * NS_PER_US);
    }
    return NULL;
}

static void *communicate(void *argument)
{
    struct cluster_node *node = argument;
    while (!is_over()) {
        bool busy = false;
        note(cluster_communicate(node, &busy));
        net_wait(node->net, busy ? 50 * NS_PER_US : 200 * NS_PER_US);
    }
    return NULL;
}

static void *work(void *argument)
{
    struct cluster_worker *worker = argument;
    while (!worker->is_done && !is_over())
        note(cluster_work(worker));
    return NULL;
}

static void run_threads(bool simulated, uint32_t size, const struct cluster_options *options)
{
    pthread_t others[CLUSTER_SIZE_MAX][1 + CLUSTER_WORKERS], driver;
    struct cluster *cluster = &threads.cluster;
    atomic_store(&threads.is_over, false);
    open_cluster(cluster, simulated, size, options);
    ck_assert_int_eq(pthread_create(&driver, NULL, drive, NULL), 0);
    for (uint32_t rank = 1; rank < size; rank++) {
        struct cluster_node *node = &cluster->nodes[rank];
        ck_assert_int_eq(pthread_create(&others[rank][0], NULL, communicate, node), 0);
        for (uint32_t i = 0; i < CLUSTER_WORKERS; i++)
            ck_assert_int_eq(pthread_create(&others[rank][1 + i], NULL, work, &node->workers[i]),
                             0);
    }
    for (bool done = false; !done && !is_over();) {
        must(cluster_check(cluster, &done), options->seed);
        sched_yield();
    }
    atomic_store(&threads.is_over, true);
    pthread_join(driver, NULL);
    for (uint32_t rank = 1; rank < size; rank++)
        for (uint32_t i = 0; i <= CLUSTER_WORKERS; i++)
            pthread_join(others[rank][i], NULL);
    ck_assert_msg(!atomic_load(&threads.has_failed), "replay with BARKS_TEST_SEED=%" PRIu64,
                  options->seed);
    cluster_drop(cluster);
}

START_TEST(threads_exchange_over_local_and_simulated_endpoints)
{
    uint64_t seed = property_seed();
    for (uint32_t size = 2; size <= 5; size++) {
        struct cluster_options options = {.seed = seed + size,
                                          .attempts_per_executor = 40,
                                          .frames_per_attempt_max = 30,
                                          .rows_per_frame_max = 1000,
                                          .bad_percent = 10,
                                          .round_bytes_per_peer = size % 2 == 0 ? 20000 : 0,
                                          .linger_ns = 100 * NS_PER_US,
                                          .shuffle_count = size};
        run_threads(false, size, &options);
        options.attempts_per_executor = 6;
        run_threads(true, size, &options);
    }
}
END_TEST

/* More than twice the budget passes through each executor, of which workers fill a quarter. */
START_TEST(a_small_budget_is_enough_where_frames_are_taken)
{
    uint64_t seed = property_seed();
    struct cluster_options options = {.seed = seed,
                                      .attempts_per_executor = 400,
                                      .frames_per_attempt_max = 6,
                                      .rows_per_frame_max = 6000,
                                      .pool_bytes = (uint64_t)24 << 20,
                                      .used_bytes_max = (uint64_t)6 << 20,
                                      .round_bytes_per_peer = 50000};
    run_threads(false, 4, &options);
}
END_TEST

/* The same, but workers do not wait for anything to be sent. */
START_TEST(what_waits_to_be_sent_goes_to_disk)
{
    uint64_t seed = property_seed();
    struct cluster_options options = {.seed = seed,
                                      .attempts_per_executor = 600,
                                      .frames_per_attempt_max = 6,
                                      .rows_per_frame_max = 6000,
                                      .bad_percent = 10,
                                      .pool_bytes = (uint64_t)24 << 20,
                                      .spills = true,
                                      .round_bytes_per_peer = 50000};
    run_threads(false, 4, &options);
    options.shuffle_count = 5;
    options.encode_always = true;
    options.one_owner = true;
    options.compression = LINK_LZ4;
    run_threads(false, 4, &options);
    options.retains = true; /* so does what was sent */
    run_threads(false, 4, &options);
}
END_TEST

/* Steps until an error at each executor; codes[rank]. */
static void step_to_failures(struct cluster *cluster, uint64_t seed, barks_code *codes,
                             char (*texts)[400])
{
    uint64_t random = seed;
    uint32_t failed_count = 0;
    memset(codes, 0, CLUSTER_SIZE_MAX * sizeof *codes);
    while (failed_count + 1 < cluster->size) {
        uint32_t rank = (uint32_t)(property_next(&random) % cluster->size);
        bool busy = false;
        if (rank == 0) {
            must(cluster_drive(cluster->nets[0], &cluster->started_burst), seed);
            continue;
        }
        if (codes[rank] == 0) /* a failed job adds nothing more */
            must(cluster_work(
                     &cluster->nodes[rank].workers[property_next(&random) % CLUSTER_WORKERS]),
                 seed);
        barks_status *status = cluster_communicate(&cluster->nodes[rank], &busy);
        if (status == NULL)
            continue;
        ck_assert_msg(codes[rank] == 0, "executor %u failed twice", rank);
        codes[rank] = barks_status_code(status);
        barks_status_format(status, texts[rank], sizeof texts[rank]);
        barks_status_free(status);
        failed_count++;
    }
}

/* After a failure everything is as new: another run on the same exchanges is whole. */
static void run_again(struct cluster *cluster, uint64_t seed)
{
    for (uint32_t rank = 1; rank < cluster->size; rank++) {
        struct cluster_node *node = &cluster->nodes[rank];
        ck_assert_uint_eq(exchange_counters(node->exchange).queued_bytes, 0);
        memset(node->expected, 0, sizeof node->expected);
        memset(node->seen, 0,
               ((size_t)cluster->size * node->options->attempts_per_executor + 1) *
                   sizeof *node->seen);
        node->arrived = (struct exchange_sent){0};
        node->keeps_frames = false;
        node->deliver_failure = 0;
        while (node->kept != NULL) {
            struct frame *next = node->kept->next;
            frame_destroy(node->kept);
            node->kept = next;
        }
        node->done_workers = 0;
        for (uint32_t i = 0; i < CLUSTER_WORKERS; i++) {
            struct cluster_worker *worker = &node->workers[i];
            uint32_t run = (rank - 1) * node->options->attempts_per_executor + worker->attempt;
            must(exchange_end_attempt(node->exchange, cluster_shuffle_of(node->options, run), run,
                                      worker->attempt % 3, false, NULL),
                 seed);
            worker->attempt = i;
            worker->frame = worker->frame_count = 0;
            worker->is_done = false;
        }
    }
    run_to_end(cluster, seed);
}

START_TEST(a_full_executor_ends_the_exchange_with_a_limit)
{
    uint64_t seed = property_seed();
    static struct cluster cluster;
    static barks_code codes[CLUSTER_SIZE_MAX];
    static char texts[CLUSTER_SIZE_MAX][400];
    struct cluster_options options = {.seed = seed,
                                      .attempts_per_executor = 60,
                                      .frames_per_attempt_max = 12,
                                      .rows_per_frame_max = 10000,
                                      .pool_bytes = (uint64_t)16 << 20,
                                      .used_bytes_max = (uint64_t)8 << 20,
                                      .round_bytes_per_peer = 100000,
                                      .linger_ns = 1,
                                      .one_owner = true,
                                      .stalled_rounds_max = 8};
    open_cluster(&cluster, true, 4, &options);
    cluster.nodes[1].keeps_frames = true;
    step_to_failures(&cluster, seed, codes, texts);
    for (uint32_t rank = 1; rank < 4; rank++)
        ck_assert_msg(codes[rank] == BARKS_LIMIT && strstr(texts[rank], "--barks-memory") != NULL,
                      "executor %u: %s", rank, texts[rank]);
    ck_assert_msg(strstr(texts[1], "executor 1 has no memory for frames") != NULL, "%s", texts[1]);
    ck_assert_msg(strstr(texts[2], "other executors take no more") != NULL, "%s", texts[2]);
    run_again(&cluster, seed);
    cluster_drop(&cluster);
}
END_TEST

START_TEST(a_failing_delivery_ends_the_exchange_everywhere)
{
    uint64_t seed = property_seed();
    static struct cluster cluster;
    static barks_code codes[CLUSTER_SIZE_MAX];
    static char texts[CLUSTER_SIZE_MAX][400];
    struct cluster_options options = {.seed = seed,
                                      .attempts_per_executor = 20,
                                      .frames_per_attempt_max = 10,
                                      .rows_per_frame_max = 100,
                                      .round_bytes_per_peer = 3000,
                                      .idle_executor = 2, /* delivers nothing to itself */
                                      .linger_ns = 1,
                                      .shuffle_count = 3};
    for (uint64_t i = 0; i < 8; i++) {
        options.seed = seed + i;
        options.retains = i / 2 % 2 == 0;
        open_cluster(&cluster, i % 2 == 0, 4, &options);
        cluster.nodes[2].deliver_failure = BARKS_USER_ERROR;
        step_to_failures(&cluster, seed, codes, texts);
        ck_assert_int_eq(codes[2], BARKS_USER_ERROR);
        ck_assert_int_eq(codes[1], BARKS_CANCELLED);
        ck_assert_int_eq(codes[3], BARKS_CANCELLED);
        ck_assert_msg(strstr(texts[3], "executor 2 ended the exchange") != NULL, "%s", texts[3]);
        run_again(&cluster, seed);
        cluster_drop(&cluster);
    }
}
END_TEST

/* Fails each allocation of the pool in turn while one executor adds, until none is left. */
START_TEST(every_failing_allocation_is_told_and_leaks_nothing)
{
    struct cluster_options options = {.seed = 1,
                                      .attempts_per_executor = 2,
                                      .frames_per_attempt_max = 6,
                                      .rows_per_frame_max = 3000,
                                      .linger_ns = 1};
    static struct cluster cluster;
    uint32_t failed_count = 0;
    for (uint64_t n = 1;; n++) {
        open_cluster(&cluster, false, 3, &options);
        struct cluster_node *node = &cluster.nodes[1];
        pool_fail_after(node->pool, n);
        barks_status *status = NULL;
        for (uint32_t i = 0; i < CLUSTER_WORKERS; i++)
            while (!node->workers[i].is_done && status == NULL)
                status = cluster_work(&node->workers[i]);
        pool_fail_after(node->pool, 0);
        bool failed = status != NULL;
        ck_assert(!failed || barks_status_code(status) == BARKS_NO_MEMORY);
        barks_status_free(status);
        cluster_drop(&cluster);
        failed_count += failed;
        if (!failed)
            break;
    }
    ck_assert_uint_gt(failed_count, 5);
}
END_TEST

START_TEST(a_burst_is_wanted_once_and_dropped_frames_do_not_travel)
{
    struct cluster_options options = {.seed = 3,
                                      .attempts_per_executor = 2,
                                      .frames_per_attempt_max = 20,
                                      .rows_per_frame_max = 100,
                                      .linger_ns = 1};
    static struct cluster cluster;
    open_cluster(&cluster, false, 3, &options);
    struct exchange *exchange = cluster.nodes[1].exchange, *other = cluster.nodes[2].exchange;
    uint64_t burst = 0;
    bool busy = true;
    must(exchange_step(exchange, &busy), 3);
    ck_assert(!busy && !exchange_wants_burst(exchange, &burst));
    for (uint32_t i = 0; i < CLUSTER_WORKERS; i++)
        while (!cluster.nodes[1].workers[i].is_done)
            must(cluster_work(&cluster.nodes[1].workers[i]), 3);
    ck_assert_uint_gt(exchange_counters(exchange).queued_bytes, 0);
    ck_assert(exchange_wants_burst(exchange, &burst));
    ck_assert_uint_eq(burst, 1);
    ck_assert(!exchange_wants_burst(exchange, &burst));
    exchange_drop_shuffle(exchange, TEST_SHUFFLE + 1);
    ck_assert_uint_gt(exchange_counters(exchange).queued_bytes, 0);
    exchange_drop_shuffle(exchange, TEST_SHUFFLE);
    ck_assert_uint_eq(exchange_counters(exchange).queued_bytes, 0);
    exchange_start_burst(exchange, 1); /* of nothing: it ends by itself */
    exchange_start_burst(other, 1);
    must(exchange_step(exchange, &busy), 3);
    ck_assert(busy);
    char text[100];
    exchange_describe_wait(exchange, text, sizeof text);
    ck_assert_str_eq(text, "the sizes of round 1");
    ck_assert_uint_ne(exchange_waiting_since_ns(exchange), 0);
    for (bool other_busy = true; busy || other_busy;) {
        must(exchange_step(exchange, &busy), 3);
        must(exchange_step(other, &other_busy), 3);
    }
    ck_assert_uint_eq(exchange_waiting_since_ns(exchange), 0);
    ck_assert_uint_eq(exchange_counters(exchange).rounds, 1);
    ck_assert_uint_eq(exchange_counters(exchange).bytes_sent, 0);
    ck_assert_uint_eq(exchange_counters(other).frames_received, 0);
    ck_assert(!exchange_wants_burst(exchange, &burst));
    exchange_start_burst(exchange, 1); /* an old start is passed over */
    must(exchange_step(exchange, &busy), 3);
    ck_assert(!busy);
    cluster_drop(&cluster);
}
END_TEST

/* What a round uses stays, since others may still read it and net may write to it. */
START_TEST(one_that_ends_amid_a_round_leaves_it_to_the_others)
{
    struct cluster_options options = {.seed = 5,
                                      .attempts_per_executor = 2,
                                      .frames_per_attempt_max = 20,
                                      .rows_per_frame_max = 100,
                                      .linger_ns = 1};
    for (int steps = 1; steps <= 6; steps++) {
        static struct cluster cluster;
        open_cluster(&cluster, false, 3, &options);
        struct cluster_node *ends = &cluster.nodes[1], *stays = &cluster.nodes[2];
        bool busy = false;
        for (uint32_t rank = 1; rank <= 2; rank++)
            for (uint32_t i = 0; i < CLUSTER_WORKERS; i++)
                while (!cluster.nodes[rank].workers[i].is_done)
                    must(cluster_work(&cluster.nodes[rank].workers[i]), 5);
        exchange_start_burst(ends->exchange, 1);
        exchange_start_burst(stays->exchange, 1);
        for (int i = 0; i < steps; i++) {
            must(exchange_step(ends->exchange, &busy), 5);
            if (i + 1 < steps)
                must(exchange_step(stays->exchange, &busy), 5);
        }
        exchange_destroy(ends->exchange);
        ends->exchange = NULL;
        for (int i = 0; i < 3; i++)
            must(exchange_step(stays->exchange, &busy), 5);
        cluster_drop(&cluster);
    }
}
END_TEST

START_TEST(slots_move_only_from_the_lost_to_the_living)
{
    struct net *nets[4];
    struct cluster_options options = {.retains = true};
    struct cluster_node node, forgetful;
    const bool is_lost[] = {false, false, true, false};
    const struct {
        uint32_t slot, holder;
        barks_code code;
    } cases[] = {{2, 3, 0},
                 {2, 3, 0},
                 {2, 1, BARKS_INVALID},
                 {2, 2, BARKS_INVALID},
                 {3, 1, BARKS_INVALID},
                 {3, 3, 0},
                 {0, 1, BARKS_INVALID},
                 {4, 1, BARKS_INVALID}};
    must(net_local_open(4, true, nets), 0);
    must(cluster_node_init(&node, nets[1], &options), 0);
    struct cluster_options without = {.retains = false};
    must(cluster_node_init(&forgetful, nets[3], &without), 0);
    barks_status *status = exchange_begin_epoch(forgetful.exchange, 1, is_lost);
    ck_assert_int_eq(barks_status_code(status), BARKS_INVALID);
    barks_status_free(status);
    must(exchange_begin_epoch(node.exchange, 1, is_lost), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        status = exchange_move_slot(node.exchange, 5, cases[i].slot, cases[i].holder);
        ck_assert_int_eq(status != NULL ? barks_status_code(status) : 0, cases[i].code);
        barks_status_free(status);
    }
    cluster_node_drop(&node);
    cluster_node_drop(&forgetful);
    for (uint32_t rank = 0; rank < 4; rank++)
        net_close(nets[rank], false);
}
END_TEST

START_TEST(bytes_that_are_no_frame_name_their_sender)
{
    struct pool *pool = NULL;
    must(pool_create((uint64_t)8 << 20, &pool), 0);
    struct frame_name right = {
        .shuffle = 5, .run = 6, .row_count = 7, .body_bytes = 100, .encoded_bytes = 100};
    right.check = frame_name_check(&right);
    for (size_t bit = 0; bit <= 8 * sizeof right; bit++) {
        struct inbox inbox = {.pool = pool, .rank = 9};
        uint8_t bytes[sizeof right];
        memcpy(bytes, &right, sizeof right);
        if (bit < 8 * sizeof right)
            bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << bit % 8);
        size_t taken = 0;
        struct frame *frame = NULL;
        bool is_stalled = false;
        barks_status *status = inbox_take(&inbox, bytes, sizeof bytes, &taken, &frame, &is_stalled);
        if (bit == 8 * sizeof right) {
            must(status, 0);
        } else {
            ck_assert_int_eq(barks_status_code(status), BARKS_BAD_INPUT);
            ck_assert_ptr_nonnull(strstr(barks_status_text(status), "executor 9"));
            barks_status_free(status);
        }
        inbox_drop(&inbox);
    }
    right.body_bytes = right.encoded_bytes = (uint64_t)9 << 20;
    right.check = frame_name_check(&right);
    struct inbox inbox = {.pool = pool, .rank = 9};
    size_t taken = 0;
    struct frame *frame = NULL;
    bool is_stalled = false;
    barks_status *status =
        inbox_take(&inbox, (const uint8_t *)&right, sizeof right, &taken, &frame, &is_stalled);
    ck_assert_int_eq(barks_status_code(status), BARKS_LIMIT);
    ck_assert_ptr_nonnull(strstr(barks_status_text(status), "--barks-memory"));
    barks_status_free(status);
    pool_destroy(pool);
}
END_TEST

SUITE_MAIN("shuffle/exchange", frames_arrive_once_and_in_order_over_the_simulator,
           frames_arrive_once_and_in_order_over_local_endpoints, a_huge_frame_crosses_many_rounds,
           threads_exchange_over_local_and_simulated_endpoints,
           a_small_budget_is_enough_where_frames_are_taken, what_waits_to_be_sent_goes_to_disk,
           a_full_executor_ends_the_exchange_with_a_limit,
           a_failing_delivery_ends_the_exchange_everywhere,
           every_failing_allocation_is_told_and_leaks_nothing,
           a_burst_is_wanted_once_and_dropped_frames_do_not_travel,
           one_that_ends_amid_a_round_leaves_it_to_the_others,
           slots_move_only_from_the_lost_to_the_living, bytes_that_are_no_frame_name_their_sender)
