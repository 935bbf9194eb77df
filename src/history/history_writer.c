#include "history/history_writer.h"

#include "base/clock.h"
#include "base/lock.h"
#include "history/history_queue.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Between two writes, so that the log of a job that is killed lacks no more than this. */
#define GATHER_NS (UINT64_C(100) * NS_PER_MS)
#define PART_SUFFIX ".part"

struct history_writer {
    struct history_queue queue;
    pthread_t thread;
    int file;                      /* the thread's */
    char path[HISTORY_PATH_BYTES]; /* with its .part, or "" */
    struct lock lock;
    struct condition changed;
    struct {
        bool has_ended;        /* the thread */
        barks_status *failure; /* owned */
    } locked;
};

BARKS_CHECKED static barks_status *write_all(const struct history_writer *writer,
                                             const struct buffer *bytes)
{
    for (size_t at = 0; at < bytes->size_bytes;) {
        ssize_t written = write(writer->file, bytes->data + at, bytes->size_bytes - at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            BARKS_FAIL(BARKS_IO, "cannot write the event log '%s': %s", writer->path,
                       strerror(errno));
        at += (size_t)written;
    }
    return NULL;
}

static void *run(void *argument)
{
    struct history_writer *writer = argument;
    struct buffer bytes = {0};
    barks_status *failure = NULL;
    while (failure == NULL && history_queue_take(&writer->queue, GATHER_NS, &bytes))
        failure = write_all(writer, &bytes);
    if (failure != NULL)
        history_queue_refuse(&writer->queue);
    buffer_drop(&bytes);
    if (close(writer->file) != 0 && failure == NULL)
        failure = barks_status_new(BARKS_IO, NULL, BARKS_HERE,
                                   "cannot write the event log '%s' to its end: %s", writer->path,
                                   strerror(errno));
    lock_acquire(&writer->lock);
    writer->locked.has_ended = true;
    writer->locked.failure = failure;
    condition_broadcast(&writer->changed);
    lock_release(&writer->lock);
    return NULL;
}

static void destroy(struct history_writer *writer)
{
    history_queue_drop(&writer->queue);
    condition_drop(&writer->changed);
    lock_drop(&writer->lock);
    free(writer);
}

/* Signals are for the threads that look for them. */
static int start_thread(struct history_writer *writer)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&writer->thread, NULL, run, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

barks_status *history_writer_start(int file, size_t queue_bytes, struct history_writer **out)
{
    struct history_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) {
        close(file);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an event log");
    }
    writer->file = file;
    history_queue_init(&writer->queue, queue_bytes);
    lock_init(&writer->lock, LOCK_QUEUE, "event log's end");
    condition_init(&writer->changed);
    int error = start_thread(writer);
    if (error != 0) {
        close(file);
        destroy(writer);
        BARKS_FAIL(BARKS_LIMIT, "cannot start the thread of the event log: %s; raise `ulimit -u`",
                   strerrordesc_np(error));
    }
    *out = writer;
    return NULL;
}

/* What is not fit for a file's name becomes an underline. */
static void write_path(const char *directory, const char *name, uint64_t wall_ns,
                       char out[HISTORY_PATH_BYTES])
{
    char clean[100], date[32] = "";
    size_t length = 0;
    for (; name[length] != '\0' && length + 1 < sizeof clean; length++) {
        char letter = name[length];
        bool is_fit = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                      (letter >= '0' && letter <= '9') || strchr("._+-", letter) != NULL;
        clean[length] = is_fit && (length > 0 || letter != '.') ? letter : '_';
    }
    clean[length] = '\0';
    time_t seconds = (time_t)(wall_ns / NS_PER_S);
    struct tm utc = {0};
    if (gmtime_r(&seconds, &utc) != NULL)
        strftime(date, sizeof date, "%Y%m%dT%H%M%SZ", &utc);
    snprintf(out, HISTORY_PATH_BYTES, "%.1800s/%s-%s-%ld.events" PART_SUFFIX, directory, clean,
             date, (long)getpid());
}

barks_status *history_writer_open(const char *directory, const char *name, uint64_t wall_ns,
                                  struct history_writer **out)
{
    char path[HISTORY_PATH_BYTES];
    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        BARKS_FAIL(BARKS_IO,
                   "cannot make the directory '%s' of event logs: %s; see --barks-event-log",
                   directory, strerror(errno));
    write_path(directory, name, wall_ns, path);
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        BARKS_FAIL(BARKS_IO, "cannot make the event log '%s': %s; see --barks-event-log", path,
                   strerror(errno));
    barks_status *status = history_writer_start(file, HISTORY_QUEUE_BYTES, out);
    if (status != NULL) {
        unlink(path);
        return status;
    }
    snprintf((*out)->path, sizeof(*out)->path, "%s", path);
    return NULL;
}

void history_write(struct history_writer *writer, const struct history_record *record)
{
    if (writer != NULL)
        history_queue_put(&writer->queue, record);
}

static bool wait_for_end(struct history_writer *writer, uint64_t deadline_ns)
{
    lock_acquire(&writer->lock);
    while (!writer->locked.has_ended &&
           condition_wait_until(&writer->changed, &writer->lock, deadline_ns)) {
    }
    bool has_ended = writer->locked.has_ended;
    lock_release(&writer->lock);
    return has_ended;
}

barks_status *history_writer_close(struct history_writer *writer, struct history_record *last,
                                   uint64_t close_ns, struct history_end *out_end)
{
    uint64_t begin_ns = monotonic_ns();
    *out_end = (struct history_end){0};
    out_end->dropped_count = history_queue_close(&writer->queue, last);
    memcpy(out_end->path, writer->path, sizeof out_end->path);
    if (!wait_for_end(writer, begin_ns + close_ns)) {
        pthread_detach(
            writer->thread); /* what it uses is left to it: the process is about to end */
        BARKS_FAIL(BARKS_IO, "the event log '%s' could not be written in %.1f s: it ends early",
                   out_end->path, (double)close_ns * 1e-9);
    }
    pthread_join(writer->thread, NULL);
    barks_status *failure = writer->locked.failure;
    destroy(writer);
    if (failure != NULL || out_end->path[0] == '\0')
        return failure;
    char *part = strdup(out_end->path);
    if (part == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the name of the event log");
    out_end->path[strlen(part) - strlen(PART_SUFFIX)] = '\0';
    if (rename(part, out_end->path) != 0) {
        failure = barks_status_new(BARKS_IO, NULL, BARKS_HERE,
                                   "cannot rename the event log '%s': %s", part, strerror(errno));
        snprintf(out_end->path, sizeof out_end->path, "%s", part);
    }
    free(part);
    return failure;
}
