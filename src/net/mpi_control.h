/* Control messages over MPI. */
#pragma once

#include "net/mpi_losses.h"
#include "net/mpi_sent.h"
#include "net/net.h"

#include <mpi.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A message of up to CONTROL_SMALL_BYTES is one MPI message that lands in a ring of posted
 * receives. A larger one is announced there by its size; its bytes follow on a communicator of
 * their own in pieces of CONTROL_PIECE_BYTES, for which receives are posted when it is the next of
 * its sender. What a sender sent behind it is held until it is whole, so that pairs keep their
 * order. */
enum {
    CONTROL_RING_SLOTS = 64,
};

struct control_arrived;

struct control_queue {
    struct control_arrived *first;
    struct control_arrived *last;
};

/* What has arrived from one rank behind a message that is not whole yet. */
struct control_peer {
    struct control_queue held; /* first is the incomplete one */
    struct control_peer *next; /* another that holds something */
    bool is_broken;            /* a piece will never come: it is gone */
};

/* Threads: its owner alone, who is also the one that may call MPI. */
struct mpi_control {
    MPI_Comm small; /* borrowed, as bulk */
    MPI_Comm bulk;
    struct mpi_losses *losses; /* borrowed */
    uint32_t rank;
    uint32_t size;
    uint8_t *ring_bytes; /* owned: CONTROL_RING_SLOTS buffers */
    MPI_Request ring[CONTROL_RING_SLOTS];
    uint32_t ring_head; /* the slot that the next message lands in */
    bool has_landed;    /* one has, and waits there for memory */
    MPI_Status landed;  /* of it */
    struct control_queue ready;
    struct control_peer *peers;   /* owned: size */
    struct control_peer *holders; /* peers that hold something */
    struct mpi_sent sent;
    struct control_queue left; /* from the lost: MPI may still write there, so never freed */
};

/* Posts the receives. */
BARKS_CHECKED barks_status *control_open(struct mpi_control *control, MPI_Comm small, MPI_Comm bulk,
                                         uint32_t rank, struct mpi_losses *losses);

BARKS_CHECKED barks_status *control_send(struct mpi_control *control, uint32_t to,
                                         const void *bytes, size_t size_bytes);

BARKS_CHECKED barks_status *control_poll(struct mpi_control *control,
                                         struct net_message *out_message, bool *out_got);

/* What is on its way to and from a rank is forgotten: it is lost, and losses says so already. */
void control_forget(struct mpi_control *control, uint32_t rank);

/* Whether all that was sent has left, so that its copies are free. */
static inline bool control_is_flushed(const struct mpi_control *control)
{
    return control->sent.first == NULL;
}

/* Withdraws the receives and frees everything. Only when flushed and when no peer sends any more.
 */
BARKS_CHECKED barks_status *control_close(struct mpi_control *control);
