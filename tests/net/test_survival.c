/* Lost ranks on the backends of one process. */
#include "base/clock.h"
#include "base/random.h"
#include "support/property.h"
#include "survival.h"

#include <check.h>

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Far more than any run takes; a run that hangs is told by its seed. */
enum { STEPS_MAX = 3000000 };
#define RUN_NS_MAX (120 * NS_PER_S)

struct cluster {
    uint32_t size;
    uint64_t seed, random;
    struct net *nets[SURVIVAL_SIZE_MAX];
    struct survival players[SURVIVAL_SIZE_MAX];
    uint64_t dies_after[SURVIVAL_SIZE_MAX]; /* own steps; 0: does not. Its own thread's */
    _Atomic bool is_dead[SURVIVAL_SIZE_MAX];
    bool notices_late;
};

static void must(barks_status *status, uint64_t seed)
{
    char text[300];
    barks_status_format(status, text, sizeof text);
    ck_assert_msg(status == NULL, "%s; replay with BARKS_TEST_SEED=%" PRIu64, text, seed);
}

static void die(void *context, uint32_t rank, uint64_t after)
{
    ((struct cluster *)context)->dies_after[rank] = after + 1;
}

static bool is_dead(void *context, uint32_t rank)
{
    struct cluster *cluster = context;
    return atomic_load(&cluster->is_dead[rank]) &&
           (!cluster->notices_late || property_next(&cluster->random) % 32 == 0);
}

static void cluster_open(struct cluster *cluster, bool simulated, uint32_t size, uint64_t seed)
{
    uint64_t random = seed;
    *cluster =
        (struct cluster){.size = size, .seed = seed, .random = ~seed, .notices_late = simulated};
    must(simulated ? net_sim_open(size, seed, true, cluster->nets)
                   : net_local_open(size, true, cluster->nets),
         seed);
    struct survival_options options = {.seed = seed,
                                       .wave_count =
                                           (uint32_t)(property_next(&random) % (size + 1)),
                                       .die_after_max = 1 + property_next(&random) % 400,
                                       .round_bytes_max = 1 + property_next(&random) % 2000,
                                       .message_bytes_max = 1 + property_next(&random) % 20000,
                                       .die = die,
                                       .is_dead = is_dead,
                                       .context = cluster};
    for (uint32_t i = 0; i < size; i++) {
        ck_assert(net_recovers(cluster->nets[i]));
        must(survival_init(&cluster->players[i], cluster->nets[i], &options), seed);
    }
}

/* A step of one rank, unless it is dead; true where nothing more comes of it. */
static bool step(struct cluster *cluster, uint32_t rank, bool *out_moved, barks_status **out_status)
{
    bool done = false;
    *out_moved = false;
    if (atomic_load(&cluster->is_dead[rank]))
        return true;
    if (cluster->dies_after[rank] > 0 && --cluster->dies_after[rank] == 0) {
        net_fall_silent(cluster->nets[rank]);
        atomic_store(&cluster->is_dead[rank], true);
        return true;
    }
    *out_status = survival_step(&cluster->players[rank], out_moved, &done);
    return done || *out_status != NULL;
}

/* The driver has begun an epoch for whoever died, and the survivors have made rounds to the end. */
static void cluster_close(struct cluster *cluster)
{
    const struct survival *driver = &cluster->players[0];
    for (uint32_t rank = 1; rank < cluster->size; rank++) {
        ck_assert_msg(driver->is_lost[rank] == atomic_load(&cluster->is_dead[rank]),
                      "rank %u; replay with BARKS_TEST_SEED=%" PRIu64, rank, cluster->seed);
        if (!driver->is_lost[rank])
            ck_assert_uint_eq(cluster->players[rank].epoch, driver->epoch);
    }
    for (uint32_t i = 0; i < cluster->size; i++)
        net_close(cluster->nets[i], false);
    for (uint32_t i = 0; i < cluster->size; i++)
        survival_drop(&cluster->players[i]);
}

/* One thread steps a random rank each time. */
static uint32_t step_all(bool simulated, uint32_t size, uint64_t seed)
{
    static struct cluster cluster;
    cluster_open(&cluster, simulated, size, seed);
    bool ended[SURVIVAL_SIZE_MAX] = {false};
    uint64_t random = ~seed;
    uint32_t ended_count = 0, steps = 0;
    while (ended_count < size) {
        uint32_t rank = (uint32_t)(property_next(&random) % size);
        bool moved = false, had_ended = ended[rank];
        barks_status *status = NULL;
        ended[rank] = step(&cluster, rank, &moved, &status);
        must(status, seed);
        ended_count += ended[rank] && !had_ended;
        ck_assert_msg(++steps < STEPS_MAX, "no end; replay with BARKS_TEST_SEED=%" PRIu64, seed);
    }
    uint32_t epochs = cluster.players[0].epoch;
    cluster_close(&cluster);
    return epochs;
}

START_TEST(survivors_go_on_over_the_simulator)
{
    uint64_t seed = property_seed();
    uint32_t epochs = 0;
    for (uint64_t i = 0; i < 150; i++)
        epochs += step_all(true, 2 + (uint32_t)(i % 6), seed + i);
    ck_assert_uint_gt(epochs, 50);
}
END_TEST

START_TEST(survivors_go_on_over_local_endpoints)
{
    uint64_t seed = property_seed();
    uint32_t epochs = 0;
    for (uint64_t i = 0; i < 150; i++)
        epochs += step_all(false, 2 + (uint32_t)(i % 6), seed + i);
    ck_assert_uint_gt(epochs, 50);
}
END_TEST

