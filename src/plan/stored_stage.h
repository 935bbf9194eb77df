/* The output of a stage that was committed before: where each partition of its shuffle lies in
 * files that all ranks see. */
#pragma once

#include "barks/status.h"
#include "shuffle/stored_frames.h"

#include <stdint.h>

struct packer;

struct stored_stage {
    uint64_t tag; /* shuffle/stored_frames.h */
    char **paths; /* owned, each of them too: of the files */
    uint32_t path_count;
    struct stored_piece *pieces; /* owned: of each partition; without frames: no rows */
    uint32_t *path_of;           /* owned: the file of each partition */
    uint32_t partition_count;
};

/* A zeroed one for so many partitions and files. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *stored_stage_create(uint32_t partition_count, uint32_t path_count,
                                                struct stored_stage **out_stored);
void stored_stage_destroy(struct stored_stage *stored); /* NULL is fine */

/* What a task that reads the partition is sent, as one object of bytes (exec/stored_source.h). */
BARKS_CHECKED barks_status *stored_stage_pack(const struct stored_stage *stored, uint32_t partition,
                                              struct packer *out);
