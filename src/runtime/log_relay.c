#include "runtime/log_relay.h"

#include "base/lock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct relayed_line {
    struct relayed_line *next;
    enum log_level level;
    char *text; /* owned */
};

struct log_relay {
    struct lock lock;
    struct {
        struct relayed_line *first, **end;
        size_t count;
        size_t dropped;
    } locked;
};

static struct relayed_line *line_create(enum log_level level, const char *text, size_t length)
{
    struct relayed_line *line = calloc(1, sizeof *line);
    char *copy = malloc(length + 1);
    if (line == NULL || copy == NULL) {
        free(line);
        free(copy);
        return NULL;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    *line = (struct relayed_line){.level = level, .text = copy};
    return line;
}

/* An error for which there is no memory may be the last that this process says: better mixed with
 * lines of others than lost. */
static void print_now(const char *text, size_t length)
{
    char line[1024];
    size_t size = length < sizeof line ? length : sizeof line - 1;
    memcpy(line, text, size);
    line[size++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, size);
    (void)written; /* there is no other way to tell */
}

/* The log's sink. A line that finds no memory or no room is counted, and that is told with the
 * next. */
static void keep_line(void *self, enum log_level level, const char *text, size_t length)
{
    struct log_relay *relay = self;
    struct relayed_line *line = line_create(level, text, length);
    if (line == NULL && level == LEVEL_ERROR) {
        print_now(text, length);
        return;
    }
    lock_acquire(&relay->lock);
    if (line == NULL || relay->locked.count == LOG_RELAY_LINES_MAX) {
        relay->locked.dropped++;
    } else {
        *relay->locked.end = line;
        relay->locked.end = &line->next;
        relay->locked.count++;
        line = NULL;
    }
    lock_release(&relay->lock);
    if (line != NULL) {
        free(line->text);
        free(line);
    }
}

barks_status *log_relay_open(struct log_relay **out_relay)
{
    struct log_relay *relay = calloc(1, sizeof *relay);
    if (relay == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the log");
    lock_init(&relay->lock, LOCK_QUEUE, "log relay");
    relay->locked.end = &relay->locked.first;
    log_set_sink(keep_line, relay);
    *out_relay = relay;
    return NULL;
}

char *log_relay_take(struct log_relay *relay, enum log_level *out_level)
{
    char dropped[64], *text = NULL;
    lock_acquire(&relay->lock);
    struct relayed_line *line = relay->locked.first;
    if (line != NULL) {
        relay->locked.first = line->next;
        relay->locked.count--;
        if (line->next == NULL)
            relay->locked.end = &relay->locked.first;
        text = line->text;
        *out_level = line->level;
    } else if (relay->locked.dropped > 0) {
        snprintf(dropped, sizeof dropped, "%zu lines of the log were dropped",
                 relay->locked.dropped);
        text = strdup(dropped);
        *out_level = LEVEL_WARN;
        relay->locked.dropped = text != NULL ? 0 : relay->locked.dropped;
    }
    lock_release(&relay->lock);
    free(line);
    return text;
}

void log_relay_close(struct log_relay *relay)
{
    enum log_level level = LEVEL_INFO;
    char *line;
    if (relay == NULL)
        return;
    log_flush();
    log_set_sink(NULL, NULL);
    while ((line = log_relay_take(relay, &level)) != NULL) {
        log_forward(level, line, strlen(line));
        free(line);
    }
    lock_drop(&relay->lock);
    free(relay);
}
