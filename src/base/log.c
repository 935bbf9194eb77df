#include "base/log.h"

#include "base/clock.h"
#include "base/hash.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    LINE_BYTES = 2048, /* a longer line is cut */
    RULES_MAX = 16,
    AREA_BYTES = 24,
    PREFIX_BYTES = 100,
};

/* A line that repeats is told of at least this often. */
#define REPEAT_NS (10 * NS_PER_S)

struct rules {
    struct {
        char area[AREA_BYTES];
        enum log_level level;
    } areas[RULES_MAX];
    size_t area_count;
    enum log_level others;
};

_Atomic int log_level_max = LEVEL_WARN;

/* Not a struct lock: it guards static data and must work before anything was initialised. It is the
 * last one to be taken, and nothing is called under it. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
    struct rules rules;
    char prefix[PREFIX_BYTES];
    log_sink *sink;
    void *sink_self;
    uint64_t last_hash; /* of the last line */
    enum log_level last_level;
    uint64_t repeat_count; /* of the last line, not told yet */
    uint64_t told_ns;
} locked = {.rules.others = LEVEL_WARN, .prefix = "[barks] "};

static const char *const level_names[] = {"", "error", "warn", "info", "debug", "trace"};

BARKS_CHECKED static barks_status *parse_level(const char *text, size_t length,
                                               enum log_level *out_level)
{
    for (int level = LEVEL_ERROR; level <= LEVEL_TRACE; level++) {
        if (strlen(level_names[level]) == length &&
            strncmp(level_names[level], text, length) == 0) {
            *out_level = (enum log_level)level;
            return NULL;
        }
    }
    BARKS_FAIL(BARKS_INVALID,
               "'%.*s' is no level of the log: it is one of error, warn, info, debug and trace, "
               "or a list such as net=debug,info",
               (int)(length < 40 ? length : 40), text);
}

BARKS_CHECKED static barks_status *parse_rules(const char *levels, struct rules *out_rules)
{
    struct rules rules = {.others = LEVEL_WARN};
    const char *item = levels;
    while (true) {
        size_t length = strcspn(item, ",");
        const char *equals = memchr(item, '=', length);
        if (equals == NULL) {
            BARKS_TRY(parse_level(item, length, &rules.others));
        } else {
            size_t area_length = (size_t)(equals - item);
            if (area_length == 0 || area_length >= AREA_BYTES)
                BARKS_FAIL(BARKS_INVALID, "'%.*s' names no area of the log: see net=debug,info",
                           (int)(length < 40 ? length : 40), item);
            if (rules.area_count == RULES_MAX)
                BARKS_FAIL(BARKS_INVALID, "the log has levels for more than %d areas", RULES_MAX);
            memcpy(rules.areas[rules.area_count].area, item, area_length);
            BARKS_TRY(parse_level(equals + 1, length - area_length - 1,
                                  &rules.areas[rules.area_count].level));
            rules.area_count++;
        }
        if (item[length] == '\0')
            break;
        item += length + 1;
    }
    *out_rules = rules;
    return NULL;
}

barks_status *log_check_levels(const char *levels)
{
    struct rules rules;
    return parse_rules(levels, &rules);
}

barks_status *log_set_levels(const char *levels)
{
    struct rules rules;
    BARKS_TRY(parse_rules(levels, &rules));
    int level_max = (int)rules.others;
    for (size_t index = 0; index < rules.area_count; index++) {
        if ((int)rules.areas[index].level > level_max)
            level_max = (int)rules.areas[index].level;
    }
    pthread_mutex_lock(&mutex);
    locked.rules = rules;
    atomic_store_explicit(&log_level_max, level_max, memory_order_relaxed);
    pthread_mutex_unlock(&mutex);
    return NULL;
}

void log_set_origin(int rank, const char *host)
{
    pthread_mutex_lock(&mutex);
    if (rank < 0)
        snprintf(locked.prefix, sizeof locked.prefix, "[barks] ");
    else
        snprintf(locked.prefix, sizeof locked.prefix, "[barks %d %.64s] ", rank, host);
    pthread_mutex_unlock(&mutex);
}

void log_set_sink(log_sink *sink, void *self)
{
    pthread_mutex_lock(&mutex);
    locked.sink = sink;
    locked.sink_self = self;
    pthread_mutex_unlock(&mutex);
}

static enum log_level level_of_locked(const char *area)
{
    for (size_t index = 0; index < locked.rules.area_count; index++) {
        if (strcmp(locked.rules.areas[index].area, area) == 0)
            return locked.rules.areas[index].level;
    }
    return locked.rules.others;
}

