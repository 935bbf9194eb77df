/* Appending to an output: its old parts become parts of the new directory, by hard links, so that
 * what appears in one rename has both. */
#pragma once

#include "barks/status.h"

#include <stddef.h>
#include <stdint.h>

struct commit;
struct commit_part;

/* The number of the first new part of an output, 0 where there is none yet. Errors: BARKS_INVALID:
 * it has parts of another format, or no manifest of barks; BARKS_IO. */
BARKS_CHECKED barks_status *append_first_part(const char *output, const char *suffix,
                                              uint32_t *out_first_part);

/* Links the parts that the output's manifest lists into commit->hidden; *out_parts (free) are
 * theirs, in order, with room for `more`. Errors: BARKS_INVALID: another job has appended
 * meanwhile, or the file system has no links; BARKS_BAD_INPUT: the manifest; BARKS_IO. */
BARKS_CHECKED barks_status *append_link_old(const struct commit *commit, size_t more,
                                            struct commit_part **out_parts, size_t *out_count);
