/* An output directory that appears whole or not at all.
 *
 *     DIR/.OUT.barks-JOB/             made by commit_begin, beside OUT and so on its file system
 *         .owner                      whose it is, so that a later job can tell a leftover from a
 * living one's
 *         .part-00007.csv.9-2-4       what attempt 2 of a task of job 9 on executor 4 writes of
 *                                     part 7, and nobody else
 *         part-00000.csv              a part, by commit_end: only it knows which attempt counts
 *         _SUCCESS                    the manifest, written last by commit_end, which then renames
 * all of it to DIR/OUT/
 *
 * An executor that was declared dead and lives may write what it likes: its names are its own, so
 * that it neither takes the place of what counts nor changes it. What it makes while all is being
 * renamed may stay in OUT, under a name with a dot, which who reads an output passes over. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;

enum {
    COMMIT_LEFTOVER_SECONDS = 24 * 3600
}; /* when an untouched directory of an owner unknown here is a leftover */

struct commit_options {
    const char *output;      /* as the user gave it */
    const char *job_id;      /* unique: a file name without slashes */
    const char *suffix;      /* of part files, ".csv" */
    const char *fingerprint; /* a word for the manifest, by which a later job knows that the output
                                is the one that it would write; NULL or "": none */
    bool overwrite;          /* replaces an output of barks, whole, when the job commits */
    bool append;             /* adds parts to one, which appear all together */
    bool sync; /* waits for the device, so that what is there after a power cut is whole as well */
};

/* Begins zeroed, ends with commit_drop, which touches no file. Immutable once made: any number of
 * tasks may use it. */
struct commit {
    char *output;      /* owned, absolute, no symbolic links */
    char *hidden;      /* owned, absolute: where parts are written */
    char *suffix;      /* owned */
    char *fingerprint; /* owned: as of the options; not packed; NULL: none */
    bool overwrite;    /* with append too: the new directory has the old parts as well */
    bool sync;
    bool append;
    uint32_t first_part; /* the number of the first new part */
};

/* Who has written a file. Of all zeros: the driver. */
struct part_attempt {
    uint64_t job; /* the scheduler's: another one where all begins again */
    uint32_t attempt;
    uint32_t executor;
};

/* A part that a task has written. */
struct commit_part {
    uint32_t index;
    uint64_t row_count;
    uint64_t file_bytes;
    struct part_attempt attempt;
};

/**
 * Checks the output and makes the hidden directory. Removes what killed jobs of this user left of
 * the same output.
 *
 * Called by: the driver, before the first task.
 * Errors:    BARKS_INVALID: output exists and overwrite is not set; it is a file; it has files that
 * no job wrote; its directory does not exist. BARKS_IO, BARKS_LIMIT: it cannot be written there.
 */
BARKS_CHECKED barks_status *commit_begin(const struct commit_options *options,
                                         struct commit *out_commit);

/**
 * Makes the output visible: exactly these parts, and the manifest.
 *
 * Called by: the driver, once each part has been written by a task.
 * Cost:      one rename and one look for each part, one after the other.
 * Errors:    BARKS_INVALID: output has come to exist meanwhile, without overwrite. BARKS_IO,
 * BARKS_LIMIT: a part is not there as its task left it (no shared file system?); the disk. Output
 * is then as before, or the text says that it is whole (only its name could not be synced);
 * call commit_abort.
 */
BARKS_CHECKED barks_status *commit_end(const struct commit *commit, const struct commit_part *parts,
                                       size_t part_count);

/* Removes the hidden directory with all that is in it. Errors: BARKS_IO, when something stays. */
BARKS_CHECKED barks_status *commit_abort(const struct commit *commit);

void commit_drop(struct commit *commit);

/* For tasks on other ranks, as msgpack. Errors: as buffer_append; BARKS_BAD_INPUT, BARKS_NO_MEMORY.
 */
BARKS_CHECKED barks_status *commit_pack(const struct commit *commit, struct buffer *out);
BARKS_CHECKED barks_status *commit_unpack(const uint8_t *bytes, size_t size_bytes,
                                          size_t *out_used_bytes, struct commit *out_commit);

/* "DIRECTORY/part-00007.csv", to be freed; NULL without memory. */
char *commit_part_path(const char *directory, uint32_t index, const char *suffix);
/* "HIDDEN/.part-00007.csv.9-2-4", likewise. */
char *commit_attempt_path(const struct commit *commit, uint32_t index,
                          const struct part_attempt *attempt);
