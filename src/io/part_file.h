/* One part of an output, as a task writes it. */
#pragma once

#include "barks/status.h"
#include "io/file_writer.h"

#include <stdint.h>

struct commit;
struct commit_part;
struct pool;

/* Begins zeroed, ends with part_file_drop. Threads: one owner at a time. */
struct part_file {
    struct file_writer writer;   /* what the sink writes to */
    const struct commit *commit; /* borrowed */
    uint32_t index;
    char *attempt_path; /* owned; NULL when nothing is to be removed */
};

/* Attempts of a part that may run at the same time have different numbers.
 * Errors: as file_writer_open. */
BARKS_CHECKED barks_status *part_file_open(struct part_file *part, const struct commit *commit,
                                           struct pool *pool, uint32_t index, uint32_t attempt);

/* Closes the file and gives it the part's name, in place of another attempt's. The part is dropped
 * also when it fails. Errors: as file_writer_close; BARKS_IO for the rename. */
BARKS_CHECKED barks_status *part_file_commit(struct part_file *part, uint64_t row_count,
                                             struct commit_part *out_done);

/* Gives up the attempt: removes its file unless it was committed. */
void part_file_drop(struct part_file *part);
