/* Disk space without names, for what does not fit in memory. */
#pragma once

#include "barks/status.h"

#include <stddef.h>
#include <stdint.h>

/* Threads: any; a lock of rank LOCK_QUEUE guards the ends of the files, and is not held while
 * bytes move. */
struct scratch;

/* Where something lies: scratch_write fills it, others only pass it on. */
struct scratch_place {
    uint32_t directory;
    uint64_t offset;
    uint64_t size_bytes;
};

/* wanted, "dir:dir:..."; for NULL or "" SLURM_TMPDIR, else TMPDIR, else /tmp. */
const char *scratch_directories(const char *wanted);

/* directories: as scratch_directories takes them, which are used in turn, each by one file that no
 * other user can read. Nothing is opened before the first write.
 * Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *scratch_create(const char *directories, struct scratch **out_scratch);
/* Gives all space back; NULL is fine. */
void scratch_destroy(struct scratch *scratch);

/* Writes bytes into the next directory that has room. Errors: BARKS_IO (also: nobody but this user
 * must be able to read there), BARKS_LIMIT (all of them full) of the directory that was tried last.
 */
BARKS_CHECKED barks_status *scratch_write(struct scratch *scratch, const void *bytes,
                                          size_t size_bytes, struct scratch_place *out_place);

/* Reads all of place into out. Errors: BARKS_IO. */
BARKS_CHECKED barks_status *scratch_read(struct scratch *scratch, struct scratch_place place,
                                         void *out);

/* Puts what place holds in the stead of memory `at`, for reading: whole pages of the kernel's, as
 * place.size_bytes is. The kernel keeps in memory what it has room for. Unmapped before the place
 * is freed. Errors: BARKS_IO. */
BARKS_CHECKED barks_status *scratch_map(struct scratch *scratch, struct scratch_place place,
                                        void *at);

/* ---- damage: places of which other bytes come back than were written, or none ---- */

/* What was read of place is not what was written: notes it, and says so. Takes cause, which says
 * how that was seen. Returns a status of BARKS_IO. */
BARKS_CHECKED barks_status *scratch_damaged(struct scratch *scratch, struct scratch_place place,
                                            barks_status *cause);

/* The same of what was mapped of place; who read it could not know. */
void scratch_note_unseen_damage(struct scratch *scratch, struct scratch_place place);
/* How often that was noted. */
uint64_t scratch_unseen_count(struct scratch *scratch);
/* Errors: BARKS_IO where it was since scratch_unseen_count gave `since`: so whoever began then may
 * have read what was damaged. */
BARKS_CHECKED barks_status *scratch_check(struct scratch *scratch, uint64_t since);

/* The space is used again, and given back to file systems that can take it. */
void scratch_free(struct scratch *scratch, struct scratch_place place);

/* Of all kinds, also what scratch_read could not read; the directory of the last one, borrowed,
 * says nothing where there is none. */
uint64_t scratch_damage_count(struct scratch *scratch, const char **out_directory);

uint64_t scratch_peak_bytes(struct scratch *scratch);    /* the most that was ever in use */
uint64_t scratch_written_bytes(struct scratch *scratch); /* in its whole life */
