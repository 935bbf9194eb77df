/* What executors say of a shuffle that they were to store: packed there, gathered at the driver. */
#pragma once

#include "barks/status.h"
#include "shuffle/stored_frames.h"

#include <stdint.h>

struct owner_range;
struct packer;
struct unpacker;

/* Of one slot. */
struct store_report {
    uint32_t slot, executor; /* who holds it */
    struct stored_pieces pieces;
    uint64_t took_ns; /* to write them */
};

/* Of all that have reported. */
struct store_reports {
    struct store_report *all; /* owned */
    uint32_t count, capacity;
    uint32_t piece_count;  /* of all */
    barks_status *failure; /* owned: the first executor that could not; NULL: all have */
    uint32_t failed_executor;
};
void store_reports_destroy(struct store_reports *reports); /* NULL is fine */

/* status is borrowed; NULL: pieces are there. */
void store_report_pack(struct packer *out, const barks_status *status,
                       const struct stored_pieces *pieces, uint64_t took_ns);
/* Of one that was not asked to. */
void store_report_pack_none(struct packer *out);

/* Reads one of a slot (its partitions are not looked at); *reports is made for the first that was
 * to be stored. reports NULL: it is of no use any more. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *store_reports_add(struct store_reports **reports,
                                              const struct owner_range *range, struct unpacker *in);
