/* How jobs share the rounds of an exchange: executor 1 sends, executor 2 counts what arrives. */
#include "base/pool.h"
#include "batch/batch.h"
#include "net/net.h"
#include "shuffle/exchange.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHUFFLES_MAX = 6, /* numbered from 1 */
    ROUND_BYTES = 64 << 10,
    ROW_BYTES = 8,
    HEADER_BYTES = sizeof(struct frame_name),
    FRAME_ROWS = 1000,
    FRAME_BYTES_MAX = 64 << 10, /* of any frame here, with its header */
};

struct sharing {
    uint64_t seed;
    struct net *nets[3];
    struct pool *pools[3];         /* by rank */
    struct exchange *exchanges[3]; /* likewise */
    uint64_t burst;
    uint32_t next_runs[SHUFFLES_MAX + 1];    /* by shuffle */
    uint32_t arrived_runs[SHUFFLES_MAX + 1]; /* likewise: behind the last that has */
    uint64_t arrived_bytes[SHUFFLES_MAX + 1];
    uint32_t arrived_count;
    uint64_t arrived_order[100]; /* shuffles of the first frames */
};

static void must(const struct sharing *sharing, barks_status *status)
{
    char text[400];
    barks_status_format(status, text, sizeof text);
    ck_assert_msg(status == NULL, "%s; replay with BARKS_TEST_SEED=%" PRIu64, text, sharing->seed);
}

static barks_status *deliver(void *context, struct frame *frame)
{
    struct sharing *sharing = context;
    uint64_t shuffle = frame->name.shuffle;
    bool is_next = frame->name.run == sharing->arrived_runs[shuffle] ||
                   frame->name.run + 1 == sharing->arrived_runs[shuffle];
    sharing->arrived_runs[shuffle] = frame->name.run + 1;
    sharing->arrived_bytes[shuffle] += HEADER_BYTES + frame->name.body_bytes;
    if (sharing->arrived_count < sizeof sharing->arrived_order / sizeof *sharing->arrived_order)
        sharing->arrived_order[sharing->arrived_count] = shuffle;
    sharing->arrived_count++;
    frame_destroy(frame);
    if (!is_next)
        BARKS_FAIL(BARKS_INTERNAL, "a frame of shuffle %" PRIu64 " has overtaken others", shuffle);
    return NULL;
}

static void open_sharing(struct sharing *sharing, bool simulated, uint64_t seed)
{
    *sharing = (struct sharing){.seed = seed};
    must(sharing, simulated ? net_sim_open(3, seed, false, sharing->nets)
                            : net_local_open(3, false, sharing->nets));
    for (uint32_t rank = 1; rank <= 2; rank++) {
        must(sharing, pool_create((uint64_t)256 << 20, &sharing->pools[rank]));
        must(sharing,
             exchange_create(&(struct exchange_options){.pool = sharing->pools[rank],
                                                        .net = sharing->nets[rank],
                                                        .round_bytes_per_peer = ROUND_BYTES,
                                                        .linger_ns = 1,
                                                        .deliver = deliver,
                                                        .context = sharing},
                             &sharing->exchanges[rank]));
    }
}

static void close_sharing(struct sharing *sharing)
{
    for (uint32_t rank = 1; rank <= 2; rank++) {
        exchange_destroy(sharing->exchanges[rank]);
        pool_destroy(sharing->pools[rank]); /* asserts that nothing was leaked */
    }
    for (uint32_t rank = 0; rank < 3; rank++)
        net_close(sharing->nets[rank], false);
}

static void begin_shuffle(struct sharing *sharing, uint64_t shuffle, uint64_t job, uint32_t weight)
{
    must(sharing, exchange_begin_shuffle(sharing->exchanges[1], shuffle,
                                         &(struct exchange_share){.job = job, .weight = weight}));
}

static void add_frame(struct sharing *sharing, uint64_t shuffle, uint32_t row_count)
{
    static const barks_type integer_type = {.id = BARKS_I64};
    static const barks_field fields[] = {{.name = "value", .type = &integer_type}};
    static const barks_schema schema = {1, fields};
    struct batch *batch = NULL;
    must(sharing, batch_create(sharing->pools[1], &schema, row_count, &batch));
    memset(batch->base.columns[0].values, 1, (size_t)row_count * ROW_BYTES);
    batch->base.row_count = row_count;
    must(sharing,
         exchange_add(sharing->exchanges[1], shuffle, sharing->next_runs[shuffle], 0, 0, 2, batch));
}

/* Queues a run of so many frames. */
static void add(struct sharing *sharing, uint64_t shuffle, uint32_t frame_count, uint32_t row_count)
{
    struct exchange_sent sent[2];
    for (uint32_t i = 0; i < frame_count; i++)
        add_frame(sharing, shuffle, row_count);
    must(sharing, exchange_end_attempt(sharing->exchanges[1], shuffle,
                                       sharing->next_runs[shuffle]++, 0, true, sent));
}

static uint64_t round_count(const struct sharing *sharing)
{
    return exchange_counters(sharing->exchanges[2]).rounds;
}

