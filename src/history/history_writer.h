/* The event log of a job that runs: a file that a thread of its own writes.
 *
 * It is DIRECTORY/NAME-DATE-PID.events, and bears .part behind that until the job has ended and
 * said so: what is left of a job that was killed is known by its name, and readable. */
#pragma once

#include "barks/status.h"
#include "history/history_record.h"

#include <stdint.h>

/* What may wait to be written. A task is some 150 bytes, so that is the tasks of seconds. */
#define HISTORY_QUEUE_BYTES ((size_t)4 << 20)
/* How long the end of a job waits for a disk. */
#define HISTORY_CLOSE_NS UINT64_C(5000000000)

enum { HISTORY_PATH_BYTES = 2048 };

struct history_writer;

/* Makes the directory (0700) where it is not there, and the file (0600). Errors: BARKS_IO,
 * BARKS_NO_MEMORY, BARKS_LIMIT (no thread). */
BARKS_CHECKED barks_status *history_writer_open(const char *directory, const char *name,
                                                uint64_t wall_ns, struct history_writer **out);

/* The same onto an open descriptor, which is taken; nothing is renamed at the end. */
BARKS_CHECKED barks_status *history_writer_start(int file, size_t queue_bytes,
                                                 struct history_writer **out);

/* Never waits, never fails: what does not fit is dropped and counted. Borrows the record. Threads:
 * any. NULL writes nothing. */
void history_write(struct history_writer *writer, const struct history_record *record);

/* What became of a log. */
struct history_end {
    char path[HISTORY_PATH_BYTES]; /* where it is, "" for none */
    uint64_t dropped_count;
};

/* Writes the last record, a JOB_ENDED, and ends the thread, or leaves it behind when the disk keeps
 * it longer than close_ns. Errors: BARKS_IO: the log ends early, and keeps its .part. */
BARKS_CHECKED barks_status *history_writer_close(struct history_writer *writer,
                                                 struct history_record *last, uint64_t close_ns,
                                                 struct history_end *out_end);
