/* The bound for the exchange: a bare loop of MPI_Ialltoall (sizes) and MPI_Ialltoallv (bytes) over
 * reused huge pages, with one copy in and one copy out; see usage. Run by mpirun with 2 or more
 * ranks. */
#include <mpi.h>

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "usage: mpirun -np N exchange_bound [-b BYTES] [-t BYTES] [-s BYTES] [-n MICROSECONDS]\n"
    "                               [-r REPETITIONS]\n"
    "\n"
    "Every rank sends to every other, in rounds. Rank 0 prints the payload that went between\n"
    "ranks (to oneself does not count) in GB/s summed over ranks: best and median repetition.\n"
    "  -b BYTES         to each peer in each round (1048576)\n"
    "  -t BYTES         to each peer in each repetition (536870912)\n"
    "  -s BYTES         of memory to copy from, and to: more than caches hold (67108864)\n"
    "  -n MICROSECONDS  the longest nap between two tests of a request: naps double from 1 to it;\n"
    "                   0 tests without a nap (50)\n"
    "  -r REPETITIONS   (5), after one that does not count\n";

enum {
    HUGE_PAGE_BYTES = 2 << 20,
    RANKS_MAX = 4096,
    REPETITIONS_MAX = 100,
    TESTS_BEFORE_NAP = 10, /* after traffic the next message is often there at once */
};

struct options {
    size_t round_bytes;
    size_t total_bytes;
    size_t source_bytes;
    unsigned nap_us_max;
    unsigned repetition_count;
};

struct exchange {
    int rank, rank_count;
    struct options options;
    char *send, *receive; /* rank_count * round_bytes */
    char *source, *sink;  /* options.source_bytes */
    int *sizes, *peer_sizes, *displacements;
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "exchange_bound: %s: %s\n", what, strerror(errno));
    MPI_Abort(MPI_COMM_WORLD, 1);
    exit(1);
}

