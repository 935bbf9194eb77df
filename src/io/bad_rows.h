/* What becomes of input that is no row: told, dropped and counted, kept beside the row, or put
 * aside. */
#pragma once

#include "barks/status.h"
#include "io/file_writer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct batch;
struct pool;
struct quarantine_place;
struct record_window;

enum bad_rows_mode {
    BAD_ROWS_FAIL = 0,
    BAD_ROWS_DROP,
    BAD_ROWS_KEEP,       /* a row of what could be read, and the text in the column _corrupt */
    BAD_ROWS_QUARANTINE, /* the text, its place and the reason go to a file */
};

/* The name of the column that BAD_ROWS_KEEP fills. */
#define BAD_ROWS_COLUMN "_corrupt"

/* Begins with bad_rows_init, ends with bad_rows_drop. Threads: one owner at a time. */
struct bad_rows {
    enum bad_rows_mode mode;
    uint64_t count;
    uint64_t most;  /* that are suffered; 0: any number */
    char last[320]; /* place and reason of the last one */
    char *path;     /* owned: of the quarantine file when it is whole, NULL: none */
    char *path_now; /* owned: until then */
    char *path_old; /* owned: of the one that it will replace */
    struct pool *pool;
    struct file_writer writer; /* open from the first bad row on */
};

/* place is for BAD_ROWS_QUARANTINE, else NULL. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *bad_rows_init(struct bad_rows *bad, struct pool *pool,
                                          enum bad_rows_mode mode,
                                          const struct quarantine_place *place, uint32_t partition);

/* A record that is no row. */
struct bad_record {
    const struct record_window *window; /* it stands at its beginning */
    size_t length;                      /* without what ends it */
    const char *reason;
    int32_t corrupt_field; /* BAD_ROWS_COLUMN of the batch; -1: none */
};

/* Deals with it. *out_is_row: the batch's next row, which is not counted yet, is now one of nulls
 * (zeros where they are not possible) with its text. What was written there before is forgotten.
 * bad NULL: as BAD_ROWS_FAIL. Errors: BARKS_BAD_INPUT, with file, line, reason and an excerpt, in
 * BAD_ROWS_FAIL, or where they are more than bad->most; BARKS_IO, BARKS_LIMIT: the quarantine file.
 */
BARKS_CHECKED barks_status *bad_rows_take(struct bad_rows *bad, const struct bad_record *record,
                                          struct batch *batch, bool *out_is_row);

/* After the last row of the partition: the quarantine file takes the name that quarantine_publish
 * looks for, in one rename, so that an attempt that failed leaves none and two attempts leave one;
 * without bad rows an old file is marked to go. Errors: BARKS_IO, BARKS_LIMIT. */
BARKS_CHECKED barks_status *bad_rows_finish(struct bad_rows *bad);
void bad_rows_drop(struct bad_rows *bad); /* removes what is unfinished; zeroed is fine */
