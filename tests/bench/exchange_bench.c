/* The exchange of barks: frames that workers have encoded and queued, through rounds, to delivered
 * frames; see usage. The peer of bounds/exchange_bound.c. */
#include "base/clock.h"
#include "base/pool.h"
#include "batch/batch.h"
#include "net/net.h"
#include "shuffle/exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: mpirun -np N exchange_bench [-b BYTES] [-t BYTES] [-f ROWS] [-s BYTES]\n"
    "                               [-n MICROSECONDS] [-r REPETITIONS] [-p]\n"
    "\n"
    "Rank 0 drives, the others exchange. Rank 0 prints the payload that went between executors\n"
    "(frames to oneself do not count) in GB/s summed over executors: best and median repetition.\n"
    "Frames are batches of 100-byte rows; encoding them into the queue is not timed.\n"
    "  -b BYTES         to each peer in each round at most (1048576)\n"
    "  -t BYTES         to each peer in each repetition (268435456)\n"
    "  -f ROWS          of a frame (4096)\n"
    "  -s BYTES         of delivered frames that are kept before they are freed (67108864)\n"
    "  -n MICROSECONDS  the longest nap between two tests (50)\n"
    "  -r REPETITIONS   (5), after one that does not count\n"
    "  -p               rounds by peers, as a job makes them that outlives lost executors\n";

enum { ROW_COLUMNS = 13, REPETITIONS_MAX = 100, EXECUTORS_MAX = 256 };

struct bench {
    uint64_t round_bytes, total_bytes, kept_bytes_max;
    uint32_t rows, nap_us_max, repetition_count;
    struct net_mpi_options mpi;
    struct net *net;
    struct pool *pool;
    struct exchange *exchange;
    uint32_t heard_counts[4]; /* by kind: words that nobody has waited for yet */
    uint64_t delivered_bytes; /* in this repetition */
    struct frame *kept_first, *kept_last;
    uint64_t kept_bytes;
};

/* What ranks tell each other: bursts, and the brackets of a repetition. */
enum word_kind { WORD_BURST, WORD_READY, WORD_GO, WORD_DONE };
struct word {
    uint64_t kind;
    uint64_t burst;
};

static void check(barks_status *status)
{
    char text[400];
    if (status == NULL)
        return;
    barks_status_format(status, text, sizeof text);
    fprintf(stderr, "exchange_bench: %s\n", text);
    _exit(1); /* mpirun ends the others */
}

static void say(struct bench *bench, uint32_t to, enum word_kind kind, uint64_t burst)
{
    struct word word = {kind, burst};
    check(net_send(bench->net, to, &word, sizeof word));
}

static bool hear(struct bench *bench, struct word *out_word)
{
    struct net_message message = {0};
    bool got = false;
    check(net_poll(bench->net, &message, &got));
    if (got)
        memcpy(out_word, message.bytes, sizeof *out_word);
    net_message_drop(&message);
    return got;
}

static barks_status *deliver(void *context, struct frame *frame)
{
    struct bench *bench = context;
    bench->delivered_bytes += frame->name.body_bytes;
    bench->kept_bytes += frame->name.body_bytes;
    if (bench->kept_last == NULL)
        bench->kept_first = frame;
    else
        bench->kept_last->next = frame;
    bench->kept_last = frame;
    while (bench->kept_bytes > bench->kept_bytes_max && bench->kept_first != frame) {
        struct frame *first = bench->kept_first;
        bench->kept_first = first->next;
        bench->kept_bytes -= first->name.body_bytes;
        frame_destroy(first);
    }
    return NULL;
}

/* Encodes and queues what this executor sends in a repetition; the bytes of bodies to one peer. */
static uint64_t queue_frames(struct bench *bench, uint32_t repetition)
{
    static const barks_type wide = {.id = BARKS_I64}, narrow = {.id = BARKS_I32};
    static barks_field fields[ROW_COLUMNS];
    static const barks_schema schema = {ROW_COLUMNS, fields};
    uint64_t sent_bytes = 0;
    for (uint32_t i = 0; i < ROW_COLUMNS; i++)
        fields[i] = (barks_field){.name = "c", .type = i == 0 ? &narrow : &wide};
    for (uint32_t owner = 1; owner < bench->net->size; owner++) {
        uint32_t frame_count = (uint32_t)(bench->total_bytes / (100u * bench->rows)) + 1;
        for (uint32_t i = 0; i < frame_count && owner != bench->net->rank; i++) {
            struct batch *batch = NULL;
            check(batch_create(bench->pool, &schema, bench->rows, &batch));
            check(batch_reserve(batch, bench->rows));
            for (uint32_t column = 0; column < ROW_COLUMNS; column++)
                memset(batch->base.columns[column].values, (int)(i + column),
                       bench->rows * (column == 0 ? 4u : 8u));
            batch->base.row_count = bench->rows;
            check(exchange_add(bench->exchange, 1, repetition, 0, i, owner, batch));
        }
    }
    static struct exchange_sent sent[EXECUTORS_MAX];
    check(exchange_end_attempt(bench->exchange, 1, repetition, 0, true, sent));
    for (uint32_t i = 0; i + 1 < bench->net->size; i++)
        sent_bytes = sent[i].bytes > sent_bytes ? sent[i].bytes : sent_bytes;
    return sent_bytes;
}

