/* Which event logs there are, and which one is meant. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define LOG_SUFFIX ".events"
#define LOG_PART_SUFFIX ".events.part" /* the job runs, or was killed */

struct found_log {
    char *path; /* owned */
    char *id;   /* owned: its name without what it ends in */
    bool is_part;
    struct timespec modified;
};

/* Begins zeroed, ends with found_logs_drop. */
struct found_logs {
    struct found_log *items; /* owned; the oldest first */
    uint64_t count, capacity;
};
void found_logs_drop(struct found_logs *logs);

/* All logs of the directory whose name begins with head. Errors: BARKS_IO, BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *find_logs(const char *directory, const char *head,
                                      struct found_logs *out_logs);

/* What a person calls a job: the path of its log, or the beginning of its name in directory, of
 * which the newest is taken; NULL: the directory is not known. The path is the caller's. Errors:
 * BARKS_INVALID: there is none; those of find_logs. */
BARKS_CHECKED barks_status *find_log(const char *directory, const char *job, char **out_path);

/* "wordcount-20261129T061500Z-4711" of a path. The caller's. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *log_id_of(const char *path, char **out_id);
