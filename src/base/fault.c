#include "base/fault.h"

#include "base/clock.h"
#include "base/fault_spec.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_BYTES = 1024, LINE_BYTES = 256 };

bool faults_are_on;

/* Written by faults_arm while no other thread runs, but for what is counted. */
static struct fault faults[FAULTS_MAX];
static int fault_count;
static char armed[TEXT_BYTES];
static bool is_counting;
static int process_rank;
static _Thread_local int thread_rank = -1;

/* Relaxed: each is a number of its own, read at the end. */
enum { FUNCTIONS_MAX = 64, POINTS_MAX = 64 };
static _Atomic uint64_t function_counts[FUNCTIONS_MAX], point_counts[POINTS_MAX];

void fault_enter_rank(uint32_t rank) { thread_rank = (int)rank; }

static int current_rank(void) { return thread_rank >= 0 ? thread_rank : process_rank; }

/* By one write, and without an allocation: the one that fails may be asking. */
__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char line[LINE_BYTES];
    int head = snprintf(line, sizeof line, "[barks fault] rank %d: ", current_rank());
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line + head, sizeof line - (size_t)head - 1, format, arguments);
    va_end(arguments);
    size_t size = strlen(line);
    line[size++] = '\n';
    (void)length;
    ssize_t written = write(STDERR_FILENO, line, size);
    (void)written; /* there is no other way to tell */
}

/* The lot of the n-th time: the same for one seed, whatever the threads do. */
static bool is_drawn(const struct fault *fault, uint64_t n)
{
    uint64_t mixed = (fault->seed + 1) * UINT64_C(0x9e3779b97f4a7c15) + n;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (mixed ^ (mixed >> 31)) % fault->one_in == 0;
}

/* Counts one more time that the fault could strike; *out_n is the number of this one. */
static bool is_due(struct fault *fault, uint64_t *out_n)
{
    if (fault->rank >= 0 && fault->rank != current_rank())
        return false;
    uint64_t n = atomic_fetch_add_explicit(&fault->count, 1, memory_order_relaxed) + 1;
    *out_n = n;
    bool due = fault->one_in > 0 ? is_drawn(fault, n)
                                 : n == fault->first || (fault->goes_on && n > fault->first);
    if (due)
        atomic_fetch_add_explicit(&fault->struck, 1, memory_order_relaxed);
    return due;
}

/* A fault that goes on is told once. */
static bool is_told(const struct fault *fault, uint64_t n)
{
    return fault->one_in == 0 && fault->goes_on && n > fault->first;
}

static enum fault_effect strike(enum fault_function function, struct fault *fault, uint64_t n,
                                uint64_t *out_delay_ns)
{
    static const char *const words[] = {[ACTION_FAIL] = "fails",
                                        [ACTION_SHORT] = "moves half",
                                        [ACTION_SPOIL] = "changes a byte",
                                        [ACTION_DROP] = "is dropped",
                                        [ACTION_DELAY] = "is held back"};
    static const enum fault_effect effects[] = {[ACTION_FAIL] = FAULT_FAILS,
                                                [ACTION_SHORT] = FAULT_SHORT,
                                                [ACTION_SPOIL] = FAULT_SPOILT,
                                                [ACTION_DROP] = FAULT_DROPPED,
                                                [ACTION_DELAY] = FAULT_DELAYED};
    if (!is_told(fault, n))
        say("%s %llu %s", fault_function_names[function], (unsigned long long)n,
            words[fault->action]);
    if (out_delay_ns != NULL)
        *out_delay_ns = fault->duration_ns;
    errno = fault->error != 0 ? fault->error : fault_usual_error(function);
    return effects[fault->action];
}

static enum fault_effect effect_on(enum fault_function function, int to, uint64_t *out_delay_ns)
{
    if (is_counting)
        atomic_fetch_add_explicit(&function_counts[function], 1, memory_order_relaxed);
    for (int i = 0; i < fault_count; i++) {
        struct fault *fault = &faults[i];
        uint64_t n = 0;
        if ((fault->functions >> function & 1) == 0 || (fault->to >= 0 && fault->to != to))
            continue;
        if (is_due(fault, &n))
            return strike(function, fault, n, out_delay_ns);
    }
    return FAULT_NONE;
}

enum fault_effect fault_effect_now(enum fault_function function)
{
    return effect_on(function, -1, NULL);
}

