#include "runtime/live_progress.h"

#include "base/clock.h"
#include "base/config.h"
#include "base/lock.h"
#include "base/log.h"
#include "runtime/terminal_line.h"
#include "runtime/units_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define REDRAW_NS (UINT64_C(100) * NS_PER_MS)
/* What ends sooner is not worth a flicker. */
#define FIRST_DRAW_NS (UINT64_C(300) * NS_PER_MS)
enum { LINE_BYTES = 512, BAR_CELLS = 16, BAR_BYTES = BAR_CELLS + 16 };

/* guarded by lock: executors' lines and the live lines must not mix. */
struct progress {
    struct lock lock;
    struct {
        int terminal; /* descriptor of the terminal, or -1 */
        bool quiet;
        bool plain_lines; /* a line at the end of each stage */
        uint32_t drawn;   /* live lines that stand on the terminal */
        uint64_t last_draw_ns;
    } locked;
};

barks_status *progress_open(const struct config *config, struct progress **out_progress)
{
    struct progress *progress = calloc(1, sizeof *progress);
    if (progress == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the progress line");
    lock_init(&progress->lock, LOCK_PROGRESS, "progress");
    int when = config_choice(config, CONFIG_PROGRESS);
    bool is_never = when == PROGRESS_NEVER;
    progress->locked.quiet = config_bool(config, CONFIG_QUIET);
    progress->locked.terminal = -1;
    if (!progress->locked.quiet && !is_never)
        progress->locked.terminal = terminal_find(when == PROGRESS_ALWAYS);
    progress->locked.plain_lines =
        !progress->locked.quiet && progress->locked.terminal < 0 && !is_never;
    *out_progress = progress;
    return NULL;
}

static void clear_locked(struct progress *progress)
{
    if (progress->locked.drawn > 0)
        terminal_erase(progress->locked.terminal, progress->locked.drawn);
    progress->locked.drawn = 0;
}

static void print_log_line(void *self, enum log_level level, const char *line, size_t length)
{
    struct progress *progress = self;
    (void)level; /* it is part of the line */
    lock_acquire(&progress->lock);
    clear_locked(progress);
    fprintf(stderr, "%.*s\n", (int)length, line);
    lock_release(&progress->lock);
}

void progress_take_log(struct progress *progress) { log_set_sink(print_log_line, progress); }

void progress_close(struct progress *progress)
{
    if (progress == NULL)
        return;
    log_flush();
    log_set_sink(NULL, NULL);
    progress_clear(progress);
    terminal_release(progress->locked.terminal);
    lock_drop(&progress->lock);
    free(progress);
}

/* How much of the stage is done, by bytes where they are known: tasks can be few and long. */
static double fraction(const struct stage_view *view)
{
    double done = view->task_count > 0 ? (double)view->tasks_done / view->task_count : 0;
    double read = view->bytes_total > 0 ? (double)view->bytes / (double)view->bytes_total : 0;
    double best = read > done ? read : done;
    return best < 1 ? best : 1;
}

/* The figures first: a terminal may be narrow. */
static void describe(const struct stage_view *view, uint64_t now_ns, char *out, size_t out_bytes)
{
    double seconds = (double)(now_ns - view->started_ns) * 1e-9;
    double rate = seconds > 1e-3 ? 1 / seconds : 0;
    char rows[32], bytes[32];
    text_of_count((double)view->rows * rate, rows, sizeof rows);
    text_of_bytes((double)view->bytes * rate, bytes, sizeof bytes);
    snprintf(out, out_bytes,
             "stage %" PRIu32 "/%" PRIu32 ": %" PRIu32 "/%" PRIu32
             " tasks, %s rows/s%s%s%s, %.1f s, %s%s%s",
             view->stage_number, view->stage_total, view->tasks_done, view->task_count, rows,
             view->bytes > 0 ? ", " : "", view->bytes > 0 ? bytes : "", view->bytes > 0 ? "/s" : "",
             seconds, view->description[0] != '\0' ? view->description : "",
             view->description[0] != '\0' ? ": " : "", view->what);
}

static void draw_bar(const struct stage_view *view, char *out)
{
    uint32_t filled = (uint32_t)(fraction(view) * BAR_CELLS);
    for (uint32_t i = 0; i < BAR_CELLS; i++)
        out[i] = i < filled ? '#' : '-';
    snprintf(out + BAR_CELLS, BAR_BYTES - BAR_CELLS, "] %3.0f %%", 100 * fraction(view));
}

void progress_draw(struct progress *progress, const struct stage_view *views, uint32_t view_count,
                   uint64_t now_ns)
{
    lock_acquire(&progress->lock);
    bool is_due =
        progress->locked.terminal >= 0 && now_ns - progress->locked.last_draw_ns >= REDRAW_NS;
    if (is_due) {
        progress->locked.last_draw_ns = now_ns;
        uint32_t width = terminal_width(progress->locked.terminal);
        clear_locked(progress);
        for (uint32_t i = 0; i < view_count; i++) {
            char text[LINE_BYTES], bar[BAR_BYTES], line[LINE_BYTES + BAR_BYTES + 4];
            if (now_ns - views[i].started_ns < FIRST_DRAW_NS)
                continue;
            draw_bar(&views[i], bar);
            describe(&views[i], now_ns, text, sizeof text);
            snprintf(line, sizeof line, "[%s %s", bar, text);
            terminal_put_line(progress->locked.terminal, line, width);
            progress->locked.drawn++;
        }
    }
    lock_release(&progress->lock);
}

void progress_stage_ended(struct progress *progress, const struct stage_view *view, uint64_t now_ns)
{
    char text[LINE_BYTES];
    lock_acquire(&progress->lock);
    if (progress->locked.plain_lines) {
        describe(view, now_ns, text, sizeof text);
        fprintf(stderr, "barks: %s\n", text);
    }
    clear_locked(progress);
    lock_release(&progress->lock);
}

void progress_clear(struct progress *progress)
{
    lock_acquire(&progress->lock);
    clear_locked(progress);
    lock_release(&progress->lock);
}

void progress_say(struct progress *progress, const char *format, ...)
{
    char text[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    lock_acquire(&progress->lock);
    clear_locked(progress);
    if (!progress->locked.quiet)
        fprintf(stderr, "barks: %s\n", text);
    lock_release(&progress->lock);
}
