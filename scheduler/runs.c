#include "scheduler/runs.h"

#include "base/assertion.h"

#include <stddef.h>

static const uint64_t weight_max = UINT64_C(1) << 40;

uint64_t partition_weight(const uint64_t *partition_bytes, uint32_t partition)
{
    if (partition_bytes == NULL)
        return 1;
    uint64_t bytes = partition_bytes[partition];
    return bytes >= weight_max ? weight_max : bytes + 1;
}

uint32_t runs_wanted(enum run_policy policy, uint32_t partition_count, uint64_t worker_count)
{
    uint64_t wanted = policy == RUNS_SINGLE    ? partition_count
                      : policy == RUNS_COMBINE ? worker_count
                                               : RUNS_PER_WORKER * worker_count;
    if (wanted < 1)
        wanted = 1;
    return wanted < partition_count ? (uint32_t)wanted : partition_count;
}

/* total * index / count without overflow: count is at most 2^23, so the second product is below
 * 2^46. */
static uint64_t share_before(uint64_t total, uint32_t index, uint32_t count)
{
    return total / count * index + total % count * index / count;
}

void split_into_runs(const uint64_t *partition_bytes, uint32_t partition_count, uint32_t run_count,
                     uint32_t *out_firsts)
{
    BARKS_ASSERT(run_count >= 1 && run_count <= partition_count);
    BARKS_ASSERT(partition_count <= SCHEDULER_PARTITIONS_MAX);
    uint64_t total = 0; /* at most 2^63 */
    for (uint32_t partition = 0; partition < partition_count; partition++)
        total += partition_weight(partition_bytes, partition);
    uint64_t before = 0; /* weight of [0, partition) */
    uint32_t partition = 0;
    out_firsts[0] = 0;
    for (uint32_t run = 1; run < run_count; run++) {
        uint64_t goal = share_before(total, run, run_count);
        uint32_t least = out_firsts[run - 1] + 1;
        uint32_t most = partition_count - (run_count - run); /* one each for this and later runs */
        while (partition < most) {
            uint64_t weight = partition_weight(partition_bytes, partition);
            /* Cuts before or after the partition that straddles the goal, whichever is nearer. */
            if (partition >= least && before + weight / 2 >= goal)
                break;
            before += weight;
            partition++;
        }
        out_firsts[run] = partition;
    }
    out_firsts[run_count] = partition_count;
}
