/* Names in a directory, and what a path is. */
#pragma once

#include "barks/status.h"
#include "io/path_list.h"

#include <dirent.h>

/* Begins zeroed, ends with directory_reader_drop. Threads: one owner at a time. */
struct directory_reader {
    DIR *stream;
    char *path; /* owned, for errors */
};

/* Errors: BARKS_IO, BARKS_LIMIT (no descriptors left), BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *directory_open(struct directory_reader *reader, const char *path);

/* The next name but "." and "..", valid until the next call; NULL at the end. Errors: BARKS_IO. */
BARKS_CHECKED barks_status *directory_next(struct directory_reader *reader, const char **out_name,
                                           enum path_kind *out_kind);

void directory_reader_drop(struct directory_reader *reader);

/* What a path leads to, and what it is itself; PATH_UNKNOWN where nothing is there or it cannot be
 * known. */
enum path_kind path_kind_follow(const char *path);
enum path_kind path_kind_nofollow(const char *path);

/* Removes a directory and all that is in it, without following symbolic links; it may already be
 * gone. Errors: BARKS_IO, for the first thing that cannot be removed. */
BARKS_CHECKED barks_status *directory_remove(const char *path);

/* Waits until the names in a directory are on the device; some file systems cannot (EINVAL), which
 * is no error. */
BARKS_CHECKED barks_status *directory_sync(const char *path);
