/* Lost ranks under MPI: mpirun --enable-recovery -np N mpi_survival SEED WAVES. The driver prints
 * one line, since mpirun hides how its ranks end: "survived: ..." where every byte was right to the
 * end, "WRONG: ..." where one was not; no line at all, or another, where the survivors could not go
 * on (over tcp, Open MPI without ULFM sometimes cannot). */
#include "base/clock.h"
#include "base/process.h"
#include "survival.h"

#include <mpi.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#define RUN_NS_MAX (25 * NS_PER_S)

static void on_alarm(int signal_number)
{
    (void)signal_number;
    (void)kill(getpid(), SIGKILL);
}

static void die(void *context, uint32_t rank, uint64_t after_us)
{
    (void)context;
    (void)rank;
    struct itimerval timer = {.it_value.tv_usec = (suseconds_t)after_us + 1};
    if (signal(SIGALRM, on_alarm) == SIG_ERR || setitimer(ITIMER_REAL, &timer, NULL) != 0)
        _exit(3);
}

static bool is_dead(void *context, uint32_t rank)
{
    const pid_t *pids = context;
    return process_is_gone(pids[rank]);
}

static void say(const char *text)
{
    printf("%s\n", text);
    (void)fflush(stdout);
}

/* Prints what went wrong and ends all, unless all is well. */
static void check(barks_status *status)
{
    char text[500];
    if (status == NULL)
        return;
    barks_status_format(status, text, sizeof text);
    say(text);
    (void)MPI_Abort(MPI_COMM_WORLD, 1);
}

static void run(struct net *net, struct survival *survival)
{
    uint64_t deadline_ns = monotonic_ns() + RUN_NS_MAX;
    for (bool done = false, moved = false; !done;) {
        check(survival_step(survival, &moved, &done));
        if (!moved && !done)
            net_wait(net, 50 * NS_PER_US);
        if (monotonic_ns() < deadline_ns)
            continue;
        if (net->rank == 0)
            say("no end in time");
        (void)MPI_Abort(MPI_COMM_WORLD, 1);
    }
}

int main(int argc, char **argv)
{
    static pid_t pids[SURVIVAL_SIZE_MAX];
    static struct survival survival;
    struct net *net = NULL;
    check(net_mpi_open(&(struct net_mpi_options){.recovery = NET_RECOVERY_AUTO}, &net));
    if (argc < 3 || net->size > SURVIVAL_SIZE_MAX || !net_recovers(net)) {
        if (net->rank == 0)
            say("usage: mpirun --enable-recovery -np N mpi_survival SEED WAVES");
        net_close(net, false);
        return 2;
    }
    pid_t pid = getpid();
    if (MPI_Allgather(&pid, sizeof pid, MPI_BYTE, pids, sizeof pid, MPI_BYTE, MPI_COMM_WORLD) !=
        MPI_SUCCESS)
        return 2;
    struct survival_options options = {.seed = strtoull(argv[1], NULL, 10),
                                       .wave_count = (uint32_t)strtoul(argv[2], NULL, 10),
                                       .die_after_max = 20000,
                                       .round_bytes_max = 600000,
                                       .message_bytes_max = 3 << 20,
                                       .die = die,
                                       .is_dead = is_dead,
                                       .context = pids};
    check(survival_init(&survival, net, &options));
    run(net, &survival);
    bool is_driver = net->rank == 0;
    net_close(net, false);
    if (is_driver) {
        uint32_t lost_count = 0;
        char text[100];
        for (uint32_t rank = 1; rank < SURVIVAL_SIZE_MAX; rank++)
            lost_count += survival.is_lost[rank];
        (void)snprintf(text, sizeof text, "survived: %u lost, %u epochs", lost_count,
                       survival.epoch);
        say(text);
    }
    _exit(0); /* where ranks were lost there was no MPI_Finalize */
}
