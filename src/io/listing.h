/* The files that a job reads, found and looked at once, by the driver. */
#pragma once

#include "barks/status.h"
#include "io/compression.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct input_file {
    char *path; /* owned, absolute */
    uint64_t size_bytes;
    int64_t mtime_ns; /* since 1970 */
    enum compression compression;
    bool is_whole; /* must not be cut, for what the reader of its format says */
};

/* Begins zeroed, ends with listing_drop. Sorted by the bytes of the paths as they were given.
 * Threads: one owner at a time while it is made, then immutable. */
struct listing {
    struct input_file *files; /* owned */
    size_t file_count;
    uint64_t total_bytes;
};

struct listing_options {
    bool recursive;         /* directories with all that is below them, symbolic links followed */
    const char *where_path; /* "name=value, ...": only files below directories that have all of
                               these (path_fields.h); those of other values are not looked into */
};

/**
 * Finds the files of paths: each is a file, a directory, a pattern (glob.h), or @FILE with one of
 * these on each line.
 *
 * A path that exists is taken as it is, whatever characters it has. Names that begin with '.' or
 * '_' are skipped in directories and by wildcards, not where they are named. A file that two paths
 * name is listed twice, one that a pattern matches twice is not. An empty directory is fine and
 * gives no files. where_path that nothing matches gives none either.
 *
 * Errors:  BARKS_IO, with path, cause and remedy: missing or unreadable. BARKS_INVALID: a pattern
 * that matches nothing, a fifo, socket or device, a directory that holds directories alone (read it
 * recursively), an @FILE inside an
 *          @FILE. BARKS_BAD_INPUT: compression_detect. BARKS_LIMIT: PATHS_MAX, GLOB_DEPTH_MAX.
 * Threads: any; looks at many files by a few threads of its own, which keep a file server busy
 * without flooding it. Cost:    one open, stat, read and close a file: 10^5 local files in about a
 * second.
 */
BARKS_CHECKED barks_status *listing_make(const char *const *paths, size_t path_count,
                                         const struct listing_options *options,
                                         struct listing *out_listing);
void listing_drop(struct listing *listing);

/* A hash of all paths, sizes and times: what a stage's fingerprint takes of its input. */
uint64_t listing_fingerprint(const struct listing *listing);

/* What this host sees at a path: a hash of size and time, 0 for nothing or not a file. Ranks
 * compare it with the driver's, which is input_mark_of, to find paths that only some of them see.
 */
uint64_t input_mark(const char *path);
uint64_t input_mark_of(const struct input_file *file);

/* The files whose marks a rank is asked for: up to file_max indices spread over the listing, the
 * first and the last among them, since a mount is missing for a directory and not for a file.
 * Returns how many. */
size_t listing_sample(const struct listing *listing, size_t file_max, size_t *out_indices);

/* What to say when marks differ: mark is what the other host saw, 0 for nothing. Errors: always
 * one, BARKS_IO. */
BARKS_CHECKED barks_status *input_mark_mismatch(const struct input_file *file, uint64_t mark,
                                                const char *host);
