/* The conformance suite on MPI: mpirun -np N mpi_conformance WAY. Exit status 0 where all is well.
 *
 * WAY: run     barks initialises MPI
 *      peers   the same, able to go on without lost ranks: rounds are messages
 *      two     rounds in two levels, with $BARKS_TEST_NODES
 *      sent    as peers, where the kernel refuses to read other processes' memory
 *      user    the program has, and uses it afterwards
 *      single  the program has, without threads: barks must refuse
 *      refuse  the kernel refuses to read other processes' memory: no word about it on stderr
 *      abort   rank 1 ends all with status 7
 *      fail    rank 1 leaves as after a failure, the others wait for it in vain and do the same */
#include "base/clock.h"
#include "base/scope.h"
#include "conformance.h"
#include "net/net.h"
#include "net/single_copy.h"

#include <mpi.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Prints what went wrong; the exit status. */
static int report(barks_status *status)
{
    char text[500];
    if (status == NULL)
        return 0;
    barks_status_format(status, text, sizeof text);
    fprintf(stderr, "%s\n", text);
    barks_status_free(status);
    return 1;
}

BARKS_CHECKED static barks_status *run_all(struct net *net)
{
    const char *given = getenv("BARKS_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : 1; /* the same on all ranks */
    struct conformance_options all[] = {
        {.seed = seed},
        {.seed = seed, .messages_per_pair = 200, .message_bytes_max = 40000},
        {.seed = seed, .round_count = 200, .round_bytes_max = 5000},
        {.seed = seed,
         .messages_per_pair = 500,
         .message_bytes_max = 20000,
         .round_count = 100,
         .round_bytes_max = 100000},
        {.seed = seed,
         .messages_per_pair = 4000,
         .message_bytes_max = 60,
         .sends_all_at_once = true},
        {.seed = seed,
         .messages_per_pair = 20,
         .message_bytes_max = 1 << 20,
         .big_message_bytes = (size_t)64 << 20,
         .sends_all_at_once = true,
         .round_count = 10,
         .round_bytes_max = 4 << 20},
        /* The driver, which has no rounds, waits here and not in net_close, which has a limit. */
        {.seed = seed, .messages_per_pair = 1},
    };
    BARKS_AUTO(conformance_early) early = {0};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        all[i].seed += i;
        if (all[i].round_count == 0 && all[i].messages_per_pair > 1 &&
            getenv("BARKS_TEST_NODES") != NULL)
            continue; /* messages are the same on any nodes */
        BARKS_TRY_DOING(conformance_run(net, &all[i], &early), "part %zu, seed %llu", i,
                        (unsigned long long)all[i].seed);
    }
    if (early.count > 0)
        BARKS_FAIL(BARKS_INTERNAL, "%zu messages too many", early.count);
    return NULL;
}

/* What rounds in two levels need, and nothing else does. */
static unsigned described_count;
int MPI_Type_create_hindexed(int count, const int lengths[], const MPI_Aint places[],
                             MPI_Datatype old_type, MPI_Datatype *out_type)
{
    described_count++;
    return PMPI_Type_create_hindexed(count, lengths, places, old_type, out_type);
}

struct run {
    struct net_mpi_options options;
    barks_status *status; /* owned */
};

static void *open_and_run(void *argument)
{
    struct run *run = argument;
    struct net *net = NULL;
    run->status = net_mpi_open(&run->options, &net);
    if (run->status == NULL) {
        if (net_recovers(net) != (run->options.recovery == NET_RECOVERY_ON))
            run->status = barks_status_new(BARKS_INTERNAL, NULL, BARKS_HERE, "recovery is wrong");
        else
            run->status = run_all(net);
        if (run->status == NULL && run->options.levels == NET_LEVELS_TWO && net->rank > 0 &&
            described_count == 0)
            run->status = barks_status_new(BARKS_INTERNAL, NULL, BARKS_HERE, "all in one level");
        net_close(net, run->status != NULL);
    }
    return NULL;
}

/* As a job does it: a thread of its own opens, runs and closes. */
BARKS_CHECKED static barks_status *run_in_own_thread(struct net_mpi_options options)
{
    pthread_t thread;
    struct run run = {.options = options};
    if (pthread_create(&thread, NULL, open_and_run, &run) != 0 || pthread_join(thread, NULL) != 0)
        BARKS_FAIL(BARKS_INTERNAL, "no thread");
    return run.status;
}