static uint64_t queued_bytes(const struct sharing *sharing)
{
    return exchange_counters(sharing->exchanges[1]).queued_bytes;
}

/* Goes on to the end of a round at executor 2. */
static void run_round(struct sharing *sharing)
{
    uint64_t before = round_count(sharing);
    bool is_busy = false;
    while (round_count(sharing) == before)
        for (uint32_t rank = 1; rank <= 2; rank++) {
            uint64_t burst = 0;
            if (exchange_wants_burst(sharing->exchanges[rank], &burst) && burst > sharing->burst)
                sharing->burst = burst;
            exchange_start_burst(sharing->exchanges[rank], sharing->burst);
            must(sharing, exchange_step(sharing->exchanges[rank], &is_busy));
        }
}

/* Until all that was queued has arrived. */
static void run_to_end(struct sharing *sharing)
{
    bool is_any_busy = true;
    while (queued_bytes(sharing) > 0)
        run_round(sharing);
    while (is_any_busy) {
        is_any_busy = false;
        for (uint32_t rank = 1; rank <= 2; rank++) {
            bool is_busy = false;
            must(sharing, exchange_step(sharing->exchanges[rank], &is_busy));
            is_any_busy = is_any_busy || is_busy;
        }
    }
    for (uint32_t shuffle = 1; shuffle <= SHUFFLES_MAX; shuffle++)
        ck_assert_uint_eq(sharing->arrived_runs[shuffle], sharing->next_runs[shuffle]);
}

/* Of two shuffles of two jobs that had frames queued all the time: what has arrived of them for
 * their weights differs by no more than a frame of each for its weight (Goyal, Vin and Cheng,
 * theorem 1), and another of each, that has begun and not arrived. */
static void check_shares(const struct sharing *sharing, const uint32_t *weights, uint64_t a,
                         uint64_t b)
{
    double of_a = (double)sharing->arrived_bytes[a] / weights[a],
           of_b = (double)sharing->arrived_bytes[b] / weights[b],
           limit = 2 * FRAME_BYTES_MAX * (1.0 / weights[a] + 1.0 / weights[b]);
    ck_assert_msg(of_a - of_b <= limit && of_b - of_a <= limit,
                  "%" PRIu64 " bytes of weight %u and %" PRIu64
                  " of weight %u; replay with BARKS_TEST_SEED=%" PRIu64,
                  sharing->arrived_bytes[a], weights[a], sharing->arrived_bytes[b], weights[b],
                  sharing->seed);
}

/* Each shuffle is of a job of its own. */
static void check_weights(struct sharing *sharing, const uint32_t *weights, uint32_t count,
                          uint64_t *random)
{
    enum { RUNS = 100, ROUNDS_MIN = 20 };
    uint32_t smallest = RUNS, rounds = 0;
    for (uint64_t shuffle = 1; shuffle <= count; shuffle++)
        begin_shuffle(sharing, shuffle, 100 + shuffle, weights[shuffle]);
    for (uint64_t shuffle = 1; shuffle <= count; shuffle++)
        for (uint32_t run = 0; run < RUNS; run++)
            add(sharing, shuffle, 1, 1 + (uint32_t)(property_next(random) % 7000));
    while (smallest > 0) {
        run_round(sharing);
        for (uint64_t shuffle = 1; shuffle <= count; shuffle++) {
            uint32_t left = RUNS - sharing->arrived_runs[shuffle];
            /* What is on its way counts as gone: two rounds, and a frame. */
            left = left > 20 ? left - 20 : 0;
            smallest = left < smallest ? left : smallest;
        }
        for (uint64_t shuffle = 2; shuffle <= count && smallest > 0; shuffle++)
            check_shares(sharing, weights, 1, shuffle);
        rounds++;
    }
    ck_assert_uint_ge(rounds, ROUNDS_MIN);
    run_to_end(sharing);
}

START_TEST(bytes_of_rounds_are_shared_by_the_weights_of_jobs)
{
    uint64_t seed = property_seed(), random = seed;
    for (uint32_t i = 0; i < 20; i++) {
        struct sharing sharing;
        uint32_t count = i < 2 ? 2 : 2 + (uint32_t)(property_next(&random) % (SHUFFLES_MAX - 1));
        uint32_t weights[SHUFFLES_MAX + 1] = {0, 3, 1};
        for (uint32_t shuffle = 1; i >= 2 && shuffle <= count; shuffle++)
            weights[shuffle] = 1 + (uint32_t)(property_next(&random) % 9);
        open_sharing(&sharing, i % 2 == 1, seed);
        check_weights(&sharing, weights, count, &random);
        close_sharing(&sharing);
    }
}
END_TEST

