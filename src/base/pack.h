/* Small structured messages: plans, tasks, control. A sequence of msgpack objects, written and read
 * in one fixed order. */
#pragma once

#include "barks/status.h"

#include <msgpack.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Begins zeroed, ends with packer_drop. The first failure sticks and is told by packer_finish.
 * Threads: one owner at a time. */
struct packer {
    msgpack_sbuffer bytes; /* .data and .size are the message */
    bool failed;           /* out of memory */
};
void pack_u64(struct packer *packer, uint64_t value);
void pack_i64(struct packer *packer, int64_t value);
void pack_bool(struct packer *packer, bool value);
void pack_text(struct packer *packer, const char *text); /* NULL comes back as NULL */
void pack_bytes(struct packer *packer, const void *bytes,
                size_t size_bytes); /* NULL comes back as NULL */
/* Adds what another packer holds; its failure too. */
void pack_raw(struct packer *packer, const struct packer *other);
BARKS_CHECKED barks_status *packer_finish(struct packer *packer);
void packer_drop(struct packer *packer);

/* Reads a message whose bytes stay where they are. After the first failure every call gives 0 or
 * NULL, and unpacker_finish says what was wrong. Begins with unpacker_init, ends with
 * unpacker_drop. */
struct unpacker {
    const char *bytes;
    size_t size_bytes;
    size_t offset;
    msgpack_unpacked object;
    barks_status *failed; /* owned */
};
void unpacker_init(struct unpacker *unpacker, const void *bytes, size_t size_bytes);
uint64_t unpack_u64(struct unpacker *unpacker);
uint32_t unpack_u32(struct unpacker *unpacker);
int64_t unpack_i64(struct unpacker *unpacker);
bool unpack_bool(struct unpacker *unpacker);
char *unpack_text(struct unpacker *unpacker); /* owned by the caller: free */
/* Borrows the message's bytes. */
const uint8_t *unpack_bytes(struct unpacker *unpacker, size_t *out_size_bytes);
/* A number of things that follow, each of at least one byte: so never more than bytes are left. */
uint32_t unpack_count(struct unpacker *unpacker);
/* calloc for count things; NULL (and failed) without memory, and for a count of 0 something that
 * can be freed. */
void *unpack_array(struct unpacker *unpacker, uint32_t count, size_t item_bytes);
/* What was read makes no sense: a message that lacks what was wanted. */
void unpacker_fail(struct unpacker *unpacker, const char *wanted);
/* Nothing has failed, and there is more: of messages that hold things until they end. */
bool unpacker_has_more(const struct unpacker *unpacker);
/* What was wrong so far. Errors: BARKS_BAD_INPUT (truncated, other types), BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *unpacker_check(struct unpacker *unpacker);
/* Errors: those, and bytes left over. */
BARKS_CHECKED barks_status *unpacker_finish(struct unpacker *unpacker);
void unpacker_drop(struct unpacker *unpacker);
