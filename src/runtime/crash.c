/* All here that runs in a handler uses only what is safe there: write, reads of memory, and
 * backtrace, which crash_catch has called once so that its library is loaded. */
#include "runtime/crash.h"

#include "base/calling.h"
#include "exec/task_info.h"

#include <execinfo.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    FRAMES_MAX = 64,
    STACK_BYTES = 64 << 10,
    LINE_BYTES = 2048,
    SHOW_TENTHS_OF_SECOND = 10,
    READER_MS_MAX = 1000,
};

static const struct {
    int number;
    const char *name;
} crashes[] = {{SIGSEGV, "SIGSEGV"},
               {SIGBUS, "SIGBUS"},
               {SIGFPE, "SIGFPE"},
               {SIGILL, "SIGILL"},
               {SIGABRT, "SIGABRT"}};
enum { CRASHES = sizeof crashes / sizeof crashes[0] };

/* Written before threads start, read in handlers. */
static struct sigaction previous[CRASHES];
static bool is_caught;
static uint32_t own_rank;
static char host[256] = "unknown";

/* Who tells first; the others wait for the end of the process. Alone: it orders nothing else. */
static atomic_flag is_telling = ATOMIC_FLAG_INIT;
/* Set by the thread whose stack is shown, awaited by who asked for it. */
static _Atomic bool is_shown;

static _Thread_local void *handler_stack __attribute__((tls_model("initial-exec")));
static _Thread_local bool has_told __attribute__((tls_model("initial-exec")));

/* ---- a line, made without the C library's printing ---- */

struct line {
    char bytes[LINE_BYTES];
    size_t length;
};

static void add(struct line *line, const char *text)
{
    while (*text != '\0' && line->length + 1 < sizeof line->bytes)
        line->bytes[line->length++] = *text++;
}

