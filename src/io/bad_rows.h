/* What becomes of input that is no row: told, dropped and counted, kept beside the row, or put
 * aside. */
#pragma once

#include "barks/status.h"
#include "io/file_writer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool;
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
    char first[320]; /* place and reason of the first one, for the log */
    char *path;      /* owned: of the quarantine file, NULL: none */
    char *path_now;  /* owned: its name until it is whole */
    struct pool *pool;
    struct file_writer writer; /* open from the first bad row on */
};

/* directory is for BAD_ROWS_QUARANTINE, else NULL; the file is
 * DIRECTORY/bad-00007.json for partition 7. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *bad_rows_init(struct bad_rows *bad, struct pool *pool,
                                          enum bad_rows_mode mode, const char *directory,
                                          uint32_t partition);

/* Deals with the record at the window's beginning, of length bytes without its end, which is bad
 * for a reason: *out_keep says that a row of it is wanted. bad NULL: as BAD_ROWS_FAIL. Errors:
 * BARKS_BAD_INPUT, with file, line, reason and an excerpt, in BAD_ROWS_FAIL; BARKS_IO, BARKS_LIMIT:
 * the quarantine file. */
BARKS_CHECKED barks_status *bad_rows_take(struct bad_rows *bad, const struct record_window *window,
                                          const char *reason, size_t length, bool *out_keep);

/* After the last row of the partition: the quarantine file takes its name, in one rename, so that
 * an attempt that failed leaves none and two attempts leave one; without bad rows an old file of
 * that name goes. Errors: BARKS_IO, BARKS_LIMIT. */
BARKS_CHECKED barks_status *bad_rows_finish(struct bad_rows *bad);
void bad_rows_drop(struct bad_rows *bad); /* removes what is unfinished; zeroed is fine */
