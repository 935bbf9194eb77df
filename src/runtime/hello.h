/* The handshake: executors say who they are, the driver checks that they fit together and shares
 * out the cores. */
#pragma once

#include "barks/status.h"
#include "base/config.h"

#include <stdbool.h>
#include <stdint.h>

struct net;
struct topology;

/* What an executor says of itself. Texts are owned. */
struct hello {
    uint32_t protocol;
    char *version;
    uint64_t binary_hash;
    char *host;
    uint32_t pid;
    uint64_t node_id;
    uint32_t core_count;
    bool user_bound;
    uint64_t memory_bytes; /* the node's budget for the job */
    char *memory_origin;
    char *devices; /* that it sees (visible_devices.h); NULL: none */
    char *problem; /* NULL, or why this rank cannot take part (two functions of one name) */
};
void hello_drop(struct hello *hello);

/* What the driver answers. */
struct welcome {
    struct config config; /* the driver's */
    uint32_t first_core;
    uint32_t worker_count;
    bool bind;
    uint64_t memory_bytes; /* this executor's budget */
    bool has_far_peers;    /* executors on other nodes */
    uint32_t driver_pid;   /* where it is on the executor's node; else 0 */
};
void welcome_drop(struct welcome *welcome);

/* This process's own, as it would say it. */
BARKS_CHECKED barks_status *hello_of_this_process(const struct topology *topology,
                                                  struct hello *out_hello);

/* Executor: says hello and waits for the answer. *out_refused: the driver ended the job instead,
 * with *out_exit_status. */
BARKS_CHECKED barks_status *hello_exchange(struct net *net, const struct topology *topology,
                                           const struct config *config, struct welcome *out_welcome,
                                           bool *out_refused, int *out_exit_status);

/* Driver: the fields of a MESSAGE_HELLO. */
struct unpacker;
BARKS_CHECKED barks_status *hello_unpack(struct unpacker *in, struct hello *out_hello);

/* Driver: all ranks run the same. Errors: BARKS_INVALID, one sentence that names both ranks and
 * what differs. */
BARKS_CHECKED barks_status *hello_check(const struct hello *driver, const struct hello *executors,
                                        uint32_t executor_count);

/* Driver: cores, workers and memory for each executor; configuration has the last word. The last
 * spare_count ones share cores with the others, but not memory. */
BARKS_CHECKED barks_status *hello_share(const struct hello *executors, uint32_t executor_count,
                                        uint32_t spare_count, const struct config *config,
                                        struct welcome *out_welcomes);
BARKS_CHECKED barks_status *welcome_send(struct net *net, uint32_t to,
                                         const struct welcome *welcome,
                                         const struct config *config);
