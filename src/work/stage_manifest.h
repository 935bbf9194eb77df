/* What is known of a stage that was finished and stored: its manifest, a small file that appears
 * last. */
#pragma once

#include "barks/status.h"
#include "base/buffer.h"
#include "plan/fingerprint.h"
#include "plan/stored_stage.h"

#include <stdint.h>

struct work;

/* The kind of the file. Its first field is the job's name, which work_clean reads without the rest.
 */
#define STAGE_MANIFEST_KIND "barks-stage 2"

/* What bodies have added in one attempt of a stage (exec/accumulate.h), and the stage's name. */
struct manifest_added {
    char stage[FINGERPRINT_NAME_BYTES];
    uint32_t index; /* of the stage in its job: additions are merged in this order */
    uint8_t *bytes; /* owned */
    size_t size_bytes;
};

struct manifest_bytes {
    uint8_t *bytes; /* owned */
    size_t size_bytes;
};

/* Begins zeroed, ends with stage_manifest_drop. Of a shuffle or of an answer. */
struct stage_manifest {
    struct fingerprint fingerprint;
    uint64_t session;            /* of the job that stored it */
    const char *job;             /* borrowed: its program's name, when it is written; not read */
    struct stored_stage *stored; /* a shuffle; owned; NULL: an answer */
    uint64_t *file_bytes;        /* owned: of each of its files */
    /* Of a side of a join whose hot keys are spread, packed: whose rows were copied, and spread. */
    struct manifest_bytes hot_keys_told, hot_keys_found;
    struct buffer *results; /* owned: an answer, in order */
    uint32_t result_count;
    struct manifest_added *added; /* owned: of this stage and those before it */
    uint32_t added_count, added_capacity;
};
void stage_manifest_drop(struct stage_manifest *manifest);

/* A copy. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *stage_manifest_add(struct stage_manifest *manifest,
                                               const struct manifest_added *added);

/* Writes it, after a look whether all its files are there in full length.
 * Errors: BARKS_IO, BARKS_LIMIT: the disk, or files that this host does not see. */
BARKS_CHECKED barks_status *stage_manifest_write(const struct work *work,
                                                 const struct stage_manifest *manifest);

/* Reads it; *out_is_there: false where there is none. Its files were looked at: they are as long as
 * they were. Errors: BARKS_BAD_INPUT, with what is damaged. */
BARKS_CHECKED barks_status *stage_manifest_read(const struct work *work,
                                                const struct fingerprint *fingerprint,
                                                struct stage_manifest *out_manifest,
                                                bool *out_is_there);

/* Says that it is still of use, to who cleans by age. */
void stage_manifest_touch(const struct work *work, const struct fingerprint *fingerprint);
bool stage_manifest_is_there(const struct work *work, const struct fingerprint *fingerprint);
