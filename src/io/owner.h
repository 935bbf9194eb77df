/* Whose a hidden directory is: told from its ".owner" file, so that only what dead jobs left is
 * removed. */
#pragma once

#include "barks/status.h"

/* Writes DIRECTORY/.owner for this process. Errors: BARKS_IO, BARKS_LIMIT. */
BARKS_CHECKED barks_status *owner_write(const char *directory);

/* Removes it, once the directory is an output. Errors: BARKS_IO. */
BARKS_CHECKED barks_status *owner_remove(const char *directory);

/* Removes the directory and all that is in it, the word of whose it is last: whoever is killed
 * amid leaves what the next one removes. Errors: as directory_remove. */
BARKS_CHECKED barks_status *owner_remove_directory(const char *directory);

/* Removes the directories PARENT/PREFIX* of this user whose owner is surely dead: it ran on this
 * host, in this pid namespace, and is gone; or nothing in the directory has changed for
 * COMMIT_LEFTOVER_SECONDS. What cannot be looked at or removed stays: it is in nobody's way. */
void owner_remove_leftovers(const char *parent, const char *prefix);
