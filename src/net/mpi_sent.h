/* Control messages on their way to others: what mpi_control.h sends, and how. */
#pragma once

#include "net/mpi_losses.h"

#include <mpi.h>

#include <stddef.h>
#include <stdint.h>

/* TAG_PIECE is the only one on the bulk communicator, the others are those of the small one. */
enum { TAG_SMALL = 1, TAG_ANNOUNCE = 2, TAG_PIECE = 3 };

/* How MPI carries them: mpi_control.h. Small ones are less than any transport sends at once (4 KiB
 * over shared memory): what is more is fetched from the sender by whoever receives it, into the
 * receive that was next in turn, which never ends where the sender is dead by then, and with it
 * nothing behind it is heard. */
enum {
    CONTROL_SMALL_BYTES = 3 << 10,
    CONTROL_PIECE_BYTES = 16 << 20,
};

struct control_sent;

/* In the order of sending, more or less. */
struct mpi_sent {
    MPI_Comm small; /* borrowed, as bulk and losses */
    MPI_Comm bulk;
    struct mpi_losses *losses;
    struct control_sent *first;
    struct control_sent *last;
    struct control_sent *left; /* to the lost: MPI may still read them, so they are never freed */
};

/* Copies a message and sends it to another rank. */
BARKS_CHECKED barks_status *sent_add(struct mpi_sent *list, uint32_t to, const void *bytes,
                                     size_t size_bytes);

/* Frees copies of what has left, of a few. */
BARKS_CHECKED barks_status *sent_test(struct mpi_sent *list);

/* Lets go of what is on its way to a rank that is lost. */
void sent_forget(struct mpi_sent *list, uint32_t rank);