struct player_thread {
    pthread_t thread;
    struct cluster *cluster;
    uint32_t rank;
    barks_status *status;
};

static void *play(void *argument)
{
    struct player_thread *player = argument;
    uint64_t deadline_ns = monotonic_ns() + RUN_NS_MAX;
    bool moved = false;
    while (!step(player->cluster, player->rank, &moved, &player->status)) {
        if (!moved)
            net_wait(player->cluster->nets[player->rank], 100 * NS_PER_US);
        if (monotonic_ns() > deadline_ns)
            return player; /* hangs */
    }
    return NULL;
}

static void play_all(bool simulated, uint32_t size, uint64_t seed)
{
    static struct cluster cluster;
    struct player_thread players[SURVIVAL_SIZE_MAX];
    cluster_open(&cluster, simulated, size, seed);
    for (uint32_t i = 0; i < size; i++) {
        players[i] = (struct player_thread){.cluster = &cluster, .rank = i};
        ck_assert_int_eq(pthread_create(&players[i].thread, NULL, play, &players[i]), 0);
    }
    for (uint32_t i = 0; i < size; i++) {
        void *hangs = NULL;
        ck_assert_int_eq(pthread_join(players[i].thread, &hangs), 0);
        must(players[i].status, seed);
        ck_assert_msg(hangs == NULL, "rank %u hangs; replay with BARKS_TEST_SEED=%" PRIu64, i,
                      seed);
    }
    cluster_close(&cluster);
}

START_TEST(survivors_go_on_in_threads)
{
    uint64_t seed = property_seed();
    for (uint64_t i = 0; i < 8; i++) {
        play_all(false, 2 + (uint32_t)(i % 6), seed + i);
        play_all(true, 2 + (uint32_t)(i % 6), seed + i);
    }
}
END_TEST

static void must_fail(barks_status *status, barks_code code, const char *words)
{
    ck_assert_ptr_nonnull(status);
    ck_assert_int_eq(barks_status_code(status), code);
    ck_assert_msg(strstr(barks_status_text(status), words) != NULL, "'%s' lacks '%s'",
                  barks_status_text(status), words);
    barks_status_free(status);
}

/* A phase may be over for one executor while another waits in vain: whoever is lost had sent to the
 * first. In the next epoch all begin alike. */
START_TEST(a_phase_ends_for_some_and_is_given_up_by_others)
{
    struct net *nets[4];
    struct net_round_size send[3] = {{.sequence = 1}, {.sequence = 1}, {.sequence = 1}};
    struct net_round_size receive[4][3];
    bool done[4] = {false}, is_lost[4] = {false, false, false, true}, gave_up[4] = {false};
    must(net_local_open(4, true, nets), 0);
    for (uint32_t rank = 1; rank < 4; rank++)
        must(net_sizes_begin(nets[rank], send, receive[rank]), 0);
    must(net_round_test(nets[1], &done[1]), 0); /* copies from 2 and 3 */
    must(net_send(nets[3], 1, "late", 4), 0);
    /* 3 copies from 1 alone: by the rule of the hub, it takes them in turn, so 2 must not be there
     * yet; here it is, and all three copy before 3 dies, but 2 never asks. */
    must(net_round_test(nets[3], &done[3]), 0);
    must(net_round_test(nets[2], &done[2]), 0);
    must(net_round_test(nets[1], &done[1]), 0);
    ck_assert(done[1] && done[2]);
    must(net_sizes_begin(nets[1], send, receive[1]), 0);
    must(net_sizes_begin(nets[2], send, receive[2]), 0);
    net_fall_silent(nets[3]);
    must(net_round_test(nets[1], &done[1]), 0);
    ck_assert(!done[1]);
    must(net_epoch_begin(nets[1], 1, is_lost, &gave_up[1]), 0);
    ck_assert(gave_up[1]);
    must(net_round_test(nets[2], &done[2]), 0);
    ck_assert(!done[2]);
    must(net_epoch_begin(nets[2], 1, is_lost, &gave_up[2]), 0);
    ck_assert(gave_up[2]);
    struct net_message message = {0};
    bool got = false;
    must(net_poll(nets[1], &message, &got), 0);
    ck_assert(!got); /* what the lost one had sent is dropped */
    must(net_send(nets[1], 3, "x", 1), 0);
    for (uint32_t rank = 1; rank < 3; rank++) {
        receive[rank][2].bytes = 77;
        must(net_sizes_begin(nets[rank], send, receive[rank]), 0);
    }
    for (int i = 0; i < 2; i++)
        for (uint32_t rank = 1; rank < 3; rank++)
            if (!done[rank] || i == 0)
                must(net_round_test(nets[rank], &done[rank]), 0);
    must_fail(net_epoch_begin(nets[1], 1, is_lost, &gave_up[1]), BARKS_INTERNAL,
              "told to begin epoch 1 after epoch 1");
    must_fail(net_epoch_begin(nets[3], 1, is_lost, &gave_up[3]), BARKS_INTERNAL,
              "told that it is lost itself");
    ck_assert_uint_eq(receive[1][2].bytes, 0);
    ck_assert_uint_eq(receive[1][1].sequence, 1);
    for (uint32_t rank = 0; rank < 4; rank++)
        net_close(nets[rank], true);
}
END_TEST

SUITE_MAIN("net/survival", survivors_go_on_over_the_simulator, survivors_go_on_over_local_endpoints,
           survivors_go_on_in_threads, a_phase_ends_for_some_and_is_given_up_by_others)
