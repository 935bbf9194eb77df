/* The unit of a shuffle: the rows that one attempt of a map run has for one reduce partition. */
#pragma once

#include "batch/batch.h"
#include "batch/block.h"
#include "store/spill.h"

#include <stdbool.h>
#include <stdint.h>

/* Names a piece of map output. Partitions are counted by slots: a slot is the range of partitions
 * that one executor owned when the shuffle began, and is named by that executor's rank; who holds
 * it is another once that one is lost. On the wire this is the frame's header, followed by
 * body_bytes of encoded batch (store/packed_rows.h). */
struct frame_name {
    uint64_t shuffle; /* unique in the job's life */
    uint32_t run;     /* task of the map stage */
    uint32_t attempt;
    uint32_t partition; /* reduce partition */
    uint32_t sequence;  /* position in (run, attempt, partition): 0, 1, ... */
    uint32_t slot;      /* rank of the executor that owned the partition when the shuffle began */
    uint32_t reserved;  /* 0 */
    uint32_t row_count;
    uint32_t check;         /* on the wire: of the other fields, frame_name_check; else 0 */
    uint64_t body_bytes;    /* of what travels; 0 when it is handed over by reference */
    uint64_t encoded_bytes; /* of the encoded batch: more than body_bytes where it is compressed */
};

struct packed_rows;

/* The most that one frame's encoded batch may have: rows of a gigabyte still fit. */
#define FRAME_BODY_BYTES_MAX (UINT64_C(1) << 32)

_Static_assert(sizeof(struct frame_name) == 56, "a frame's header is this struct, little-endian");

/* Owned by one holder at a time: worker, then exchange, then reduce side. Exactly one of batch,
 * body and spilled is set. */
struct frame {
    struct frame_name name;
    struct batch *batch;    /* owned: handed over by reference */
    struct block *body;     /* owned reference: encoded bytes, or these compressed */
    struct spilled spilled; /* on disk */
    struct frame *next;     /* in whatever list it is */
    /* While it waits to be read, the reduce side's: */
    uint64_t counted_bytes; /* what it is taken to hold of memory; 0 on disk */
    uint32_t reader_count;  /* who looks at its rows, which stay where they are */
    bool was_read;          /* by its only reader: wanted again only if that one's task fails */
    bool is_moving;         /* it is being written to disk */
    bool was_damaged;       /* it could not be read back, once */
};

/* The check of all other fields, so that a reader who lost his place in a stream of frames notices
 * at the first header. (The body has a checksum of its own, looked at when it is decoded.) */
uint32_t frame_name_check(const struct frame_name *name);

void frame_destroy(struct frame *frame); /* NULL is fine */

/* What it takes of the pool; 0 on disk. Blocks that others hold too count here and there. */
uint64_t frame_memory_bytes(const struct frame *frame);

/* Whether others hold some of its memory too, which stays with them when it goes to disk. */
bool frame_is_shared(const struct frame *frame);

/* How large its rows are, wherever they lie. */
uint64_t frame_row_bytes(const struct frame *frame);

/* Puts its rows on disk. Errors: those of spill_rows; it is then as before. */
BARKS_CHECKED barks_status *frame_spill(struct frame *frame, const struct spill_room *room);

/* Appends the rows of a frame that has no batch to one. Errors: those of memory, BARKS_IO of its
 * disk, BARKS_BAD_INPUT of what lies in memory. */
BARKS_CHECKED barks_status *frame_read(const struct frame *frame, struct batch *batch);

/* Calls visit once with the rows as bytes that packed_rows_decode reads, wherever they lie: packed
 * for it, or as they came. Errors: those of memory, of the disk, and of visit. */
BARKS_CHECKED barks_status *
frame_visit_bytes(const struct frame *frame, const struct spill_room *room,
                  barks_status *(*visit)(void *context, const struct packed_rows *rows),
                  void *context);
