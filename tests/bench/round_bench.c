/* Rounds of net among executors, each of which has the same number of bytes for each other: their
 * time, and how many messages of MPI they take; see usage. */
#include "base/clock.h"
#include "net/net.h"

#include <mpi.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: mpirun -np N round_bench [-b BYTES] [-l LEVELS] [-r ROUNDS] [-n MICROSECONDS]\n"
    "\n"
    "Rank 0 prints the time of a round (median and mean, of rank 1), what it costs each executor "
    "of\n"
    "CPU time, and how many messages an executor sends in it, for sizes and payload together.\n"
    "  -b BYTES         from each executor to each (64)\n"
    "  -l LEVELS        auto, one or two (auto)\n"
    "  -r ROUNDS        (200), after a tenth of them that do not count\n"
    "  -n MICROSECONDS  the longest nap between two tests (50)\n";

enum { ROUNDS_MAX = 100000 };

struct bench {
    struct net_mpi_options options;
    size_t bytes;
    uint32_t round_count, nap_us_max;
    struct net *net;
    struct net_round_size *send_sizes, *receive_sizes; /* owned, as all below */
    struct net_piece *pieces;
    uint8_t *send, *receive;
    uint64_t *round_ns;
};

/* What an executor tells rank 0. */
struct result {
    uint64_t median_ns, mean_ns, cpu_ns, messages;
};

/* ---- messages, counted on their way into MPI; those of collectives go to each peer at once ----
 */

static uint64_t message_count;

int MPI_Isend(const void *bytes, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
              MPI_Request *request)
{
    message_count++;
    return PMPI_Isend(bytes, count, type, to, tag, comm, request);
}

static uint64_t peer_count(MPI_Comm comm)
{
    int size = 1;
    (void)MPI_Comm_size(comm, &size); /* of a communicator that is there */
    return (uint64_t)size - 1;
}

int MPI_Ialltoall(const void *send, int send_count, MPI_Datatype send_type, void *receive,
                  int receive_count, MPI_Datatype receive_type, MPI_Comm comm, MPI_Request *request)
{
    message_count += peer_count(comm);
    return PMPI_Ialltoall(send, send_count, send_type, receive, receive_count, receive_type, comm,
                          request);
}

int MPI_Ialltoallv(const void *send, const int send_counts[], const int send_places[],
                   MPI_Datatype send_type, void *receive, const int receive_counts[],
                   const int receive_places[], MPI_Datatype receive_type, MPI_Comm comm,
                   MPI_Request *request)
{
    message_count += peer_count(comm);
    return PMPI_Ialltoallv(send, send_counts, send_places, send_type, receive, receive_counts,
                           receive_places, receive_type, comm, request);
}

/* ---- rounds ---- */

static void check(barks_status *status)
{
    char text[400];
    if (status == NULL)
        return;
    barks_status_format(status, text, sizeof text);
    fprintf(stderr, "round_bench: %s\n", text);
    _exit(1); /* mpirun ends the others */
}

static void *checked(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "round_bench: no memory\n");
        _exit(1);
    }
    return memory;
}

static void wait_for_phase(struct bench *bench)
{
    for (bool done = false; !done;) {
        check(net_round_test(bench->net, &done));
        if (!done)
            net_wait(bench->net, bench->nap_us_max * NS_PER_US);
    }
}

