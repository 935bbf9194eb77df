#include "scheduler/owners.h"

#include "base/assertion.h"

void owners_divide(uint32_t partition_count, const uint32_t *worker_counts, uint32_t member_count,
                   uint32_t *out_firsts)
{
    uint64_t workers_total = 0;
    for (uint32_t member = 0; member < member_count; member++)
        workers_total += worker_counts[member];
    BARKS_ASSERT(workers_total > 0);
    uint64_t workers_before = 0;
    for (uint32_t member = 0; member < member_count; member++) {
        /* At most partition_count, since workers_before <= workers_total. */
        out_firsts[member] = (uint32_t)(partition_count * workers_before / workers_total);
        workers_before += worker_counts[member];
    }
    out_firsts[member_count] = partition_count;
}

uint32_t owners_find(const uint32_t *firsts, uint32_t member_count, uint32_t partition)
{
    BARKS_ASSERT(partition < firsts[member_count]);
    uint32_t low = 0, high = member_count; /* firsts[low] <= partition < firsts[high] */
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (firsts[middle] <= partition)
            low = middle;
        else
            high = middle;
    }
    return low;
}
