/* How ranks talk: a control channel and all-to-all rounds, over MPI, inside one process, or
 * simulated. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net_backend;

/* One endpoint: the rank of this process, or one of several in it (local, sim). All calls but
 * net_wake come from the one thread that owns the endpoint, its communication thread. Nothing
 * blocks but net_wait, open and close.
 *
 * Rank 0 is the driver. Rounds run among the executors, ranks 1 .. size - 1; the driver never takes
 * part. */
struct net {
    const struct net_backend *backend;
    uint32_t rank;
    uint32_t size;
    bool recovers; /* ranks may be lost, and the rest goes on: net_epoch_begin */
};

/* A control message that arrived. */
struct net_message {
    uint32_t from;
    uint8_t *bytes; /* owned; net_message_drop */
    size_t size_bytes;
};
void net_message_drop(struct net_message *message);

/* What each executor tells each other one before the payload of a round. */
struct net_round_size {
    uint64_t bytes;        /* of payload that follows in this round */
    uint64_t credit_bytes; /* how much the sender of this entry would take from its receiver in the
                              next round */
    uint64_t total_bytes;  /* what the sender of this entry sends to all in this round; net sets
                              it */
    uint32_t flags;        /* opaque to net */
    uint32_t sequence;     /* of the round; checked by net: a mismatch is BARKS_INTERNAL */
};

_Static_assert(sizeof(struct net_round_size) == 32, "ranks exchange this struct as bytes");

enum {
    NET_ROUND_BYTES_MAX = 1 << 29
}; /* of a round's buffer: no count or displacement nears 2^31 */

/* Where in a buffer the payload from or for one executor lies. */
struct net_piece {
    size_t offset_bytes;
    size_t bytes; /* 0: nothing, whatever the offset */
};

struct net_backend {
    const char *name;
    void (*close)(struct net *net,
                  bool after_failure); /* never hangs: MPI_Finalize only when all is well */
    barks_status *(*send)(struct net *net, uint32_t to, const void *bytes, size_t size_bytes);
    barks_status *(*poll)(struct net *net, struct net_message *out_message, bool *out_got);
    barks_status *(*sizes_begin)(struct net *net, const struct net_round_size *send,
                                 struct net_round_size *receive);
    barks_status *(*payload_begin)(struct net *net, const uint8_t *send,
                                   const struct net_piece *send_pieces, uint8_t *receive,
                                   const struct net_piece *receive_pieces);
    barks_status *(*round_test)(struct net *net, bool *out_done);
    barks_status *(*epoch_begin)(struct net *net, uint32_t epoch, const bool *is_lost,
                                 bool *out_gave_up);
    bool (*take_suspect)(struct net *net, uint32_t *out_rank);
    void (*wait)(struct net *net, uint64_t nap_ns_max);
    void (*wake)(struct net *net);
    void (*abort)(struct net *net, int exit_code);
    /* All three may be NULL: there is no MPI. */
    barks_status *(*communicator_check)(const struct net *net);
    barks_status *(*communicator_make)(struct net *net, const uint32_t *ranks, uint32_t count,
                                       uint64_t stage, void *out_communicator, size_t size_bytes);
    void (*communicator_free)(struct net *net, void *communicator);
};

/* Sends a control message: any size, copied before it returns, in order for each pair of ranks.
 * Messages to oneself arrive too. Errors: BARKS_NO_MEMORY, BARKS_LOST (the peer is known to be
 * gone). */
BARKS_CHECKED barks_status *net_send(struct net *net, uint32_t to, const void *bytes,
                                     size_t size_bytes);

/* The next message, if one has arrived; also drives what was sent. */
BARKS_CHECKED barks_status *net_poll(struct net *net, struct net_message *out_message,
                                     bool *out_got);

/* A round, collective over the executors, in this order: sizes_begin, round_test until done,
 * payload_begin, round_test until done. Arrays have one entry for each executor, entry i for rank i
 * + 1 (bytes to oneself are 0); they and the buffers stay untouched until done. Pieces lie within
 * the first NET_ROUND_BYTES_MAX bytes of their buffer, without overlap, and are as long as the
 * sizes said. Errors: BARKS_LIMIT (past NET_ROUND_BYTES_MAX), BARKS_LOST, BARKS_INTERNAL (out of
 * step with the others). */
BARKS_CHECKED barks_status *net_sizes_begin(struct net *net, struct net_round_size *send,
                                            struct net_round_size *receive);
BARKS_CHECKED barks_status *net_payload_begin(struct net *net, const uint8_t *send,
                                              const struct net_piece *send_pieces, uint8_t *receive,
                                              const struct net_piece *receive_pieces);
BARKS_CHECKED barks_status *net_round_test(struct net *net, bool *out_done);

/* Whether ranks may be lost while the rest goes on: the endpoint was opened so. Then the end of a
 * peer is no error of any call: messages to it succeed and do nothing, rounds with it are never
 * done, and the caller decides when it is lost. It is constant and the same on all ranks. */
static inline bool net_recovers(const struct net *net) { return net->recovers; }