static int run_in_thread(struct net_mpi_options options)
{
    return report(run_in_own_thread(options));
}

static int run_under_user(void)
{
    int provided = 0, rank = -1, sum = 0;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided);
    if (run_in_thread((struct net_mpi_options){0}) != 0)
        return 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    MPI_Finalize();
    return sum < rank;
}

static int refuse_single(void)
{
    MPI_Init(NULL, NULL);
    barks_status *status = run_in_own_thread((struct net_mpi_options){0});
    int wrong = status == NULL || barks_status_code(status) != BARKS_INVALID ||
                strstr(barks_status_text(status), "MPI_THREAD_SERIALIZED") == NULL;
    if (wrong)
        fprintf(stderr, "opening was not refused as it should be\n");
    barks_status_free(status);
    MPI_Finalize();
    return wrong;
}

/* process_vm_readv fails from now on with EPERM, as in many containers. */
static bool forbid_single_copy(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof rules / sizeof *rules, .filter = rules};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static int run_refused(void)
{
    bool worked = single_copy_works();
    char path[] = "/tmp/barks-stderr-XXXXXX";
    int file = mkstemp(path), kept = dup(STDERR_FILENO);
    struct stat written = {0};
    if (!forbid_single_copy() || single_copy_works() || file < 0 || kept < 0 || unlink(path) != 0 ||
        dup2(file, STDERR_FILENO) < 0)
        return 1;
    int result = run_in_thread((struct net_mpi_options){0});
    if (fstat(file, &written) != 0 || dup2(kept, STDERR_FILENO) < 0)
        return 1;
    if (written.st_size > 0) {
        char text[400] = "";
        ssize_t got = pread(file, text, sizeof text - 1, 0);
        fprintf(stderr, "%lld bytes on stderr: %s\n", (long long)written.st_size,
                got > 0 ? text : "");
        result = 1;
    }
    if (!worked)
        fprintf(stderr, "note: memory of other processes could not be read before either\n");
    close(file);
    close(kept);
    return result;
}

static int run_without_reads(void)
{
    return forbid_single_copy() && !single_copy_works()
               ? run_in_thread((struct net_mpi_options){.recovery = NET_RECOVERY_ON})
               : 1;
}

static int abort_all(void)
{
    struct net *net = NULL;
    if (report(net_mpi_open(&(struct net_mpi_options){0}, &net)) != 0)
        return 1;
    if (net->rank == 1)
        net_abort(net, 7);
    for (;;)
        net_wait(net, NS_PER_MS);
}

/* Whoever leaves after a failure waits for nobody: rank 1 never begins the round. */
static int leave_after_failure(void)
{
    struct net *net = NULL;
    if (report(net_mpi_open(&(struct net_mpi_options){0}, &net)) != 0)
        return 1;
    uint32_t count = net->size - 1;
    struct net_round_size *sizes = calloc(2 * (size_t)count, sizeof *sizes);
    bool done = false;
    if (sizes == NULL || (net->rank > 1 && report(net_sizes_begin(net, sizes, sizes + count)) != 0))
        return 1;
    for (int i = 0; net->rank > 1 && i < 1000; i++) {
        if (report(net_round_test(net, &done)) != 0 || done)
            return 1;
        net_wait(net, 50 * NS_PER_US);
    }
    net_close(net, true);
    _exit(0);
}

int main(int argc, char **argv)
{
    const char *way = argc > 1 ? argv[1] : "run";
    if (strcmp(way, "run") == 0)
        return run_in_thread((struct net_mpi_options){0});
    if (strcmp(way, "peers") == 0)
        return run_in_thread((struct net_mpi_options){.recovery = NET_RECOVERY_ON});
    if (strcmp(way, "two") == 0)
        return run_in_thread((struct net_mpi_options){.levels = NET_LEVELS_TWO});
    if (strcmp(way, "sent") == 0)
        return run_without_reads();
    if (strcmp(way, "user") == 0)
        return run_under_user();
    if (strcmp(way, "single") == 0)
        return refuse_single();
    if (strcmp(way, "refuse") == 0)
        return run_refused();
    if (strcmp(way, "abort") == 0)
        return abort_all();
    if (strcmp(way, "fail") == 0)
        return leave_after_failure();
    fprintf(stderr, "unknown way '%s'\n", way);
    return 2;
}