bool log_is_on(enum log_level level, const char *area)
{
    pthread_mutex_lock(&mutex);
    bool is_on = level <= level_of_locked(area);
    pthread_mutex_unlock(&mutex);
    return is_on;
}

/* One write for the line and its end, so that lines of several processes do not mix. */
static void write_line(const char *line, size_t length)
{
    char out[LINE_BYTES + 1];
    if (length > LINE_BYTES)
        length = LINE_BYTES;
    memcpy(out, line, length);
    out[length] = '\n';
    size_t done = 0;
    while (done <= length) {
        ssize_t written = write(STDERR_FILENO, out + done, length + 1 - done);
        if (written < 0 && errno != EINTR)
            return; /* nobody listens, and there is nowhere to tell it */
        done += written > 0 ? (size_t)written : 0;
    }
}

void log_forward(enum log_level level, const char *line, size_t length)
{
    pthread_mutex_lock(&mutex);
    log_sink *sink = locked.sink;
    void *self = locked.sink_self;
    pthread_mutex_unlock(&mutex);
    if (sink != NULL)
        sink(self, level, line, length);
    else
        write_line(line, length);
}

/* Takes the count of repetitions that is due and words it; 0 where none is. */
static size_t take_repeats_locked(char out[PREFIX_BYTES + 60])
{
    if (locked.repeat_count == 0)
        return 0;
    int length = snprintf(out, PREFIX_BYTES + 60, "%sthe last line %llu times more", locked.prefix,
                          (unsigned long long)locked.repeat_count);
    locked.repeat_count = 0;
    return length < 0 ? 0 : (size_t)length;
}

/* True where the line is to be written; otherwise it is the last one again, and has been counted.
 * Before it, or in its place, *out_repeats_length bytes of repeats are due. */
static bool note_line_locked(enum log_level level, const char *line, size_t length,
                             char repeats[PREFIX_BYTES + 60], size_t *out_repeats_length,
                             enum log_level *out_repeats_level)
{
    uint64_t now_ns = monotonic_ns();
    uint64_t hash = hash_bytes_seeded(line, length, (uint64_t)level);
    *out_repeats_level = locked.last_level;
    *out_repeats_length = 0;
    bool is_same = hash == locked.last_hash;
    if (is_same)
        locked.repeat_count++;
    if (!is_same || now_ns - locked.told_ns >= REPEAT_NS) {
        *out_repeats_length = take_repeats_locked(repeats);
        locked.told_ns = now_ns;
    }
    locked.last_hash = hash;
    locked.last_level = level;
    return !is_same;
}

void log_write(enum log_level level, const char *area, const char *format, ...)
{
    char line[LINE_BYTES];
    char repeats[PREFIX_BYTES + 60];
    pthread_mutex_lock(&mutex);
    bool is_on = level <= level_of_locked(area);
    int head_length =
        snprintf(line, sizeof line, "%s%s %s: ", locked.prefix, level_names[level], area);
    pthread_mutex_unlock(&mutex);
    if (!is_on || head_length < 0)
        return;
    size_t length = (size_t)head_length < sizeof line ? (size_t)head_length : sizeof line - 1;
    va_list arguments;
    va_start(arguments, format);
    int text_length = vsnprintf(line + length, sizeof line - length, format, arguments);
    va_end(arguments);
    if (text_length > 0)
        length += (size_t)text_length;
    if (length >= sizeof line) {
        length = sizeof line - 1;
        memset(line + length - 3, '.', 3);
    }

    size_t repeats_length = 0;
    enum log_level repeats_level = level;
    pthread_mutex_lock(&mutex);
    bool is_new = note_line_locked(level, line, length, repeats, &repeats_length, &repeats_level);
    pthread_mutex_unlock(&mutex);
    if (repeats_length > 0)
        log_forward(repeats_level, repeats, repeats_length);
    if (is_new)
        log_forward(level, line, length);
}

void log_flush(void)
{
    char repeats[PREFIX_BYTES + 60];
    pthread_mutex_lock(&mutex);
    size_t length = take_repeats_locked(repeats);
    enum log_level level = locked.last_level;
    locked.last_hash = 0;
    pthread_mutex_unlock(&mutex);
    if (length > 0)
        log_forward(level, repeats, length);
}

void log_status(enum log_level level, const char *area, const barks_status *status)
{
    char text[LINE_BYTES];
    barks_status_format(status, text, sizeof text);
    LOG(level, area, "%s", text);
    for (; status != NULL; status = barks_status_cause(status))
        LOG(LEVEL_DEBUG, area, "  %s at %s: %s", barks_code_name(barks_status_code(status)),
            barks_status_where(status), barks_status_text(status));
}
