/* The splits of a source of the job's own: listed at the driver, packed to partitions, sent to the
 * executors that read them. */
#pragma once

#include "barks/custom.h"
#include "barks/status.h"

#include <stddef.h>
#include <stdint.h>

struct packer;

struct custom_split {
    struct barks_split split; /* data is owned */
    char *hosts;              /* owned; NULL: none */
};

/* Begins zeroed, ends with custom_splits_destroy or custom_splits_drop. Partition p is splits
 * [firsts[p], firsts[p + 1]). */
struct custom_splits {
    struct custom_split *splits; /* owned */
    size_t count, capacity;
    size_t *firsts; /* owned; partition_count + 1 of them; NULL before they are packed */
    uint32_t partition_count;
};

void custom_splits_drop(struct custom_splits *splits);
void custom_splits_destroy(struct custom_splits *splits); /* NULL is fine */

/* Adds a copy. Errors: BARKS_LIMIT, BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *custom_splits_add(struct custom_splits *splits, const void *data,
                                              size_t size, const barks_split_options *options);

/* Packs neighbours whose bytes are known up to split_bytes (0: the default) together, each counting
 * what opening it costs. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *custom_splits_partition(struct custom_splits *splits,
                                                    uint64_t split_bytes);

/* All bytes to read; UINT64_MAX: not all splits say theirs. */
uint64_t custom_splits_bytes(const struct custom_splits *splits);
/* How heavy a partition is beside others. */
uint64_t custom_splits_weight(const struct custom_splits *splits, uint32_t partition);
/* Where a partition is best read: as barks_add_split has it for the first of its splits that says
 * so; NULL: none does. */
const char *custom_splits_hosts(const struct custom_splits *splits, uint32_t partition);

/* Appends a partition's splits as one object of bytes. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *custom_splits_pack(const struct custom_splits *splits,
                                               uint32_t partition, struct packer *out);
/* Reads these bytes as one partition. Errors: BARKS_BAD_INPUT, BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *custom_splits_unpack(const uint8_t *bytes, size_t size_bytes,
                                                 struct custom_splits *out);