enum fault_effect fault_message_now(uint32_t to, uint64_t *out_delay_ns)
{
    return effect_on(FAULT_message, (int)to, out_delay_ns);
}

static void stand_still(const struct fault *fault)
{
    uint64_t until_ns = monotonic_ns() + fault->duration_ns;
    while (fault->duration_ns == 0 || monotonic_ns() < until_ns)
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
}

void fault_point_now(enum fault_point point)
{
    if (is_counting)
        atomic_fetch_add_explicit(&point_counts[point], 1, memory_order_relaxed);
    for (int i = 0; i < fault_count; i++) {
        struct fault *fault = &faults[i];
        uint64_t n = 0;
        if (fault->point != (int)point || !is_due(fault, &n))
            continue;
        if (fault->action == ACTION_KILL) {
            say("signal %d at %s:%llu", fault->signal_number, fault_point_names[point],
                (unsigned long long)n);
            (void)raise(fault->signal_number); /* to this thread, as a crash is */
        } else {
            say("stands still at %s:%llu", fault_point_names[point], (unsigned long long)n);
            stand_still(fault);
        }
    }
}

double fault_slowness_now(void)
{
    for (int i = 0; i < fault_count; i++)
        if (faults[i].action == ACTION_SLOW &&
            (faults[i].rank < 0 || faults[i].rank == current_rank()))
            return (double)faults[i].factor;
    return 1;
}

static uint64_t read_count(_Atomic uint64_t *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

uint64_t fault_struck(unsigned index) { return read_count(&faults[index].struck); }

/* One line a process: mpirun mixes lines of ranks. */
static void tell_counts(void)
{
    char line[4096];
    size_t length =
        (size_t)snprintf(line, sizeof line, "[barks fault] rank %d: counted", process_rank);
    for (unsigned i = 0; i < fault_function_count() && length < sizeof line; i++)
        length += (size_t)snprintf(line + length, sizeof line - length, " %s=%llu",
                                   fault_function_names[i],
                                   (unsigned long long)read_count(&function_counts[i]));
    for (unsigned i = 0; i < fault_point_count() && length < sizeof line; i++)
        length +=
            (size_t)snprintf(line + length, sizeof line - length, " %s=%llu", fault_point_names[i],
                             (unsigned long long)read_count(&point_counts[i]));
    if (length >= sizeof line)
        length = sizeof line - 1;
    line[length++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written; /* there is no other way to tell */
}

static int rank_of_process(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *text = getenv(names[i]);
        if (text != NULL)
            return (int)strtol(text, NULL, 10);
    }
    return 0;
}

static void disarm(void)
{
    faults_are_on = is_counting = false;
    fault_count = 0;
    armed[0] = '\0';
    for (int i = 0; i < FUNCTIONS_MAX; i++)
        atomic_store_explicit(&function_counts[i], 0, memory_order_relaxed);
    for (int i = 0; i < POINTS_MAX; i++)
        atomic_store_explicit(&point_counts[i], 0, memory_order_relaxed);
}

/* With nothing armed meanwhile, so that reading cannot fail by what it reads. */
BARKS_CHECKED static barks_status *read_faults(const char *text, const char *origin)
{
    while (*text != '\0') {
        size_t length = strcspn(text, ";");
        if (fault_count == FAULTS_MAX)
            BARKS_FAIL(BARKS_INVALID, "%s: more than %d faults", origin, FAULTS_MAX);
        if (length > 0) {
            BARKS_TRY(fault_parse(text, length, origin, &faults[fault_count]));
            is_counting |= faults[fault_count].action == ACTION_COUNT;
            fault_count++;
        }
        text += length + (text[length] == ';');
    }
    return NULL;
}

barks_status *faults_arm(const char *text, const char *origin)
{
    static bool tells_at_exit;
    if (text == NULL || strcmp(text, "none") == 0 || strcmp(text, "help") == 0)
        text = "";
    if (strcmp(text, armed) == 0)
        return NULL;
    disarm();
    if (strlen(text) >= sizeof armed)
        BARKS_FAIL(BARKS_INVALID, "%s: longer than %d bytes", origin, TEXT_BYTES - 1);
    process_rank = rank_of_process();
    barks_status *status = read_faults(text, origin);
    if (status != NULL) {
        disarm();
        return status;
    }
    if (is_counting && !tells_at_exit)
        tells_at_exit = atexit(tell_counts) == 0;
    (void)snprintf(armed, sizeof armed, "%s", text);
    faults_are_on = fault_count > 0;
    return NULL;
}
