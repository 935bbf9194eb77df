/* Which cores workers may use, and binding threads to them. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stdint.h>

struct topology;

/* What this process may use of its node: the binding that the user asked mpirun for when he did,
 * else the allowed cores (cgroup, cpuset, affinity of the rank's parent), whatever default binding
 * mpirun gave this rank. synthetic: an hwloc synthetic description for tests, or NULL for the
 * machine. */
BARKS_CHECKED barks_status *topology_load(const char *synthetic, struct topology **out_topology);
void topology_destroy(struct topology *topology);

uint32_t
topology_core_count(const struct topology *topology); /* hardware cores allowed; one worker each */
bool topology_user_bound(
    const struct topology *topology); /* the user chose the binding: it is kept */
uint64_t topology_node_id(void);      /* equal for processes of one node: boot id and host name */
uint64_t topology_memory_bytes(void); /* physical memory of the node */

/* The share of executor `index` of `executor_count` executors on this node: its cores are
 * [*out_first, *out_first + *out_count) of the allowed ones, contiguous, the remainder handed out
 * one by one; at least one core each. */
void topology_share(uint32_t core_count, uint32_t executor_count, uint32_t index,
                    uint32_t *out_first, uint32_t *out_count);

/* Binds the calling thread to one allowed core (index modulo topology_core_count). */
BARKS_CHECKED barks_status *topology_bind_core(const struct topology *topology, uint32_t core);
/* Lets it run on so many allowed cores from the first one on, likewise. */
BARKS_CHECKED barks_status *topology_bind_cores(const struct topology *topology, uint32_t first,
                                                uint32_t count);
/* Lets the calling thread run on all allowed cores (for communication threads and mains). */
BARKS_CHECKED barks_status *topology_unbind(const struct topology *topology);

/* The memory budget of the job on this node and where it comes from: the smallest of cgroup v1/v2,
 * Slurm's environment and a share of physical memory; in words for the start line. */
uint64_t topology_memory_budget(const char **out_origin);
