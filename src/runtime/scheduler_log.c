#include "runtime/scheduler_log.h"

#include "base/log.h"
#include "scheduler/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct scheduler_log {
    int file; /* -1: it was given up */
    char *path;
    struct journal journal; /* of which the file lacks what is here */
};

barks_status *scheduler_log_open(const char *path, const struct scheduler_options *options,
                                 struct scheduler_log **out_log)
{
    *out_log = NULL;
    if (path == NULL || strcmp(path, "none") == 0)
        return NULL;
    struct scheduler_log *log = calloc(1, sizeof *log);
    char *copy = strdup(path);
    if (log == NULL || copy == NULL) {
        free(log);
        free(copy);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a scheduler log");
    }
    *log = (struct scheduler_log){.path = copy};
    log->file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (log->file < 0) {
        barks_status *status =
            barks_status_new(BARKS_IO, NULL, BARKS_HERE,
                             "cannot write the scheduler log '%s': %s; see scheduler_log", path,
                             strerrordesc_np(errno));
        scheduler_log_close(log);
        return status;
    }
    journal_begin(&log->journal, options);
    *out_log = log;
    return NULL;
}

BARKS_CHECKED static barks_status *write_records(const struct scheduler_log *log)
{
    const msgpack_sbuffer *bytes = &log->journal.records.bytes;
    for (size_t at = 0; at < bytes->size;) {
        ssize_t written = write(log->file, bytes->data + at, bytes->size - at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            BARKS_FAIL(BARKS_IO, "cannot write the scheduler log '%s', which ends here: %s",
                       log->path, strerrordesc_np(errno));
        at += (size_t)written;
    }
    return NULL;
}

static void flush(struct scheduler_log *log)
{
    if (log->file < 0)
        return;
    barks_status *status = packer_finish(&log->journal.records);
    if (status == NULL)
        status = write_records(log);
    log->journal.records.bytes.size = 0;
    if (status == NULL)
        return;
    log_status(LEVEL_WARN, "runtime", status);
    barks_status_free(status);
    (void)close(log->file);
    log->file = -1;
}

barks_status *scheduler_log_handle(struct scheduler_log *log, struct scheduler *scheduler,
                                   const struct event *event, struct decision_list *decisions)
{
    if (log == NULL || log->file < 0)
        return scheduler_handle(scheduler, event, decisions);
    size_t count = decisions->count;
    journal_event(&log->journal, scheduler, event);
    flush(log);
    barks_status *status = scheduler_handle(scheduler, event, decisions);
    journal_decisions(&log->journal, status, decisions->items + count, decisions->count - count);
    return status;
}

void scheduler_log_close(struct scheduler_log *log)
{
    if (log == NULL)
        return;
    flush(log);
    if (log->file >= 0)
        (void)close(log->file); /* what was written is there; the job does not depend on it */
    journal_drop(&log->journal);
    free(log->path);
    free(log);
}
