/* Records that end at a separator, taken one by one from the splits of a record_window: lines of
 * JSON, records of text. */
#pragma once

#include "io/record_window.h"

/* What comes next of the open split. */
enum record_found {
    RECORD_FOUND,
    RECORD_NONE, /* the split has no more; it is closed */
    RECORD_FULL, /* the batch that uses the window's block must be handed out first */
};

/* Begins as {.separator, .separator_bytes} with a window that is made, ends with the window's end.
 * Threads: one owner at a time. */
struct delimited {
    struct record_window window;
    const uint8_t *separator; /* borrowed; at least one byte, and not separator_overlaps */
    size_t separator_bytes;
    bool in_records; /* of the open split the first record has been found */
    size_t searched; /* of the record that comes next: no separator begins before */
};

/* True where two separators may share bytes, as those of "aa" in "aaa" do: then nobody can tell
 * where records begin without the bytes from the file's beginning on, and files must not be cut. */
bool separator_overlaps(const uint8_t *separator, size_t separator_bytes);

/* Opens the window's next split. A record belongs to the split in which it begins, so that each
 * begins by looking for the end of one that belongs to another. Errors: as record_window_open. */
BARKS_CHECKED barks_status *delimited_open(struct delimited *records);

/* The record at the window's beginning, of *out_length bytes without its separator; a last record
 * without one counts. A byte-order mark before the first record is dropped. Errors: as
 * record_window_more. */
BARKS_CHECKED barks_status *delimited_find(struct delimited *records, bool batch_uses_block,
                                           enum record_found *out_found, size_t *out_length);

/* Goes on behind the record that was found. */
void delimited_pass(struct delimited *records, size_t length);
