/* The conformance suite on the backends of one process, and what only they can be asked. */
#include "base/clock.h"
#include "base/random.h"
#include "conformance.h"
#include "net/nap.h"
#include "net/net.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE_MAX_TESTED = 8 };

/* A wait that nobody would sit out: over a minute. */
#define FAR_NS (70 * NS_PER_S)

static void must(barks_status *status, uint64_t seed)
{
    char text[300];
    barks_status_format(status, text, sizeof text);
    ck_assert_msg(status == NULL, "%s; replay with BARKS_TEST_SEED=%" PRIu64, text, seed);
}

static void must_fail(barks_status *status, barks_code code, const char *words)
{
    ck_assert_ptr_nonnull(status);
    ck_assert_int_eq(barks_status_code(status), code);
    ck_assert_msg(strstr(barks_status_text(status), words) != NULL, "'%s' lacks '%s'",
                  barks_status_text(status), words);
    barks_status_free(status);
}

static void open_all(bool simulated, uint32_t size, uint64_t seed, struct net **out_nets)
{
    must(simulated ? net_sim_open(size, seed, false, out_nets)
                   : net_local_open(size, false, out_nets),
         seed);
}

static void close_all(uint32_t size, struct net **nets)
{
    for (uint32_t i = 0; i < size; i++)
        net_close(nets[i], false);
}

/* Options drawn from the seed; fast enough for a thousand runs. */
static struct conformance_options draw_options(uint64_t *random)
{
    return (struct conformance_options){
        .seed = property_next(random),
        .messages_per_pair = (uint32_t)(property_next(random) % 40),
        .message_bytes_max = property_next(random) % 2 != 0 ? 40000 : 200,
        .sends_all_at_once = property_next(random) % 4 == 0,
        .round_count = (uint32_t)(property_next(random) % 20),
        .round_bytes_max = property_next(random) % 3000,
    };
}

/* One thread steps a random endpoint each time. */
static void step_all(bool simulated, uint64_t seed)
{
    uint64_t random = seed;
    for (uint32_t size = 1; size <= SIZE_MAX_TESTED; size++) {
        struct net *nets[SIZE_MAX_TESTED];
        struct conformance players[SIZE_MAX_TESTED];
        struct conformance_early early[SIZE_MAX_TESTED] = {{0}};
        bool done[SIZE_MAX_TESTED] = {false};
        struct conformance_options options = draw_options(&random);
        open_all(simulated, size, options.seed, nets);
        for (uint32_t i = 0; i < size; i++)
            must(conformance_init(&players[i], nets[i], &options, &early[i]), seed);
        for (uint32_t done_count = 0; done_count < size;) {
            uint32_t i = (uint32_t)(property_next(&random) % size);
            bool moved = false, was_done = done[i];
            must(conformance_step(&players[i], &moved, &done[i]), seed);
            done_count += done[i] && !was_done;
        }
        for (uint32_t i = 0; i < size; i++) {
            ck_assert_uint_eq(early[i].count, 0); /* no message too many */
            conformance_drop(&players[i]);
        }
        close_all(size, nets);
    }
}

struct player_thread {
    pthread_t thread;
    struct net *net;
    struct conformance_options options;
    struct conformance_early early;
    barks_status *status;
};

static void *play(void *argument)
{
    struct player_thread *player = argument;
    player->status = conformance_run(player->net, &player->options, &player->early);
    return NULL;
}

/* Each endpoint has a thread of its own. */
static void play_all(bool simulated, uint32_t size, struct conformance_options options)
{
    struct net *nets[SIZE_MAX_TESTED];
    struct player_thread players[SIZE_MAX_TESTED];
    open_all(simulated, size, options.seed, nets);
    for (uint32_t i = 0; i < size; i++) {
        players[i] = (struct player_thread){.net = nets[i], .options = options};
        ck_assert_int_eq(pthread_create(&players[i].thread, NULL, play, &players[i]), 0);
    }
    for (uint32_t i = 0; i < size; i++)
        ck_assert_int_eq(pthread_join(players[i].thread, NULL), 0);
    for (uint32_t i = 0; i < size; i++) {
        must(players[i].status, options.seed);
        ck_assert_uint_eq(players[i].early.count, 0);
    }
    close_all(size, nets);
}

