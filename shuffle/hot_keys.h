/* Keys of a join that many rows have.
 *
 * Rows of a hot key on one side are spread over several partitions, and those of the other side are
 * copied to each of these, so that no partition has them all. A key is known by its table hash
 * alone: where two keys share one, both sides treat both alike. After Flow-Join (Roediger, Idicula,
 * Kemper, Neumann, ICDE 2016).
 */
#pragma once

#include "barks/status.h"

#include <stdint.h>

struct packer;
struct unpacker;

enum { HOT_TEXT_BYTES = 48 };

struct hot_key {
    uint64_t hash;             /* of its columns, by which it chooses its partition */
    uint32_t piece_count;      /* partitions that have its rows: a power of two */
    uint32_t permille;         /* of the rows that were looked at, where it was most */
    char text[HOT_TEXT_BYTES]; /* its beginning, for people */
};

/* Ascending by hash, each once. Begins zeroed, ends with hot_list_drop. */
struct hot_list {
    struct hot_key *keys; /* owned */
    uint32_t count, capacity;
};
void hot_list_drop(struct hot_list *list);
/* NULL: it is not there. O(log keys). */
const struct hot_key *hot_list_find(const struct hot_list *list, uint64_t hash);
/* A key that is there already gets the larger of both numbers of pieces. Errors: BARKS_NO_MEMORY.
 */
BARKS_CHECKED barks_status *hot_list_add(struct hot_list *list, const struct hot_key *key);
void hot_list_pack(const struct hot_list *list, struct packer *out);
/* Adds what was packed. Errors: BARKS_BAD_INPUT (numbers of pieces that are none), BARKS_NO_MEMORY;
 * the unpacker's are told by it. */
BARKS_CHECKED barks_status *hot_list_unpack(struct hot_list *list, struct unpacker *in);

/* The partition of a piece of a key's rows. The pieces of a power of two are some of those of any
 * larger one, and lie far apart, so that they belong to several executors. piece_count is at most
 * partition_count. */
uint32_t hot_partition(uint64_t hash, uint32_t piece, uint32_t piece_count,
                       uint32_t partition_count);
