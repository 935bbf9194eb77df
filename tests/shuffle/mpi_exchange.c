/* The exchange over MPI: mpirun -np N mpi_exchange [SEED]. Every executor makes frames and checks
 * what arrives, rank 0 starts bursts. Exit status 0 where all is well. */
#include "base/clock.h"
#include "exchange_cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Beside bursts (a uint64_t): what an executor sent to the receiver, in all, is told by sizes. */
enum { DONE_BYTES = 1, STOP_BYTES = 2 };

static void check(const struct net *net, uint64_t seed, barks_status *status)
{
    char text[400];
    if (status == NULL)
        return;
    barks_status_format(status, text, sizeof text);
    fprintf(stderr, "rank %u, seed %llu: %s\n", net->rank, (unsigned long long)seed, text);
    _exit(1); /* mpirun ends the others */
}

/* What the driver hears: bursts that are wanted, and who is done. */
BARKS_CHECKED static barks_status *drive_to_end(struct net *net)
{
    uint64_t started_burst = 0;
    for (uint32_t done_count = 0; done_count + 1 < net->size;) {
        struct net_message message = {0};
        bool got = false;
        BARKS_TRY(net_poll(net, &message, &got));
        if (!got) {
            net_wait(net, 200 * NS_PER_US);
            continue;
        }
        done_count += message.size_bytes == DONE_BYTES;
        uint64_t burst = 0;
        if (message.size_bytes == sizeof burst)
            memcpy(&burst, message.bytes, sizeof burst);
        net_message_drop(&message);
        if (burst != started_burst + 1)
            continue;
        started_burst = burst;
        for (uint32_t rank = 1; rank < net->size; rank++)
            BARKS_TRY(net_send(net, rank, &burst, sizeof burst));
    }
    for (uint32_t rank = 1; rank < net->size; rank++)
        BARKS_TRY(net_send(net, rank, "..", STOP_BYTES));
    return NULL;
}

/* Of an executor's end: who has told what it sent here, and what this one has told. */
struct ending {
    struct exchange_sent expected; /* so far */
    uint32_t told_count;           /* by how many */
    bool has_told;
    bool is_done;
    bool is_stopped;
};

BARKS_CHECKED static barks_status *hear(struct cluster_node *node, struct ending *ending)
{
    struct net_message message = {0};
    struct exchange_sent sent = {0};
    bool got = false;
    BARKS_TRY(net_poll(node->net, &message, &got));
    if (!got)
        return NULL;
    if (message.size_bytes == sizeof(uint64_t)) {
        uint64_t burst = 0;
        memcpy(&burst, message.bytes, sizeof burst);
        exchange_start_burst(node->exchange, burst);
    } else if (message.size_bytes == sizeof sent) {
        memcpy(&sent, message.bytes, sizeof sent);
        ending->expected.frame_count += sent.frame_count;
        ending->expected.row_count += sent.row_count;
        ending->expected.bytes += sent.bytes;
        ending->told_count++;
    } else {
        ending->is_stopped = true;
    }
    net_message_drop(&message);
    return NULL;
}

/* Tells what it sent once its workers are done, and that it is done once all has arrived. */
BARKS_CHECKED static barks_status *tell(struct cluster_node *node, struct ending *ending)
{
    struct net *net = node->net;
    if (!ending->has_told && node->done_workers == CLUSTER_WORKERS) {
        for (uint32_t rank = 1; rank < net->size; rank++)
            BARKS_TRY(net_send(net, rank, &node->expected[rank - 1], sizeof node->expected[0]));
        ending->has_told = true;
    }
    if (ending->told_count + 1 < net->size)
        return NULL;
    bool is_whole = false;
    BARKS_TRY(cluster_node_check(node, &ending->expected, &is_whole));
    if (is_whole && !ending->is_done)
        BARKS_TRY(net_send(net, 0, ".", DONE_BYTES));
    ending->is_done = is_whole;
    return NULL;
}

BARKS_CHECKED static barks_status *execute_to_end(struct cluster_node *node)
{
    struct ending ending = {0};
    bool busy = false;
    while (!ending.is_stopped || busy) {
        uint64_t burst = 0;
        for (uint32_t i = 0; i < CLUSTER_WORKERS; i++)
            BARKS_TRY(cluster_work(&node->workers[i]));
        BARKS_TRY(hear(node, &ending));
        if (exchange_wants_burst(node->exchange, &burst))
            BARKS_TRY(net_send(node->net, 0, &burst, sizeof burst));
        BARKS_TRY(exchange_step(node->exchange, &busy));
        BARKS_TRY(tell(node, &ending));
        net_wait(node->net, 50 * NS_PER_US);
    }
    return ending.is_done
               ? NULL
               : barks_status_new(BARKS_INTERNAL, NULL, BARKS_HERE, "stopped before all was there");
}

int main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    /* Together some 100 MB, a frame of 40 MB among them. */
    struct cluster_options options = {.seed = seed,
                                      .attempts_per_executor = 40,
                                      .frames_per_attempt_max = 30,
                                      .rows_per_frame_max = 5000,
                                      .huge_frame_rows = 1000000,
                                      .bad_percent = 10,
                                      .pool_bytes = (uint64_t)1 << 30,
                                      .round_bytes_per_peer = seed % 2 == 0 ? 100000 : 0};
    struct net *net = NULL;
    struct cluster_node node = {0};
    barks_status *status = net_mpi_open(&(struct net_mpi_options){0}, &net);
    if (status != NULL) {
        fprintf(stderr, "%s\n", barks_status_text(status));
        barks_status_free(status);
        return 1;
    }
    if (net->rank == 0) {
        check(net, seed, drive_to_end(net));
    } else {
        check(net, seed, cluster_node_init(&node, net, &options));
        check(net, seed, execute_to_end(&node));
        cluster_node_drop(&node);
    }
    net_close(net, false);
    return 0;
}