START_TEST(one_thread_steps_local_endpoints)
{
    uint64_t seed = property_seed();
    for (uint64_t i = 0; i < 10; i++)
        step_all(false, seed + i);
}
END_TEST

START_TEST(one_thread_steps_simulated_endpoints)
{
    uint64_t seed = property_seed();
    for (uint64_t i = 0; i < 10; i++)
        step_all(true, seed + i);
}
END_TEST

START_TEST(threads_drive_local_and_simulated_endpoints)
{
    uint64_t seed = property_seed();
    uint64_t random = seed;
    for (uint32_t size = 1; size <= SIZE_MAX_TESTED; size++) {
        play_all(false, size, draw_options(&random));
        play_all(true, size, draw_options(&random));
    }
}
END_TEST

START_TEST(thousands_of_messages_are_in_flight)
{
    struct conformance_options options = {.seed = property_seed(),
                                          .messages_per_pair = 4000,
                                          .message_bytes_max = 60,
                                          .sends_all_at_once = true};
    play_all(false, 3, options);
    play_all(true, 3, options);
}
END_TEST

START_TEST(messages_and_rounds_may_be_large)
{
    struct conformance_options options = {.seed = property_seed(),
                                          .messages_per_pair = 3,
                                          .message_bytes_max = 100,
                                          .big_message_bytes = (size_t)64 << 20,
                                          .round_count = 3,
                                          .round_bytes_max = (size_t)16 << 20};
    play_all(false, 3, options);
}
END_TEST

/* The simulator is worth its name: arrivals of different senders in another order than sent, the
 * same for the same seed. */
static uint64_t order_of_arrival(uint64_t seed)
{
    struct net *nets[4];
    uint64_t order = 0;
    open_all(true, 4, seed, nets);
    for (uint32_t from = 1; from < 4; from++)
        for (int k = 0; k < 3; k++)
            must(net_send(nets[from], 0, "x", 1), seed);
    for (int count = 0; count < 9;) {
        struct net_message message = {0};
        bool got = false;
        must(net_poll(nets[0], &message, &got), seed);
        if (got) {
            order = order * 4 + message.from;
            count++;
            net_message_drop(&message);
        }
    }
    close_all(4, nets);
    return order;
}

START_TEST(the_simulator_reorders_by_its_seed)
{
    uint64_t first = order_of_arrival(0);
    bool differs = false;
    for (uint64_t seed = 0; seed < 20; seed++) {
        uint64_t order = order_of_arrival(seed);
        differs = differs || order != first;
        ck_assert_uint_eq(order, order_of_arrival(seed));
    }
    ck_assert(differs);
}
END_TEST

static void *wake(void *net)
{
    net_wake(net);
    return NULL;
}

static void *send_word(void *net)
{
    barks_status *status = net_send(net, 0, "word", 4);
    barks_status_free(status);
    return status;
}

START_TEST(wake_and_messages_end_a_long_wait)
{
    struct net *nets[2];
    open_all(false, 2, 0, nets);
    uint64_t begin_ns = monotonic_ns();
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, wake, nets[0]), 0);
    net_wait(nets[0], FAR_NS);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, send_word, nets[1]), 0);
    net_wait(nets[0], FAR_NS);
    void *failed = NULL;
    ck_assert_int_eq(pthread_join(thread, &failed), 0);
    ck_assert_ptr_null(failed);
    net_wake(nets[0]); /* before the wait: it is not lost */
    net_wait(nets[0], FAR_NS);
    ck_assert_uint_lt(monotonic_ns() - begin_ns, FAR_NS / 2);
    close_all(2, nets);
}
END_TEST

static void *wake_nap(void *nap)
{
    nap_wake(nap);
    return NULL;
}

START_TEST(a_nap_ends_at_a_wake_and_grows_without_traffic)
{
    struct nap nap;
    nap_init(&nap);
    uint64_t begin_ns = monotonic_ns();
    for (int i = 0; i < 20; i++)
        nap_take(&nap, FAR_NS);
    ck_assert_uint_gt(nap.next_ns, 512 * NS_PER_US);
    nap.next_ns = FAR_NS;
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, wake_nap, &nap), 0);
    nap_take(&nap, FAR_NS);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_uint_eq(nap.next_ns, NS_PER_US); /* a wake counts as traffic */
    nap.next_ns = FAR_NS;
    for (int i = 0; i < 11; i++)
        nap_take(&nap, NS_PER_US); /* never longer than the caller says */
    ck_assert_uint_lt(monotonic_ns() - begin_ns, FAR_NS / 2);
    nap_drop(&nap);
}
END_TEST