static uint64_t cpu_ns(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* which Linux has */
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static void make_round(struct bench *bench, uint32_t sequence)
{
    for (uint32_t i = 0; i + 1 < bench->net->size; i++)
        bench->send_sizes[i] =
            (struct net_round_size){.bytes = bench->pieces[i].bytes, .sequence = sequence};
    check(net_sizes_begin(bench->net, bench->send_sizes, bench->receive_sizes));
    wait_for_phase(bench);
    check(net_payload_begin(bench->net, bench->send, bench->pieces, bench->receive, bench->pieces));
    wait_for_phase(bench);
}

static int compare_times(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void execute(struct bench *bench)
{
    uint32_t count = bench->net->size - 1, first = bench->round_count / 10;
    struct result result = {0};
    bench->send_sizes = checked(calloc(count, sizeof *bench->send_sizes));
    bench->receive_sizes = checked(calloc(count, sizeof *bench->receive_sizes));
    bench->pieces = checked(calloc(count, sizeof *bench->pieces));
    bench->send = checked(calloc(count, bench->bytes));
    bench->receive = checked(calloc(count, bench->bytes));
    bench->round_ns = checked(calloc(bench->round_count, sizeof *bench->round_ns));
    for (uint32_t i = 0; i < count; i++)
        if (i + 1 != bench->net->rank)
            bench->pieces[i] = (struct net_piece){i * bench->bytes, bench->bytes};
    for (uint32_t round = 0; round < first + bench->round_count; round++) {
        uint64_t start_ns = monotonic_ns();
        if (round == first) {
            message_count = 0;
            result.cpu_ns = cpu_ns();
        }
        make_round(bench, round);
        if (round >= first) {
            bench->round_ns[round - first] = monotonic_ns() - start_ns;
            result.mean_ns += monotonic_ns() - start_ns;
        }
    }
    result.messages = message_count;
    result.cpu_ns = cpu_ns() - result.cpu_ns;
    qsort(bench->round_ns, bench->round_count, sizeof *bench->round_ns, compare_times);
    result.median_ns = bench->round_ns[bench->round_count / 2];
    check(net_send(bench->net, 0, &result, sizeof result));
}

static void hear_results(struct bench *bench)
{
    static const char *const levels[] = {"auto", "one", "two"};
    struct result first = {0};
    uint64_t messages = 0, all_cpu_ns = 0;
    uint32_t left = bench->net->size - 1;
    while (left > 0) {
        struct net_message message = {0};
        struct result result = {0};
        bool got = false;
        check(net_poll(bench->net, &message, &got));
        if (!got) {
            net_wait(bench->net, 10 * NS_PER_MS);
            continue;
        }
        memcpy(&result, message.bytes, sizeof result);
        first = message.from == 1 ? result : first;
        messages += result.messages;
        all_cpu_ns += result.cpu_ns;
        net_message_drop(&message);
        left--;
    }
    double rounds = bench->round_count, executors = bench->net->size - 1;
    printf(
        "executors %u bytes %zu levels %s median_us %.0f mean_us %.0f cpu_us %.0f messages %.1f\n",
        bench->net->size - 1, bench->bytes, levels[bench->options.levels],
        (double)first.median_ns / 1e3, (double)first.mean_ns / 1e3 / rounds,
        (double)all_cpu_ns / 1e3 / rounds / executors, (double)messages / rounds / executors);
}

static bool parse_options(int argc, char **argv, struct bench *bench)
{
    int option = 0;
    opterr = 0; /* one usage is enough, not one for each rank */
    while ((option = getopt(argc, argv, "b:l:r:n:")) != -1) {
        unsigned long long number = optarg != NULL ? strtoull(optarg, NULL, 10) : 0;
        if (option == 'b' && number >= 1 && number <= 1 << 20)
            bench->bytes = (size_t)number;
        else if (option == 'r' && number >= 10 && number <= ROUNDS_MAX)
            bench->round_count = (uint32_t)number;
        else if (option == 'n' && number <= 1000000)
            bench->nap_us_max = (uint32_t)number;
        else if (option == 'l' && strcmp(optarg, "one") == 0)
            bench->options.levels = NET_LEVELS_ONE;
        else if (option == 'l' && strcmp(optarg, "two") == 0)
            bench->options.levels = NET_LEVELS_TWO;
        else if (option != 'l' || strcmp(optarg, "auto") != 0)
            return false;
    }
    return optind == argc;
}

int main(int argc, char **argv)
{
    struct bench bench = {.bytes = 64, .round_count = 200, .nap_us_max = 50};
    bool is_usable = parse_options(argc, argv, &bench);
    check(net_mpi_open(&bench.options, &bench.net));
    if (bench.net == NULL)
        return 1; /* never: check has ended it */
    is_usable = is_usable && bench.net->size >= 3 &&
                bench.bytes * (bench.net->size - 1) <= NET_ROUND_BYTES_MAX;
    if (is_usable && bench.net->rank == 0)
        hear_results(&bench);
    else if (is_usable)
        execute(&bench);
    else if (bench.net->rank == 0)
        fputs(usage, stderr);
    int result = !is_usable && bench.net->rank == 0 ? 2 : 0;
    net_close(bench.net, false);
    free(bench.send_sizes);
    free(bench.receive_sizes);
    free(bench.pieces);
    free(bench.send);
    free(bench.receive);
    free(bench.round_ns);
    return result;
}
