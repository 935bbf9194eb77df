/* Which bytes of which files make a partition. */
#pragma once

#include "barks/status.h"
#include "io/compression.h"

#include <stddef.h>
#include <stdint.h>

struct buffer;
struct listing;

enum {
    SPLIT_BYTES_DEFAULT = 32 * 1024 * 1024,
    SPLIT_FILE_COST_BYTES =
        32 * 1024,           /* what opening a file costs, in bytes that could be read meanwhile */
    SPLIT_PACKED_FACTOR = 4, /* what text shrinks to when it is compressed, about */
    SPLIT_PARTITIONS_MAX = 1 << 26,
};

/* A run of bytes of one file. Of text, the lines that begin in [begin, end) belong to it. A
 * compressed file is whole. */
struct split {
    const char *path; /* borrowed from the listing, or from the names of its split_set */
    uint64_t begin;
    uint64_t end;
    uint64_t file_bytes; /* what the file had when it was listed */
    int64_t mtime_ns;
    enum compression compression;
    uint8_t start_state; /* of CSV: enum csv_state at begin, where quotes may hold newlines */
};

/* Begins zeroed, ends with split_plan_drop. Partition p is splits [firsts[p], firsts[p + 1]).
 * Immutable once made. */
struct split_plan {
    struct split *splits; /* owned; their paths are the listing's, which must outlive it */
    size_t split_count;
    size_t *firsts; /* owned; partition_count + 1 of them */
    size_t partition_count;
};

/**
 * Cuts files into partitions, in the order of the listing: a file above split_bytes into ranges of
 * equal size up to that, smaller neighbours packed together up to it (each counting
 * SPLIT_FILE_COST_BYTES more), compressed ones and those that are is_whole not cut.
 *
 * Depends on nothing else, so that the same input gives the same partitions on any number of ranks.
 * Empty files are in no partition; without any bytes there are none. Units:   split_bytes 0 means
 * SPLIT_BYTES_DEFAULT. Errors:  BARKS_LIMIT (SPLIT_PARTITIONS_MAX), BARKS_NO_MEMORY.
 */
BARKS_CHECKED barks_status *split_plan_make(const struct listing *listing, uint64_t split_bytes,
                                            struct split_plan *out_plan);
/* The same without cutting files: each is whole in one partition, empty ones too. */
BARKS_CHECKED barks_status *split_plan_make_whole(const struct listing *listing,
                                                  uint64_t split_bytes,
                                                  struct split_plan *out_plan);
/* Gives what lies before offset `head_end` of the file that split `first` begins to that split
 * alone: those that began there begin behind it, or are empty. */
void split_plan_keep_head(struct split_plan *plan, size_t first, uint64_t head_end);
void split_plan_drop(struct split_plan *plan);

/* Bytes to read of a partition, for progress: compressed ones as they are in the file. */
uint64_t split_plan_bytes(const struct split_plan *plan, size_t partition);

/* Appends count splits as msgpack. Errors: as buffer_append. */
BARKS_CHECKED barks_status *split_pack(const struct split *splits, size_t count,
                                       struct buffer *out);

/* What an executor was sent. Begins zeroed, ends with split_set_drop. */
struct split_set {
    struct split *splits; /* owned */
    size_t count;
    char *names; /* owned: the paths */
};

/* Reads what split_pack wrote and how many bytes that took.
 * Errors: BARKS_BAD_INPUT for anything else, BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *split_unpack(const uint8_t *bytes, size_t size_bytes,
                                         size_t *out_used_bytes, struct split_set *out_set);
void split_set_drop(struct split_set *set);

/* Leaves of each long split that is not compressed a part in `stride`, in pieces spread evenly
 * over it. *out_times: how many times the bytes that are left there were before. Errors:
 * BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *split_set_thin_out(struct split_set *set, uint32_t stride,
                                               double *out_times);