/* Touched memory on huge pages where the kernel has them. */
static char *map_memory(size_t bytes)
{
    size_t mapped_bytes = (bytes / HUGE_PAGE_BYTES + 2) * HUGE_PAGE_BYTES;
    char *memory =
        mmap(NULL, mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        die("no memory");
    memory += -(uintptr_t)memory % HUGE_PAGE_BYTES;
    (void)madvise(memory, bytes, MADV_HUGEPAGE); /* only speed depends on it */
    memset(memory, 1, bytes);
    return memory;
}

static void wait_for(MPI_Request *request, unsigned nap_us_max)
{
    unsigned nap_us = 1;
    for (unsigned tests = 1;; tests++) {
        int is_done = 0;
        MPI_Test(request, &is_done, MPI_STATUS_IGNORE);
        if (is_done)
            return;
        if (nap_us_max == 0 || tests <= TESTS_BEFORE_NAP)
            continue;
        struct timespec nap = {.tv_sec = nap_us / 1000000, .tv_nsec = nap_us % 1000000 * 1000L};
        (void)nanosleep(&nap, NULL);
        nap_us = 2 * nap_us < nap_us_max ? 2 * nap_us : nap_us_max;
    }
}

/* One round; the copies move through source and sink, which are larger than the caches. */
static void exchange_round(struct exchange *exchange, size_t round_index)
{
    const size_t bytes = exchange->options.round_bytes;
    size_t slices = exchange->options.source_bytes / bytes;
    size_t slice = round_index * (size_t)exchange->rank_count;
    MPI_Request request;
    for (int peer = 0; peer < exchange->rank_count; peer++)
        if (peer != exchange->rank)
            memcpy(exchange->send + (size_t)peer * bytes,
                   exchange->source + (slice + (size_t)peer) % slices * bytes, bytes);
    MPI_Ialltoall(exchange->sizes, 1, MPI_INT, exchange->peer_sizes, 1, MPI_INT, MPI_COMM_WORLD,
                  &request);
    wait_for(&request, exchange->options.nap_us_max);
    MPI_Ialltoallv(exchange->send, exchange->sizes, exchange->displacements, MPI_BYTE,
                   exchange->receive, exchange->peer_sizes, exchange->displacements, MPI_BYTE,
                   MPI_COMM_WORLD, &request);
    wait_for(&request, exchange->options.nap_us_max);
    for (int peer = 0; peer < exchange->rank_count; peer++)
        if (peer != exchange->rank)
            memcpy(exchange->sink + (slice + (size_t)peer) % slices * bytes,
                   exchange->receive + (size_t)peer * bytes, (size_t)exchange->peer_sizes[peer]);
}

static void exchange_init(struct exchange *exchange)
{
    size_t bytes = exchange->options.round_bytes;
    size_t ranks = (size_t)exchange->rank_count;
    exchange->send = map_memory(ranks * bytes);
    exchange->receive = map_memory(ranks * bytes);
    exchange->source = map_memory(exchange->options.source_bytes);
    exchange->sink = map_memory(exchange->options.source_bytes);
    exchange->sizes = calloc(ranks, sizeof *exchange->sizes);
    exchange->peer_sizes = calloc(ranks, sizeof *exchange->peer_sizes);
    exchange->displacements = calloc(ranks, sizeof *exchange->displacements);
    if (exchange->sizes == NULL || exchange->peer_sizes == NULL || exchange->displacements == NULL)
        die("no memory");
    for (int peer = 0; peer < exchange->rank_count; peer++) {
        /* parse_options has bounded ranks * bytes by INT_MAX */
        exchange->sizes[peer] = peer == exchange->rank ? 0 : (int)bytes;
        exchange->displacements[peer] = (int)((size_t)peer * bytes);
    }
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(struct exchange *exchange)
{
    double rates[REPETITIONS_MAX];
    const struct options *options = &exchange->options;
    size_t round_count = options->total_bytes / options->round_bytes;
    round_count = round_count > 0 ? round_count : 1;
    double pair_count = (double)exchange->rank_count * (exchange->rank_count - 1);
    double payload_bytes = (double)(round_count * options->round_bytes) * pair_count;
    for (unsigned i = 0; i <= options->repetition_count; i++) {
        MPI_Barrier(MPI_COMM_WORLD);
        double start_seconds = MPI_Wtime();
        for (size_t round = 0; round < round_count; round++)
            exchange_round(exchange, round);
        MPI_Barrier(MPI_COMM_WORLD);
        if (i > 0)
            rates[i - 1] = payload_bytes / (MPI_Wtime() - start_seconds) / 1e9;
    }
    qsort(rates, options->repetition_count, sizeof *rates, compare_doubles);
    if (exchange->rank == 0)
        printf("ranks %d round_bytes %zu nap_us %u best_gbs %.2f median_gbs %.2f\n",
               exchange->rank_count, options->round_bytes, options->nap_us_max,
               rates[options->repetition_count - 1], rates[options->repetition_count / 2]);
}

static bool parse_options(int argc, char **argv, int rank_count, struct options *options)
{
    int option = 0;
    opterr = 0; /* one usage is enough, not one for each rank */
    while ((option = getopt(argc, argv, "b:t:s:n:r:")) != -1) {
        unsigned long long number = optarg != NULL ? strtoull(optarg, NULL, 10) : 0;
        if (option == 'b')
            options->round_bytes = (size_t)number;
        else if (option == 't')
            options->total_bytes = (size_t)number;
        else if (option == 's')
            options->source_bytes = (size_t)number;
        else if (option == 'n' && number <= 1000000)
            options->nap_us_max = (unsigned)number;
        else if (option == 'r' && number >= 1 && number <= REPETITIONS_MAX)
            options->repetition_count = (unsigned)number;
        else
            return false;
    }
    return optind == argc && rank_count >= 2 && rank_count <= RANKS_MAX &&
           options->round_bytes > 0 && options->source_bytes >= options->round_bytes &&
           options->round_bytes <= (size_t)INT32_MAX / (size_t)rank_count;
}

int main(int argc, char **argv)
{
    struct exchange exchange = {.options = {.round_bytes = 1 << 20,
                                            .total_bytes = 512 << 20,
                                            .source_bytes = 64 << 20,
                                            .nap_us_max = 50,
                                            .repetition_count = 5}};
    if (MPI_Init(&argc, &argv) != MPI_SUCCESS)
        return 1;
    MPI_Comm_rank(MPI_COMM_WORLD, &exchange.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &exchange.rank_count);
    bool is_usable = parse_options(argc, argv, exchange.rank_count, &exchange.options);
    if (is_usable) {
        /* Else each nap would last the default slack of 50 us longer. */
        (void)prctl(PR_SET_TIMERSLACK, 1000UL);
        exchange_init(&exchange);
        measure(&exchange);
    } else if (exchange.rank == 0) {
        fputs(usage, stderr);
    }
    /* Every rank leaves with 0 but one, or mpirun names a rank at random as the culprit. */
    int status = !is_usable && exchange.rank == 0 ? 2 : 0;
    return MPI_Finalize() == MPI_SUCCESS ? status : 1;
}
