/* Partitions that an executor keeps between actions: in memory as they are or encoded, on disk, or
 * in memory while there is room and on disk after that. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"

#include <stdbool.h>
#include <stdint.h>

struct pool;
struct scratch;

/* A giver of its pool (base/givers.h). Threads: any; a lock of rank LOCK_STORE guards it. */
struct kept_store;

enum kept_level {
    KEPT_MEMORY = 1,      /* what does not fit is not kept; a protected one goes to disk */
    KEPT_MEMORY_AND_DISK, /* what does not fit is written to scratch files */
    KEPT_DISK,
    KEPT_LEVEL_MASK = 7,
    KEPT_ENCODED = 8, /* a bit: in memory as one run of bytes, smaller, and decoded when read */
    KEPT_LZ4 = 16,    /* a bit: compressed, in memory (then also encoded) and on disk */
};

/* A dataset's partition. */
struct kept_name {
    uint64_t dataset;
    uint32_t partition;
};

/* What became of a partition. */
struct kept_change {
    struct kept_name name;
    bool is_kept; /* else it was evicted */
    uint64_t row_count;
    uint64_t memory_bytes, disk_bytes;
};

struct kept_options {
    struct pool *pool;              /* of the partitions in memory; borrowed */
    uint64_t memory_bytes_max;      /* what they may take of it */
    struct scratch *scratch;        /* for those on disk; borrowed */
    void (*changed)(void *context); /* a change can be taken; from any thread; may be NULL */
    void *context;
};

/* The store is the giver of its pool (pool_set_giver): what is kept makes room for who wants
 * memory. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *kept_store_create(const struct kept_options *options,
                                              struct kept_store **out_store);
/* Nobody reads or writes any more. NULL is fine. */
void kept_store_destroy(struct kept_store *store);

/* ---- writing ---- */

/* A partition that comes batch by batch. Threads: one. */
struct kept_writer;

/* schema is borrowed as long as the partition is kept. level: a kept_level and bits. Where the
 * partition is kept already, what is added is forgotten. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *kept_begin(struct kept_store *store, struct kept_name name,
                                       unsigned level, const barks_schema *schema,
                                       struct kept_writer **out_writer);

/* Adds a copy of the rows. That there is no room is not an error: the partition is then not kept,
 * which is logged, or goes to disk. Errors: BARKS_IO and BARKS_LIMIT of a disk. */
BARKS_CHECKED barks_status *kept_add(struct kept_writer *writer, const struct batch *batch);

/* Ends the writer; NULL is fine. Not complete: nothing is kept. Errors: as kept_add; the writer is
 * gone then too. */
BARKS_CHECKED barks_status *kept_end(struct kept_writer *writer, bool complete);

/* ---- reading ---- */

/* Hands visit the rows in order, in batches that it borrows and must not change. *out_found: false
 * where the partition is not kept (any more). Errors: those of visit, BARKS_LOST (what was kept
 * cannot be read back or has changed: it is kept no more), and those of memory for decoding. */
BARKS_CHECKED barks_status *kept_read(struct kept_store *store, struct kept_name name,
                                      barks_status *(*visit)(void *context, struct batch *batch),
                                      void *context, bool *out_found);

/* ---- room ---- */

/* A stage that makes or reads the dataset is there (by 1) or has gone (by -1): meanwhile its
 * partitions go only where nothing else is left to be evicted. */
void kept_protect(struct kept_store *store, uint64_t dataset, int by);

/* Forgets all of the dataset; what is being read goes when that ends, and what is being written is
 * not kept. Its number is not used again. */
void kept_drop(struct kept_store *store, uint64_t dataset);

/* Evicts partitions, the least recently read first, until bytes of memory are given back or none
 * is left that may be evicted: none of not_of_dataset, or being read. Protected ones go last. Those
 * of KEPT_MEMORY_AND_DISK go to disk, and so do protected ones. Returns the bytes given back. */
uint64_t kept_give_back(struct kept_store *store, uint64_t bytes, uint64_t not_of_dataset);

/* What has changed and was not taken yet, in order; false: nothing. */
bool kept_take_change(struct kept_store *store, struct kept_change *out_change);

uint64_t kept_memory_bytes(struct kept_store *store); /* of all partitions, those written too */

/* For tests: the bytes counted are those of the partitions. */
bool kept_is_sound(struct kept_store *store);