START_TEST(a_late_frame_passes_what_another_job_has_queued)
{
    for (uint32_t frames = 1; frames <= 100; frames += 99) { /* of a piece that travels whole */
        struct sharing sharing;
        const uint64_t many = 1, late = 2;
        open_sharing(&sharing, false, 0);
        begin_shuffle(&sharing, many, 11, 1000);
        begin_shuffle(&sharing, late, 12, 1);
        for (uint32_t i = 0; i < 3000 / frames; i++)
            add(&sharing, many, frames, FRAME_ROWS);
        for (uint32_t i = 0; i < 10; i++)
            run_round(&sharing);
        add(&sharing, late, 1, FRAME_ROWS);
        uint64_t since = round_count(&sharing), left_bytes = queued_bytes(&sharing);
        while (sharing.arrived_runs[late] == 0 && queued_bytes(&sharing) > 0)
            run_round(&sharing);
        /* The rest of a piece; and one round is on its way, one filled, and one taken apart. */
        ck_assert_uint_le(round_count(&sharing) - since,
                          3 + (frames == 1 ? 1 : (1 << 20) / ROUND_BYTES));
        ck_assert_uint_gt(queued_bytes(&sharing), left_bytes / 2);
        run_to_end(&sharing);
        close_sharing(&sharing);
    }
}
END_TEST

START_TEST(who_was_idle_has_saved_nothing_up)
{
    struct sharing sharing;
    const uint64_t always = 1, later = 2;
    open_sharing(&sharing, false, 0);
    begin_shuffle(&sharing, always, 11, 2);
    begin_shuffle(&sharing, later, 12, 2);
    for (uint32_t i = 0; i < 1200; i++)
        add(&sharing, always, 1, FRAME_ROWS);
    for (uint32_t i = 0; i < 50; i++)
        run_round(&sharing);
    for (uint32_t i = 0; i < 600; i++)
        add(&sharing, later, 1, FRAME_ROWS);
    uint64_t before_bytes = sharing.arrived_bytes[always];
    for (uint32_t i = 0; i < 40; i++)
        run_round(&sharing);
    uint64_t always_bytes = sharing.arrived_bytes[always] - before_bytes,
             later_bytes = sharing.arrived_bytes[later];
    ck_assert_uint_gt(later_bytes, 15 * ROUND_BYTES);
    ck_assert_uint_le(later_bytes, always_bytes + FRAME_BYTES_MAX);
    ck_assert_uint_le(always_bytes, later_bytes + 4 * ROUND_BYTES); /* before it came */
    run_to_end(&sharing);
    close_sharing(&sharing);
}
END_TEST

START_TEST(shuffles_of_one_job_go_in_the_order_in_which_they_became_ready)
{
    struct sharing sharing;
    open_sharing(&sharing, false, 0);
    for (uint64_t shuffle = 1; shuffle <= 3; shuffle++)
        begin_shuffle(&sharing, shuffle, 11, 5);
    for (uint32_t i = 0; i < 90; i++)
        add(&sharing, 1 + i * i % 3, 1, FRAME_ROWS);
    run_to_end(&sharing);
    for (uint32_t i = 0; i < 90; i++)
        ck_assert_uint_eq(sharing.arrived_order[i], 1 + i * i % 3);
    close_sharing(&sharing);
}
END_TEST

/* A job is forgotten with its last shuffle, what it has begun to send is not. */
START_TEST(shuffles_come_and_go)
{
    struct sharing sharing;
    open_sharing(&sharing, false, 0);
    begin_shuffle(&sharing, 1, 11, 3);
    begin_shuffle(&sharing, 1, 11, 3); /* the same word twice */
    begin_shuffle(&sharing, 2, 11, 3);
    begin_shuffle(&sharing, 3, 12, 0);
    for (uint32_t i = 0; i < 300; i++)
        add(&sharing, 1 + i % 4, 1, FRAME_ROWS); /* of shuffle 4 nothing was said */
    for (uint32_t i = 0; i < 5; i++)
        run_round(&sharing);
    uint64_t before_bytes = queued_bytes(&sharing);
    for (uint64_t shuffle = 1; shuffle <= 2; shuffle++) {
        exchange_drop_shuffle(sharing.exchanges[1], shuffle);
        ck_assert_uint_lt(queued_bytes(&sharing), before_bytes);
        before_bytes = queued_bytes(&sharing);
    }
    ck_assert_uint_gt(before_bytes, 0);
    add(&sharing, 1, 1, FRAME_ROWS); /* of an attempt that ends too late; it may travel */
    exchange_drop_shuffle(sharing.exchanges[1], 1);
    ck_assert_uint_eq(queued_bytes(&sharing), before_bytes);
    exchange_drop_shuffle(sharing.exchanges[1], 1);
    exchange_drop_shuffle(sharing.exchanges[1], 5);
    begin_shuffle(&sharing, 5, 11, 1);
    add(&sharing, 5, 1, FRAME_ROWS);
    for (uint32_t shuffle = 1; shuffle <= 2; shuffle++) { /* at most one of each was left */
        while (queued_bytes(&sharing) > 0)
            run_round(&sharing);
        sharing.next_runs[shuffle] = sharing.arrived_runs[shuffle];
    }
    run_to_end(&sharing);
    close_sharing(&sharing);
}
END_TEST

SUITE_MAIN("shuffle/exchange_shares", bytes_of_rounds_are_shared_by_the_weights_of_jobs,
           a_late_frame_passes_what_another_job_has_queued, who_was_idle_has_saved_nothing_up,
           shuffles_of_one_job_go_in_the_order_in_which_they_became_ready, shuffles_come_and_go)
