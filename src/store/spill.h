/* Rows on disk, in the order in which they are written, for who has no room for them. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"
#include "store/scratch.h"

#include <stdbool.h>
#include <stdint.h>

struct packed_rows;
struct pool;

/* Where rows get memory and disk space. Borrowed by all that takes it. */
struct spill_room {
    struct pool *pool;
    struct scratch *scratch;
    bool is_plain; /* nothing is compressed: the disk is faster than LZ4 */
};

/* A batch on disk: packed (packed_rows.h), so its checksum is looked at when it is read. Begins
 * zeroed, which is none; ends with spilled_drop. */
struct spilled {
    const struct spill_room *room; /* NULL: none */
    struct scratch_place place;
    uint64_t encoded_bytes; /* more than place.size_bytes: compressed */
};
static inline bool is_spilled(const struct spilled *spilled) { return spilled->room != NULL; }

/* Writes rows [first, first + row_count). Errors: those of memory and of scratch_write. */
BARKS_CHECKED barks_status *spill_rows(const struct spill_room *room, const barks_batch *rows,
                                       uint32_t first, uint32_t row_count, bool compress,
                                       struct spilled *out_spilled);
/* The same of rows that the codec has encoded. */
BARKS_CHECKED barks_status *spill_encoded(const struct spill_room *room, const uint8_t *encoded,
                                          uint64_t encoded_bytes, bool compress,
                                          struct spilled *out_spilled);

/* The same of packed ones, as they are. */
BARKS_CHECKED barks_status *spill_packed(const struct spill_room *room,
                                         const struct packed_rows *packed,
                                         struct spilled *out_spilled);

/* Appends the rows to batch. Errors: those of memory, BARKS_IO: they cannot be read, or what lies
 * there has changed. */
BARKS_CHECKED barks_status *spilled_read(const struct spilled *spilled, struct batch *batch);

/* Gives the disk space back. */
void spilled_drop(struct spilled *spilled);