/* From now on these ranks are gone for ever: is_lost has an entry for each rank, and whoever was
 * lost before stays so. What is sent to them is dropped, and what has arrived from them, or still
 * does, is too, but for messages that net_poll has handed out. Rounds from now on are among the
 * living executors that have begun the same epoch: sizes to the lost are ignored, sizes from them
 * read as 0, and pieces for them must be empty. epoch grows with each call; the first is 0 and
 * needs no call. A rank of an older or newer epoch is waited for. Only where net_recovers.
 *
 * *out_gave_up: a phase of a round was outstanding and is given up. Its arrays and buffers may
 * still be read and written until the process ends: the caller lets go of them, keeps them
 * reachable, and never touches or frees them. (A payload that has been sent whole may have been
 * received by some; a given-up phase may be done at others.) Not collective, does not block.
 *
 * Errors: BARKS_NO_MEMORY (the call may be repeated), BARKS_LIMIT (thousands of epochs),
 * BARKS_INTERNAL (not after the last one, or this rank itself is lost). */
BARKS_CHECKED barks_status *net_epoch_begin(struct net *net, uint32_t epoch, const bool *is_lost,
                                            bool *out_gave_up);

/* A rank that the backend believes to be gone, each told once; false: none that is new. Most
 * backends notice nothing of the kind, so this only adds to what the caller finds out himself. */
bool net_take_suspect(struct net *net, uint32_t *out_rank);

/* Sleeps until something may have arrived, net_wake was called, or the nap is over. The backend
 * begins with short naps after traffic and doubles them up to nap_ns_max (MPI-FACTS: spin ~10
 * tests, then 1, 2, 4 us ...), so the caller only says how lazy it may be now: 50 us while a round
 * or request is outstanding, 200 us while a stage runs, 1 ms idle. */
void net_wait(struct net *net, uint64_t nap_ns_max);
void net_wake(struct net *net); /* any thread */

/* Ends all ranks at once with this exit status; used when nothing else helps. Does not return. Any
 * thread for local; under MPI only the owner may call MPI_Abort, others leave by _exit after
 * killing nothing. */
void net_abort(struct net *net, int exit_code) __attribute__((noreturn));

/* Communicators of MPI for code of the job that runs in tasks. An exception to the rule of the one
 * thread: worker threads call these, which is why they want .for_tasks of net_mpi_open, and so does
 * the code that gets one.
 *
 * Errors: BARKS_INVALID: why there are none. */
BARKS_CHECKED barks_status *net_communicator_check(const struct net *net);
/* Of the executors of these ranks, each of which makes it now: rank i of it is ranks[i].
 * *out_communicator is an MPI_Comm of size_bytes. */
BARKS_CHECKED barks_status *net_communicator_make(struct net *net, const uint32_t *ranks,
                                                  uint32_t count, uint64_t stage,
                                                  void *out_communicator, size_t size_bytes);
void net_communicator_free(struct net *net, void *communicator);

/* Leaves. after_failure: peers may be gone, so nothing collective is done. NULL is fine. Where
 * ranks were lost (net_epoch_begin) a good end waits for the living ones for a few seconds; the
 * process then leaves by _exit, as after a failure, since MPI_Finalize might wait for the dead. */
void net_close(struct net *net, bool after_failure);

/* Backends. net_mpi_open is called by the thread that will own the endpoint; it calls
 * MPI_Init_thread unless the user has, duplicates MPI_COMM_WORLD, and knows how many ranks there
 * are. */
bool net_mpi_wanted(
    void); /* started by mpirun (or srun) with more than one rank: from the environment alone */
enum net_recovery {
    NET_RECOVERY_OFF,
    NET_RECOVERY_ON,
    NET_RECOVERY_AUTO, /* on where net_mpi_recovery_possible */
};

/* How the payload of rounds goes where executors share nodes, and ranks may not be lost. */
enum net_levels {
    NET_LEVELS_AUTO, /* two where pieces are small and that saves many messages */
    NET_LEVELS_ONE,  /* from each executor to each */
    NET_LEVELS_TWO,  /* gathered in each node first, while that needs little memory */
};

/* Zero means the default. */
struct net_mpi_options {
    enum net_recovery recovery; /* as rank 0 has it */
    enum net_levels levels;     /* likewise */
    bool for_tasks;             /* with MPI_THREAD_MULTIPLE, where MPI has it */
};
BARKS_CHECKED barks_status *net_mpi_open(const struct net_mpi_options *options,
                                         struct net **out_net);

/* Whether the others would live on when a rank of this job dies, as far as it can be seen: by the
 * environment, and once MPI is initialised by what it says of itself (ULFM). */
bool net_mpi_recovery_possible(void);

/* size endpoints in this process; endpoint i is rank i. The hub lives until the last endpoint is
 * closed. */
BARKS_CHECKED barks_status *net_local_open(uint32_t size, bool recovers, struct net **out_nets);

/* The same, but messages and rounds are delayed and (between different pairs) reordered by the
 * seed, in steps: every poll or test of any endpoint is a step of virtual time. For tests. */
BARKS_CHECKED barks_status *net_sim_open(uint32_t size, uint64_t seed, bool recovers,
                                         struct net **out_nets);

/* Makes an endpoint of one of these two fall silent for ever, as if its process had died: what it
 * sends is lost, nothing arrives there, its rounds are never done, and of what was on its way an
 * arbitrary part still arrives. Its owner may go on calling, and closes it as the others do. Any
 * thread. */
void net_fall_silent(struct net *net);