static void add_number(struct line *line, uint64_t number, unsigned base)
{
    char digits[24];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do {
        digits[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number > 0);
    add(line, digits + at);
}

static void tell(struct line *line)
{
    add(line, "\n");
    ssize_t written = write(STDERR_FILENO, line->bytes, line->length);
    (void)written; /* there is nobody left to tell */
    line->length = 0;
}

static void add_process(struct line *line, uint32_t rank)
{
    if (rank == 0) {
        add(line, "the driver");
    } else {
        add(line, "executor ");
        add_number(line, rank, 10);
    }
    add(line, " on ");
    add(line, host);
    add(line, " (process ");
    add_number(line, (uint64_t)getpid(), 10);
    add(line, ")");
}

/* info NULL: without the address, which may be another one the next time. */
static void add_signal(struct line *line, int number, const siginfo_t *info)
{
    add(line, " got signal ");
    add_number(line, (uint64_t)number, 10);
    for (int i = 0; i < CRASHES; i++)
        if (crashes[i].number == number) {
            add(line, " (");
            add(line, crashes[i].name);
        }
    if (info != NULL && info->si_code > 0 &&
        number != SIGABRT) { /* of the processor, not sent by somebody */
        add(line, " at address 0x");
        add_number(line, (uint64_t)(uintptr_t)info->si_addr, 16);
    }
    add(line, ")");
}

static void add_function(struct line *line)
{
    const struct calling *calling = &calling_now;
    uint32_t record = calling->record != NULL ? *calling->record : UINT32_MAX;
    if (calling->name == NULL) {
        add(line, " outside of the job's functions");
        return;
    }
    add(line, " in '");
    add(line, calling->name);
    add(line, "' (");
    add(line, calling->where);
    add(line, "), called at ");
    add(line, calling->site != NULL ? calling->site : "an unknown line");
    if (calling->record_count == 0)
        return;
    add(line, ", record ");
    add_number(line, calling->first_record + (record < calling->record_count ? record : 0) + 1, 10);
    if (record >= calling->record_count && calling->record_count > 1) {
        add(line, " to ");
        add_number(line, calling->first_record + calling->record_count, 10);
    }
}

static void add_place(struct line *line, const struct task_sight *task)
{
    add(line, " of partition ");
    add_number(line, task->partition, 10);
    add(line, " of stage ");
    add_number(line, task->stage, 10);
    add(line, " of job ");
    add_number(line, task->job, 10);
}

static void add_file(struct line *line, const struct task_sight *task)
{
    if (task->path != NULL) {
        add(line, ", rows from byte ");
        add_number(line, task->offset, 10);
        add(line, " of '");
        add(line, task->path);
        add(line, "'");
    }
}

static void show_frames(void)
{
    void *frames[FRAMES_MAX];
    int count = backtrace(frames, FRAMES_MAX);
    backtrace_symbols_fd(frames, count, STDERR_FILENO);
}

/* ---- handlers ---- */

/* Of the first crash amid a task, for the reader; state publishes the rest. */
enum { NOTE_NONE, NOTE_WRITTEN, NOTE_READ, NOTE_TOLD };
static struct {
    _Atomic int state;
    pthread_t thread;
    struct line line;
} note;
static _Atomic bool has_reader; /* alone: nothing is published by it */

static void report(int number, const siginfo_t *info)
{
    struct line line = {.length = 0};
    struct task_sight task;
    bool has_task = task_see(&task);
    add(&line, "barks: ");
    add_process(&line, has_task ? task.executor : own_rank);
    add_signal(&line, number, info);
    add_function(&line);
    if (has_task) {
        add_place(&line, &task);
        add(&line, ", attempt ");
        add_number(&line, task.attempt, 10);
        add_file(&line, &task);
    }
    tell(&line);
    add(&line, "barks: the calls of that thread, the last one first:");
    tell(&line);
    show_frames();
}

/* The reader has another thread, which may be stuck: not longer than READER_MS_MAX. */
static void await_reader(int number)
{
    struct task_sight task;
    if (!atomic_load_explicit(&has_reader, memory_order_relaxed) || !task_see(&task))
        return;
    add(&note.line, "it");
    add_signal(&note.line, number, NULL);
    add_function(&note.line);
    add_place(&note.line, &task);
    add_file(&note.line, &task);
    note.line.bytes[note.line.length] = '\0';
    note.thread = pthread_self();
    atomic_store_explicit(&note.state, NOTE_WRITTEN, memory_order_release);
    for (int i = 0; i < READER_MS_MAX; i++) {
        if (atomic_load_explicit(&note.state, memory_order_relaxed) == NOTE_TOLD)
            return;
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
    }
}

/* The signal comes again where an instruction is tried again, or must be sent again. */
static void pass_on(int number, const siginfo_t *info)
{
    for (int i = 0; i < CRASHES; i++)
        if (crashes[i].number == number)
            (void)sigaction(number, &previous[i], NULL); /* it was valid before */
    if (info->si_code <= 0)
        (void)raise(number); /* fails for unknown numbers only; pending until the handler is left */
}

static void crashed(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (!has_told && atomic_flag_test_and_set_explicit(&is_telling, memory_order_relaxed))
        for (;;)
            (void)pause(); /* another thread is ending the process */
    if (!has_told) {       /* else telling has crashed */
        has_told = true;
        report(number, info);
        await_reader(number);
    }
    pass_on(number, info);
}

static void show_own_stack(int number)
{
    (void)number;
    show_frames();
    atomic_store_explicit(&is_shown, true, memory_order_release);
}

/* One that nothing else uses. */
static int show_signal(void) { return SIGRTMIN + 7; }

/* ---- from outside ---- */

void crash_catch(void)
{
    void *frame = NULL;
    struct sigaction action = {.sa_sigaction = crashed, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct sigaction show = {.sa_handler = show_own_stack, .sa_flags = SA_RESTART | SA_ONSTACK};
    if (!is_caught) {
        (void)backtrace(&frame, 1);
        if (gethostname(host, sizeof host - 1) != 0)
            memcpy(host, "unknown", sizeof "unknown");
    }
    /* These fail for signals that do not exist only. */
    (void)sigemptyset(&action.sa_mask);
    (void)sigemptyset(&show.sa_mask);
    for (int i = 0; i < CRASHES; i++)
        (void)sigaction(crashes[i].number, &action, is_caught ? NULL : &previous[i]);
    (void)sigaction(show_signal(), &show, NULL);
    is_caught = true;
}

void crash_await_reader(void) { atomic_store_explicit(&has_reader, true, memory_order_relaxed); }

bool crash_read(pthread_t *out_thread, const char **out_text)
{
    if (atomic_load_explicit(&note.state, memory_order_acquire) != NOTE_WRITTEN)
        return false;
    atomic_store_explicit(&note.state, NOTE_READ, memory_order_relaxed);
    *out_thread = note.thread;
    *out_text = note.line.bytes;
    return true;
}

void crash_was_told(void) { atomic_store_explicit(&note.state, NOTE_TOLD, memory_order_relaxed); }

void crash_set_rank(uint32_t rank) { own_rank = rank; }

void crash_thread_begin(void)
{
    stack_t stack = {.ss_size = STACK_BYTES}, before;
    /* A sanitizer, or the job, may have given the thread one. */
    if (handler_stack != NULL || sigaltstack(NULL, &before) != 0 ||
        (before.ss_flags & SS_DISABLE) == 0)
        return;
    stack.ss_sp = malloc(STACK_BYTES);
    if (stack.ss_sp != NULL && sigaltstack(&stack, NULL) == 0)
        handler_stack = stack.ss_sp;
    else
        free(stack.ss_sp);
}

void crash_thread_end(void)
{
    if (handler_stack == NULL)
        return;
    (void)sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL); /* it is not running on it */
    free(handler_stack);
    handler_stack = NULL;
}

static void show_stack(pthread_t thread, const char *whose)
{
    struct line line = {.length = 0};
    atomic_store_explicit(&is_shown, false, memory_order_relaxed);
    add(&line, "barks: the calls of ");
    add(&line, whose);
    add(&line, ", the last one first:");
    tell(&line);
    if (pthread_kill(thread, show_signal()) != 0)
        return;
    for (int i = 0; i < SHOW_TENTHS_OF_SECOND; i++) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
        if (atomic_load_explicit(&is_shown, memory_order_acquire))
            return;
    }
}

void crash_show_stack(pthread_t thread, const char *whose)
{
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER; /* is_shown is of one stack */
    int error = pthread_mutex_lock(&one_at_a_time);
    show_stack(thread, whose);
    if (error == 0)
        (void)pthread_mutex_unlock(&one_at_a_time); /* it is held */
}
