/* Executors that exchange the shuffles of a job while some of them are lost: a driver that runs map
 * runs, loses executors, moves slots to heirs, runs again what is lost and commits again; and the
 * check that each row of each partition has arrived exactly once at who holds it. */
#pragma once

#include "net/net.h"
#include "shuffle/exchange.h"
#include "shuffle/reduce_side.h"
#include "store/spill.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { LOSING_SIZE_MAX = 8, LOSING_PARTITIONS = 23, LOSING_RUNS_MAX = 24, LOSING_WORKERS = 2 };

/* Alike on all ranks; zero means none, or the default of the exchange. */
struct losing_options {
    uint64_t seed;
    uint32_t run_count;
    uint32_t rows_max;       /* of a run in one partition */
    uint32_t frame_rows_max; /* attempts of a run cut its rows into other frames */
    uint32_t loss_count;
    uint32_t loss_chance;  /* one in so many turns of the driver an executor is lost */
    uint32_t bad_percent;  /* of the attempts end as not good */
    uint32_t copy_percent; /* of the runs are made twice at once */
    bool fails;            /* one executor cannot take a frame: all fail, and the job begins anew */
    bool spills;
    uint32_t shuffle_count; /* runs are in them in turn, and each has a weight of its own; 0: one,
                               of which the exchange is told nothing */
    uint64_t pool_bytes;
    uint64_t round_bytes_per_peer;
    uint64_t linger_ns;
    bool encode_always;
    enum link_compression compression;
};

enum losing_kind {
    LOSING_BURST_WANTED, /* from executors */
    LOSING_READY,
    LOSING_RUN_DONE,
    LOSING_RUN_FAILED,
    LOSING_COMPLETE,
    LOSING_FAILED, /* the exchange, of all running jobs */
    LOSING_BURST,  /* from the driver */
    LOSING_EPOCH,
    LOSING_HOLDER,
    LOSING_RUN,
    LOSING_COMMIT,
    LOSING_JOB, /* the next one; what is left of the last is dropped */
    LOSING_DIE,
    LOSING_END,
};

/* What the driver and executors tell each other; what a kind does not use is 0. */
struct losing_word {
    uint32_t kind;
    uint32_t epoch;
    uint32_t job;
    uint64_t burst;
    uint32_t run, attempt;
    uint32_t slot, holder;
    bool is_lost[LOSING_SIZE_MAX];          /* by rank */
    uint32_t attempts[LOSING_RUNS_MAX];     /* of a commit */
    uint64_t frame_counts[LOSING_RUNS_MAX]; /* of a commit, by run; of a run, by slot - 1 */
};

struct losing_node;

struct losing_worker {
    struct losing_node *node;
    uint64_t random;
    bool has_run;
    uint32_t run, attempt;
    uint32_t rows_made[LOSING_PARTITIONS];
};

/* One executor. */
struct losing_node {
    struct net *net;
    const struct losing_options *options;
    struct pool *pool;
    struct spill_room room;
    struct reduce_side *reduce_side;
    struct exchange *exchange;
    struct losing_worker workers[LOSING_WORKERS];
    /* The communication thread's. */
    uint32_t epoch;
    uint32_t job;
    uint32_t fails_in; /* so many frames from others; 0: never */
    bool is_communicating;
    bool has_failed;               /* this job has */
    bool awaited[LOSING_SIZE_MAX]; /* slots that are committed and not told as complete, by rank */
    bool is_over;
    bool is_to_die;
    /* Guarded by lock. */
    pthread_mutex_t lock;
    struct losing_word wanted[LOSING_RUNS_MAX * 4], ended[LOSING_RUNS_MAX * 4];
    uint32_t wanted_count, ended_count;
};

BARKS_CHECKED barks_status *losing_node_init(struct losing_node *node, struct net *net,
                                             const struct losing_options *options);
/* Errors: BARKS_INTERNAL, it has leaked memory of its pool. */
BARKS_CHECKED barks_status *losing_node_drop(struct losing_node *node);
/* Adds a frame, ends or begins an attempt. */
BARKS_CHECKED barks_status *losing_work(struct losing_worker *worker);
BARKS_CHECKED barks_status *losing_communicate(struct losing_node *node, bool *out_busy);

struct losing_run {
    bool is_done;
    uint32_t attempt, executor;             /* that count */
    uint64_t frame_counts[LOSING_SIZE_MAX]; /* by slot - 1 */
    uint32_t next_attempt;
    uint32_t live_attempts[LOSING_SIZE_MAX]; /* by rank; attempt + 1, 0: none */
};

struct losing_driver {
    struct net *net;
    const struct losing_options *options;
    uint64_t random;
    struct losing_run runs[LOSING_RUNS_MAX];
    uint32_t holders[LOSING_SIZE_MAX]; /* by slot */
    bool is_complete[LOSING_SIZE_MAX]; /* likewise */
    bool is_silent[LOSING_SIZE_MAX], is_lost[LOSING_SIZE_MAX], is_ready[LOSING_SIZE_MAX];
    bool has_failed[LOSING_SIZE_MAX]; /* by rank: this job */
    uint32_t job;
    uint32_t epoch;
    uint32_t losses_left;
    uint64_t started_burst;
    bool is_recovering;
    bool is_committed;
    bool is_done;
    uint32_t epochs_begun, runs_again, slots_moved, jobs_failed; /* what a test has really tried */
    void (*lose)(void *context, uint32_t rank);
    bool (*is_dead)(void *context, uint32_t rank); /* one that is to be lost; NULL: at once */
    void *context;
};

void losing_driver_init(struct losing_driver *driver, struct net *net,
                        const struct losing_options *options);
/* A turn: hears a message, may lose an executor or say so, gives out work. */
BARKS_CHECKED barks_status *losing_drive(struct losing_driver *driver);
