/* The directory of finished stages: that it is one, and the names in it. */
#pragma once

#include "barks/status.h"

#include <stddef.h>
#include <stdint.h>

/* What lies in a directory is read by those of the same format alone. */
enum { WORK_FORMAT = 1 };
#define WORK_MARK_NAME "barks-work"
#define WORK_LAST_NAME "last"

/* Begins zeroed, ends with work_drop. Immutable once opened. */
struct work {
    char *path;       /* owned, absolute */
    uint64_t session; /* of this job, in the names of its files: random */
};

/**
 * Opens the directory for a job, and makes it where only its last part is missing.
 *
 * Errors: BARKS_INVALID: it is a file, holds other things, or is of another format; BARKS_IO,
 *         BARKS_LIMIT: it cannot be made, read or written. */
BARKS_CHECKED barks_status *work_open(const char *path, struct work *out_work);
void work_drop(struct work *work);

/* Whether path is such a directory, with the same errors, without making or writing anything. */
BARKS_CHECKED barks_status *work_check(const char *path);

/* "DIR/STAGE", "DIR/STAGE/NAME"; name may be NULL. To be freed; NULL without memory. */
char *work_stage_path(const struct work *work, const char *stage, const char *name);

/* "SESSION-SLOT-EXECUTOR", the file of a slot's rows. One that was taken for lost may still write
 * its own while its heir writes another. */
enum { WORK_FILE_NAME_BYTES = 40 };
void work_file_name(const struct work *work, uint32_t slot, uint32_t executor,
                    char out[WORK_FILE_NAME_BYTES]);

/* Makes the directory of a stage, or finds it. Errors: BARKS_IO, BARKS_LIMIT. */
BARKS_CHECKED barks_status *work_make_stage(const struct work *work, const char *stage);

/* Small files that are there whole or not at all: with their kind, length and checksum before their
 * bytes. kind: at most 15 characters. work_read_file: NULL with *out_bytes NULL where there is none
 * or another kind; what is damaged is BARKS_BAD_INPUT. */
BARKS_CHECKED barks_status *work_write_file(const struct work *work, const char *path,
                                            const char *kind, const void *bytes, size_t size_bytes);
BARKS_CHECKED barks_status *work_read_file(const char *path, const char *kind, uint8_t **out_bytes,
                                           size_t *out_size_bytes);
