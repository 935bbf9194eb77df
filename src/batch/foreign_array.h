/* Arrow arrays that blocks of batches point into: alive until the last of these is given back. */
#pragma once

#include "barks/arrow.h"
#include "barks/status.h"

#include <stdatomic.h>
#include <stddef.h>

struct block;

/* Begins with one holder, who ends with foreign_array_let_go. Threads: the count is atomic; whoever
 * lets go last calls the array's release. */
struct foreign_array {
    _Atomic uint32_t holders;
    struct ArrowArray array; /* owned once it has a release */
};

/* Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *foreign_array_create(struct foreign_array **out_foreign);
void foreign_array_let_go(struct foreign_array *foreign);

/* A block of some of its memory, which is another holder of it; no bytes at all: of itself, to be
 * kept beside columns whose values lie in it. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *foreign_array_block(struct foreign_array *foreign, const void *bytes,
                                                size_t size_bytes, struct block **out_block);
