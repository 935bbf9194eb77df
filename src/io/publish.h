/* The last step of a commit: the hidden directory becomes the output. */
#pragma once

#include "barks/status.h"

struct commit;

/* Renames commit->hidden to commit->output: where that exists, only with overwrite, in one
 * exchange; the old output is then removed. A file system without renameat2 gets plain renames, and
 * with overwrite has a moment without either. Errors: BARKS_INVALID: the output has come to exist;
 * BARKS_IO, BARKS_LIMIT. Both directories are then as
 * before, but for one error, which says that the output is whole: its name could not be synced. */
BARKS_CHECKED barks_status *publish_output(const struct commit *commit);
