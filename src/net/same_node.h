/* Executors of this node whose memory may be read: what they send is then copied once, by the
 * kernel, as Open MPI's shared-memory transport does where it is let. Under Open MPI 4.1 that
 * transport may fall deaf for good when whom it reads from dies; a read of our own just fails. */
#pragma once

#include "barks/status.h"

#include <mpi.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Begins zeroed (nobody's memory is read), ends with same_node_drop. Threads: the endpoint's owner.
 */
struct same_node {
    uint32_t size;
    pid_t *readable; /* owned: by rank; 0: its memory is not read, nor does it read ours */
};

/* Collective over the ranks of comm: each tries to read from each other of its node. Those in
 * containers or network namespaces of their own count as other nodes; so do all where the user has
 * told Open MPI not to (single_copy_is_allowed). Errors: BARKS_NO_MEMORY, MPI's. */
BARKS_CHECKED barks_status *same_node_meet(struct same_node *node, MPI_Comm comm, uint32_t rank,
                                           uint32_t size);
void same_node_drop(struct same_node *node);

/* Of a rank whose memory is read; else 0. */
static inline pid_t same_node_process(const struct same_node *node, uint32_t rank)
{
    return node->readable != NULL ? node->readable[rank] : 0;
}
/* The same answer at both. */
static inline bool same_node_reads(const struct same_node *node, uint32_t rank)
{
    return same_node_process(node, rank) != 0;
}

/* Copies what stands at `address` of the rank's memory. *out_is_gone: it is dead, and nothing or
 * only a part was copied. Errors: BARKS_IO. */
BARKS_CHECKED barks_status *same_node_read(const struct same_node *node, uint32_t rank,
                                           uint64_t address, void *into, size_t size_bytes,
                                           bool *out_is_gone);