START_TEST(a_peer_that_left_is_lost)
{
    struct net *nets[3];
    open_all(false, 3, 0, nets);
    struct net_round_size send[2] = {{.sequence = 1}, {.sequence = 1}}, receive[2];
    bool done = false;
    must(net_sizes_begin(nets[1], send, receive), 0);
    must(net_round_test(nets[1], &done), 0);
    ck_assert(!done);
    net_close(nets[2], true);
    must_fail(net_round_test(nets[1], &done), BARKS_LOST, "executor 2 is gone");
    must_fail(net_send(nets[0], 2, "x", 1), BARKS_LOST, "rank 2 is gone");
    net_close(nets[1], true);
    net_close(nets[0], true);
}
END_TEST

/* Sets up a round of two executors in which the second says other_bytes and other_sequence. */
static barks_status *odd_round(size_t other_bytes, uint32_t other_sequence)
{
    struct net *nets[3];
    open_all(false, 3, 0, nets);
    struct net_round_size send[2][2] = {{{.sequence = 7}, {.sequence = 7}},
                                        {{.sequence = other_sequence}, {.sequence = 7}}};
    struct net_round_size receive[2][2];
    struct net_piece nothing[2] = {{0, 0}, {0, 0}}, something[2] = {{0, other_bytes}, {0, 0}};
    uint8_t bytes[8] = {0}, room[8];
    bool done = false;
    barks_status *status = NULL;
    for (int i = 0; i < 2; i++)
        must(net_sizes_begin(nets[i + 1], send[i], receive[i]), 0);
    for (int i = 0; i < 3 && status == NULL; i++) /* the second finds it done, then the first */
        status = net_round_test(nets[1 + i % 2], &done);
    if (status == NULL) {
        must(net_payload_begin(nets[1], bytes, nothing, room, nothing), 0);
        must(net_payload_begin(nets[2], bytes, something, room, nothing), 0);
        status = net_round_test(nets[1], &done);
    }
    for (int i = 0; i < 3; i++)
        net_close(nets[i], true);
    return status;
}

START_TEST(ranks_out_of_step_are_told)
{
    must_fail(odd_round(0, 8), BARKS_INTERNAL, "rank 1 is in round 7, rank 2 in round 8");
    must_fail(odd_round(5, 7), BARKS_INTERNAL, "rank 2 sends 5 bytes to rank 1, which expects 0");
    must(odd_round(0, 7), 0);
}
END_TEST

START_TEST(a_round_past_its_limit_is_refused)
{
    struct net *nets[3];
    open_all(false, 3, 0, nets);
    struct net_piece none[2] = {{SIZE_MAX, 0}, {0, 0}};
    struct net_piece large[2] = {{0, 0}, {1, NET_ROUND_BYTES_MAX}};
    struct net_piece far[2] = {{0, 0}, {SIZE_MAX - 1, 8}};
    struct net_piece own[2] = {{0, 1}, {0, 0}};
    uint8_t byte = 0;
    must_fail(net_payload_begin(nets[1], &byte, large, &byte, none), BARKS_LIMIT,
              "a payload to send of 536870912 bytes");
    must_fail(net_payload_begin(nets[1], &byte, none, &byte, far), BARKS_LIMIT,
              "a payload to receive of 8 bytes");
    must_fail(net_payload_begin(nets[1], &byte, own, &byte, none), BARKS_INTERNAL,
              "executor 1 to itself");
    bool done = false;
    must_fail(net_round_test(nets[1], &done), BARKS_INTERNAL, "did not begin");
    must_fail(net_local_open(0, false, nets), BARKS_INVALID, "no endpoints");
    close_all(3, nets);
}
END_TEST

SUITE_MAIN("net/net", one_thread_steps_local_endpoints, one_thread_steps_simulated_endpoints,
           threads_drive_local_and_simulated_endpoints, thousands_of_messages_are_in_flight,
           messages_and_rounds_may_be_large, the_simulator_reorders_by_its_seed,
           wake_and_messages_end_a_long_wait, a_nap_ends_at_a_wake_and_grows_without_traffic,
           a_peer_that_left_is_lost, ranks_out_of_step_are_told, a_round_past_its_limit_is_refused)