static void execute(struct bench *bench)
{
    for (uint32_t repetition = 0; repetition <= bench->repetition_count; repetition++) {
        struct word word = {0};
        uint64_t expected_bytes = queue_frames(bench, repetition) * (bench->net->size - 2);
        bench->delivered_bytes = 0;
        say(bench, 0, WORD_READY, 0);
        while (!hear(bench, &word) || word.kind != WORD_GO)
            net_wait(bench->net, bench->nap_us_max * NS_PER_US);
        bool busy = true;
        while (bench->delivered_bytes < expected_bytes || busy) {
            uint64_t burst = 0, rounds = exchange_counters(bench->exchange).rounds;
            if (hear(bench, &word))
                exchange_start_burst(bench->exchange, word.burst);
            if (exchange_wants_burst(bench->exchange, &burst))
                say(bench, 0, WORD_BURST, burst);
            check(exchange_step(bench->exchange, &busy));
            if (rounds == exchange_counters(bench->exchange).rounds)
                net_wait(bench->net, bench->nap_us_max * NS_PER_US);
        }
        say(bench, 0, WORD_DONE, 0);
    }
}

/* Waits until every executor has said so, starting bursts meanwhile. One may be a word ahead. */
static void wait_for_all(struct bench *bench, enum word_kind kind, uint64_t *started_burst)
{
    while (bench->heard_counts[kind] + 1 < bench->net->size) {
        struct word word = {0};
        if (!hear(bench, &word)) {
            net_wait(bench->net, bench->nap_us_max * NS_PER_US);
            continue;
        }
        bench->heard_counts[word.kind]++;
        if (word.kind != WORD_BURST || word.burst != *started_burst + 1)
            continue;
        *started_burst = word.burst;
        for (uint32_t rank = 1; rank < bench->net->size; rank++)
            say(bench, rank, WORD_BURST, word.burst);
    }
    bench->heard_counts[kind] = 0;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void drive(struct bench *bench)
{
    static double rates[REPETITIONS_MAX + 1];
    uint64_t started_burst = 0;
    uint32_t executors = bench->net->size - 1;
    uint32_t frame_count = (uint32_t)(bench->total_bytes / (100u * bench->rows)) + 1;
    double payload_bytes = (double)frame_count * 100 * bench->rows * executors * (executors - 1);
    for (uint32_t i = 0; i <= bench->repetition_count; i++) {
        wait_for_all(bench, WORD_READY, &started_burst);
        uint64_t start_ns = monotonic_ns();
        for (uint32_t rank = 1; rank <= executors; rank++)
            say(bench, rank, WORD_GO, 0);
        wait_for_all(bench, WORD_DONE, &started_burst);
        double seconds = (double)(monotonic_ns() - start_ns) / (double)NS_PER_S;
        if (i > 0)
            rates[i - 1] = payload_bytes / seconds / 1e9;
    }
    qsort(rates, bench->repetition_count, sizeof *rates, compare_doubles);
    printf("executors %u round_bytes %llu nap_us %u best_gbs %.2f median_gbs %.2f\n", executors,
           (unsigned long long)bench->round_bytes, bench->nap_us_max,
           rates[bench->repetition_count - 1], rates[bench->repetition_count / 2]);
}

static bool parse_options(int argc, char **argv, struct bench *bench)
{
    int option = 0;
    opterr = 0; /* one usage is enough, not one for each rank */
    while ((option = getopt(argc, argv, "b:t:f:s:n:r:p")) != -1) {
        unsigned long long number = optarg != NULL ? strtoull(optarg, NULL, 10) : 0;
        if (option == 'b')
            bench->round_bytes = number;
        else if (option == 't')
            bench->total_bytes = number;
        else if (option == 'f' && number >= 1 && number <= 1000000)
            bench->rows = (uint32_t)number;
        else if (option == 's')
            bench->kept_bytes_max = number;
        else if (option == 'n' && number <= 1000000)
            bench->nap_us_max = (uint32_t)number;
        else if (option == 'r' && number >= 1 && number <= REPETITIONS_MAX)
            bench->repetition_count = (uint32_t)number;
        else if (option == 'p')
            bench->mpi.recovery = NET_RECOVERY_ON;
        else
            return false;
    }
    return optind == argc && bench->round_bytes > 0;
}

int main(int argc, char **argv)
{
    struct bench bench = {.round_bytes = 1 << 20,
                          .total_bytes = 256 << 20,
                          .kept_bytes_max = 64 << 20,
                          .rows = 4096,
                          .nap_us_max = 50,
                          .repetition_count = 5};
    bool is_usable = parse_options(argc, argv, &bench);
    check(net_mpi_open(&bench.mpi, &bench.net));
    is_usable = is_usable && bench.net->size >= 3 && bench.net->size <= EXECUTORS_MAX;
    if (is_usable && bench.net->rank == 0) {
        drive(&bench);
    } else if (is_usable) {
        check(pool_create(2 * bench.total_bytes * bench.net->size + ((uint64_t)256 << 20),
                          &bench.pool));
        check(exchange_create(&(struct exchange_options){.pool = bench.pool,
                                                         .net = bench.net,
                                                         .round_bytes_per_peer = bench.round_bytes,
                                                         .deliver = deliver,
                                                         .context = &bench},
                              &bench.exchange));
        execute(&bench);
    } else if (bench.net->rank == 0) {
        fputs(usage, stderr);
    }
    int result = !is_usable && bench.net->rank == 0 ? 2 : 0;
    net_close(bench.net, false);
    exchange_destroy(bench.exchange);
    while (bench.kept_first != NULL) {
        struct frame *next = bench.kept_first->next;
        frame_destroy(bench.kept_first);
        bench.kept_first = next;
    }
    pool_destroy(bench.pool);
    return result;
}
