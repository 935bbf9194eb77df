/* One part of an output, as a task writes it. */
#pragma once

#include "barks/status.h"
#include "io/commit.h"
#include "io/file_writer.h"

#include <stdint.h>

struct pool;

/* Begins zeroed, ends with part_file_drop. Threads: one owner at a time. */
struct part_file {
    struct file_writer writer;   /* what the sink writes to */
    const struct commit *commit; /* borrowed */
    uint32_t index;
    struct part_attempt attempt;
    char *attempt_path; /* owned; NULL when nothing is to be removed */
};

/* The file is this attempt's alone: no two are equal. Errors: as file_writer_open_new. */
BARKS_CHECKED barks_status *part_file_open(struct part_file *part, const struct commit *commit,
                                           struct pool *pool, uint32_t index,
                                           const struct part_attempt *attempt);

/* Closes the file, which stays; commit_end gives that of the attempt that counts the part's name.
 * The part is dropped also when it fails. Errors: as file_writer_close. */
BARKS_CHECKED barks_status *part_file_end(struct part_file *part, uint64_t row_count,
                                          struct commit_part *out_done);

/* Gives up the attempt: removes its file unless it was ended well. */
void part_file_drop(struct part_file *part);
