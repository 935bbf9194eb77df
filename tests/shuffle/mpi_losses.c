/* Executors that are killed while they exchange, under MPI: mpirun --enable-recovery -np N
 * mpi_losses SEED. The driver prints one line, since mpirun hides how its ranks end: "survived:
 * ..." where every row was right to the end. */
#include "base/clock.h"
#include "losing_cluster.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum { SECONDS_MAX = 60, DEATH_US_MAX = 3000 };

static pid_t pids[LOSING_SIZE_MAX]; /* of the executors, by rank: the driver's */
static struct losing_driver driver;
static struct losing_node node;

static void check(struct net *net, barks_status *status)
{
    char text[600];
    if (status == NULL)
        return;
    barks_status_format(status, text, sizeof text);
    printf("WRONG: rank %u: %s\n", net->rank, text);
    (void)fflush(stdout);
    net_abort(net, 1);
}

static void end_at_once(int signal_number)
{
    (void)signal_number;
    (void)kill(getpid(), SIGKILL);
}

static void die_soon(uint64_t after_us)
{
    struct itimerval timer = {.it_value.tv_usec = (suseconds_t)after_us + 1};
    if (signal(SIGALRM, end_at_once) == SIG_ERR || setitimer(ITIMER_REAL, &timer, NULL) != 0)
        end_at_once(SIGALRM);
}

static void lose(void *context, uint32_t rank)
{
    struct net *net = context;
    struct losing_word word = {.kind = LOSING_DIE};
    check(net, net_send(net, rank, &word, sizeof word));
}

/* A zombie is as dead as one that mpirun has buried. */
static bool is_dead(void *context, uint32_t rank)
{
    char path[64], text[512] = "";
    (void)context;
    if (kill(pids[rank], 0) != 0)
        return errno == ESRCH;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pids[rank]);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return true;
    const char *after_name = fgets(text, sizeof text, file) != NULL ? strrchr(text, ')') : NULL;
    (void)fclose(file);
    return after_name != NULL && after_name[1] == ' ' && after_name[2] == 'Z';
}

BARKS_CHECKED static barks_status *learn_pids(struct net *net)
{
    for (uint32_t heard = 0; heard + 1 < net->size;) {
        struct net_message message = {0};
        bool got = false;
        BARKS_TRY(net_poll(net, &message, &got));
        if (!got) {
            net_wait(net, 200 * NS_PER_US);
            continue;
        }
        memcpy(&pids[message.from], message.bytes, sizeof pids[0]);
        net_message_drop(&message);
        heard++;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *drive_to_end(struct net *net,
                                                const struct losing_options *options)
{
    BARKS_TRY(learn_pids(net));
    losing_driver_init(&driver, net, options);
    driver.lose = lose;
    driver.is_dead = is_dead;
    driver.context = net;
    while (!driver.is_done) {
        BARKS_TRY(losing_drive(&driver));
        net_wait(net, 20 * NS_PER_US);
    }
    printf("survived: %u epochs, %u runs again, %u slots moved\n", driver.epochs_begun,
           driver.runs_again, driver.slots_moved);
    (void)fflush(stdout);
    return NULL;
}

BARKS_CHECKED static barks_status *execute_to_end(struct net *net,
                                                  const struct losing_options *options)
{
    pid_t pid = getpid();
    bool busy = true;
    BARKS_TRY(losing_node_init(&node, net, options));
    BARKS_TRY(net_send(net, 0, &pid, sizeof pid));
    while (!node.is_over) {
        BARKS_TRY(losing_communicate(&node, &busy));
        for (uint32_t i = 0; i < LOSING_WORKERS; i++)
            BARKS_TRY(losing_work(&node.workers[i]));
        if (node.is_to_die)
            die_soon((options->seed * 7919 + net->rank * 104729) % DEATH_US_MAX);
        node.is_to_die = false;
        net_wait(net, 50 * NS_PER_US);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    struct net *net = NULL;
    barks_status *status =
        net_mpi_open(&(struct net_mpi_options){.recovery = NET_RECOVERY_ON}, &net);
    if (status != NULL) {
        printf("WRONG: %s\n", barks_status_text(status));
        barks_status_free(status);
        return 1;
    }
    struct losing_options options = {.seed = seed,
                                     .run_count = LOSING_RUNS_MAX,
                                     .rows_max = 3000,
                                     .frame_rows_max = 400,
                                     .loss_count = 1 + (uint32_t)(seed % (net->size - 2)),
                                     .loss_chance = 200,
                                     .bad_percent = 5,
                                     .copy_percent = 10,
                                     .spills = true,
                                     .pool_bytes = (uint64_t)(seed % 2 == 0 ? 8 : 64) << 20,
                                     .round_bytes_per_peer = 70000};
    (void)alarm(SECONDS_MAX);
    check(net, net->rank == 0 ? drive_to_end(net, &options) : execute_to_end(net, &options));
    (void)alarm(0);
    (void)fflush(stdout);
    _exit(0); /* a round may be under way, and who was lost is not waited for */
}
