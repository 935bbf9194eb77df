/* Which executor owns which partition of a shuffle: contiguous ranges in proportion to workers. */
#pragma once

#include <stdint.h>

/**
 * Divides partitions [0, partition_count) among members: member i gets [out_firsts[i],
 * out_firsts[i + 1]), as near to its share of all workers as whole partitions allow. A member's
 * range is empty only where there are fewer partitions than workers.
 *
 * Shapes:  worker_counts has member_count entries, at least one of them not 0; out_firsts has one
 * more. Bounds:  partition_count times all workers is less than 2^64. Threads: any. Cost:
 * O(member_count).
 */
void owners_divide(uint32_t partition_count, const uint32_t *worker_counts, uint32_t member_count,
                   uint32_t *out_firsts);

/* The member whose range, as owners_divide made it, holds the partition. O(log member_count). */
uint32_t owners_find(const uint32_t *firsts, uint32_t member_count, uint32_t partition);
