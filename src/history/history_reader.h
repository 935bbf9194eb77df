/* Reads the event log of a job that has ended, was killed, or still runs. */
#pragma once

#include "barks/status.h"
#include "base/pack.h"
#include "history/history_record.h"

#include <stdbool.h>
#include <stdint.h>

/* Ends with history_reader_drop, which takes a zeroed one too. */
struct history_reader {
    const char *path;                      /* borrowed, for errors */
    uint8_t *bytes;                        /* owned; of the whole file */
    struct unpacker in;                    /* of them */
    bool has_begun;                        /* its first record was read */
    bool is_cut;                           /* it ended within a record, or in what is none */
    uint64_t cut_offset;                   /* where that record begins */
    uint64_t damaged_count, unknown_count; /* records that were passed over */
};

/* Errors: BARKS_IO, BARKS_NO_MEMORY, BARKS_LIMIT (over 4 GiB). */
BARKS_CHECKED barks_status *history_open(const char *path, struct history_reader *out_reader);
/* The same of bytes, which are copied. */
BARKS_CHECKED barks_status *history_open_bytes(const char *name, const void *bytes,
                                               size_t size_bytes,
                                               struct history_reader *out_reader);

/**
 * The next record whose kind is known; *out_more is false behind the last one.
 *
 * A record that is damaged is passed over and counted; where what follows is no record, reading
 * ends and is_cut says so: the job was killed, or the file was.
 *
 * Ownership: the record is the caller's: history_record_drop.
 * Errors:    BARKS_BAD_INPUT: it does not begin as an event log. BARKS_INVALID: of a later barks.
 *            BARKS_NO_MEMORY.
 */
BARKS_CHECKED barks_status *history_next(struct history_reader *reader,
                                         struct history_record *out_record, bool *out_more);

void history_reader_drop(struct history_reader *reader);
