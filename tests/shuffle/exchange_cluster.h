/* An exchange of several executors with a driver that starts its bursts: workloads from a seed, and
 * a check of every frame that arrives. */
#pragma once

#include "net/net.h"
#include "shuffle/exchange.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { CLUSTER_SIZE_MAX = 8, CLUSTER_PARTITIONS = 37, CLUSTER_WORKERS = 2 };
#define TEST_SHUFFLE UINT64_C(0x1122334455667788)

/* Alike on all endpoints. Zero means none, or the default of the exchange. */
struct cluster_options {
    uint64_t seed;
    uint32_t attempts_per_executor;
    uint32_t frames_per_attempt_max;
    uint32_t rows_per_frame_max;
    uint32_t huge_frame_rows; /* one attempt has one frame of so many rows */
    uint32_t bad_percent;     /* of the attempts end as not good */
    uint32_t idle_executor;   /* this rank has nothing to send; 0: all have */
    bool one_owner;           /* executor 1 owns all partitions */
    bool pauses;              /* workers rest at random, so that bursts end and begin again */
    uint64_t pool_bytes;
    uint64_t round_bytes_per_peer;
    uint64_t linger_ns;
    uint32_t stalled_rounds_max;
    uint64_t used_bytes_max; /* workers rest while more of the pool is in use; 0: never */
    bool encode_always;
    bool retains;
    enum link_compression compression;
    bool spills;            /* what waits to be sent goes to disk where memory is used up */
    uint32_t shuffle_count; /* TEST_SHUFFLE and those after it, in turn by attempts, of jobs of
                               several weights; 0: one, of which the exchange is told nothing */
};

/* What has arrived from one (run, attempt): the next sequence of each partition. */
struct cluster_seen {
    uint32_t next_sequences[CLUSTER_PARTITIONS];
};

struct cluster_node;

/* A worker of an executor; it makes every CLUSTER_WORKERS-th attempt. */
struct cluster_worker {
    struct cluster_node *node;
    uint64_t random;
    uint32_t attempt; /* being made */
    uint32_t frame;   /* of it */
    uint32_t frame_count;
    struct cluster_seen made; /* the sequences that the exchange will give */
    bool is_done;
};

/* One executor. */
struct cluster_node {
    struct net *net;
    struct pool *pool;
    struct spill_room room; /* where it spills */
    struct exchange *exchange;
    const struct cluster_options *options;
    struct cluster_worker workers[CLUSTER_WORKERS];
    bool keeps_frames;          /* instead of freeing them: memory fills up */
    barks_code deliver_failure; /* that the next delivery has; 0: none */
    /* Guarded by lock, since workers deliver too. */
    pthread_mutex_t lock;
    uint32_t done_workers;
    struct exchange_sent expected[CLUSTER_SIZE_MAX]; /* sums over good attempts, by receiver */
    struct cluster_seen *seen;                       /* owned: [executor * attempts + attempt] */
    struct exchange_sent arrived;
    uint64_t frame_count_from[CLUSTER_SIZE_MAX];
    struct frame *kept;
};

struct cluster {
    struct cluster_options options;
    uint32_t size; /* ranks */
    struct net *nets[CLUSTER_SIZE_MAX];
    struct cluster_node nodes[CLUSTER_SIZE_MAX]; /* from 1 on */
    uint64_t started_burst;                      /* the driver's */
};

/* Takes the endpoints of one process. */
BARKS_CHECKED barks_status *cluster_init(struct cluster *cluster, uint32_t size, struct net **nets,
                                         const struct cluster_options *options);
void cluster_drop(struct cluster *cluster); /* closes the endpoints too */

/* One executor alone, for programs of several processes. Takes the endpoint. */
BARKS_CHECKED barks_status *cluster_node_init(struct cluster_node *node, struct net *net,
                                              const struct cluster_options *options);
void cluster_node_drop(struct cluster_node *node);

/* Of a run, which is the number of an attempt among those of all executors. */
uint64_t cluster_shuffle_of(const struct cluster_options *options, uint32_t run);

/* The driver: starts bursts. */
BARKS_CHECKED barks_status *cluster_drive(struct net *net, uint64_t *started_burst);

/* Adds a frame or ends an attempt. */
BARKS_CHECKED barks_status *cluster_work(struct cluster_worker *worker);

/* The executor's communication thread. */
BARKS_CHECKED barks_status *cluster_communicate(struct cluster_node *node, bool *out_busy);

/* What all executors together sent to one, once all their workers are done. */
bool cluster_expected(struct cluster *cluster, uint32_t rank, struct exchange_sent *out);

/* Whether a node got just what it must; more is an error. */
BARKS_CHECKED barks_status *
cluster_node_check(struct cluster_node *node, const struct exchange_sent *expected, bool *out_done);

/* Whether all that was sent has arrived everywhere. */
BARKS_CHECKED barks_status *cluster_check(struct cluster *cluster, bool *out_done);
