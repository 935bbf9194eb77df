/* Files that the driver has sent to this executor: written below a directory of its own in scratch,
 * and removed with it. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a piece does. The numbers travel. */
enum shipped_kind {
    SHIPPED_FILE = 1,  /* writes bytes at offset; the last piece of a file sets its mode */
    SHIPPED_DIRECTORY, /* makes a directory */
    SHIPPED_LINK,      /* makes a symbolic link; the bytes are where it points to */
    SHIPPED_READY,     /* all of path, a name without "/", is there: shipped_find knows it */
    SHIPPED_REMOVE,    /* removes all of path */
};

struct shipped_piece {
    enum shipped_kind kind;
    uint32_t mode;
    const char *path; /* below the directory: "model/weights.bin" */
    uint64_t offset;
    bool is_last; /* of its file */
    const void *bytes;
    size_t size_bytes;
};

/* Threads: put by one; found by any. A lock guards what is found. */
struct shipped;
struct process_guard;

/* guard: removes the files if this process is killed; borrowed. scratch: directories with colons
 * between, of which the first that can be written is taken, when the first piece comes. */
BARKS_CHECKED barks_status *shipped_create(struct process_guard *guard, const char *scratch,
                                           struct shipped **out_shipped);
/* Removes all. NULL is fine. */
void shipped_destroy(struct shipped *shipped);
/* All that destroying does outside of this process: where it ends amid tasks that may look for
 * files.
 */
void shipped_remove_files(struct shipped *shipped);

/* Errors: BARKS_IO, BARKS_LIMIT (disk full). They are also kept, and what comes until
 * shipped_take_failure is left out. */
void shipped_put(struct shipped *shipped, const struct shipped_piece *piece);
/* The first failure since the last call, or NULL. */
barks_status *shipped_take_failure(struct shipped *shipped);

/* Where the file or directory of that name is, as long as shipped lives; NULL: unknown. */
const char *shipped_find(struct shipped *shipped, const char *name);
/* The directory that they lie in, likewise; NULL: nothing was shipped. */
const char *shipped_directory(struct shipped *shipped);
