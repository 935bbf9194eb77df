/* Paths that were found, with what is known of each. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    PATHS_MAX = 10 * 1000 * 1000
}; /* a job that names more is a mistake, and 1 GiB at the driver */

enum path_kind {
    PATH_UNKNOWN, /* a stat will tell: a symbolic link, or a file system that does not say */
    PATH_FILE,
    PATH_DIRECTORY,
    PATH_OTHER, /* neither: a fifo, a socket, a device */
};

struct path_entry {
    char *path; /* owned */
    enum path_kind kind;
};

/* Begins zeroed, ends with path_list_drop. Threads: one owner at a time. */
struct path_list {
    struct path_entry *entries; /* owned */
    size_t count;
    size_t capacity;
};

/* Adds directory/name, or name alone where directory is "". Errors: BARKS_NO_MEMORY, BARKS_LIMIT
 * past PATHS_MAX. */
BARKS_CHECKED barks_status *path_list_add(struct path_list *list, const char *directory,
                                          const char *name, enum path_kind kind);

/* By bytes of the paths, from entry first on. */
void path_list_sort(struct path_list *list, size_t first);

/* Of equal neighbours from entry first on, keeps one. */
void path_list_unique(struct path_list *list, size_t first);

void path_list_drop(struct path_list *list);
