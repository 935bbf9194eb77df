/* Each partition goes through a process of its own: rows are lines on its input, lines of its
 * output are rows. */
#include "exec/pipe_operator.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/process_guard.h"
#include "batch/gather_columns.h"
#include "exec/operator.h"
#include "io/shipped.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum {
    PIPE_BYTES = 1 << 16, /* read and written at once */
    PIPE_WAIT_MS = 100,   /* so often it is asked whether to go on */
    TIDY_UP_MS = 500,     /* from SIGTERM to SIGKILL */
    LINE_BYTES_MAX = 1 << 30
};

struct pipe_operator {
    struct operator base;
    const struct pipe_node *node;
    uint32_t partition;
    pid_t process;             /* 0: none runs */
    int input, output, errors; /* our ends; -1: closed */
    uint64_t started_ns;
    struct buffer line;    /* read and not ended yet */
    struct buffer written; /* for its input */
    char last_errors[PIPE_STDERR_BYTES + 1];
    size_t last_errors_bytes;
    struct batch *rows; /* of whole lines, not given on yet */
};

static void close_end(int *end)
{
    if (*end >= 0)
        (void)close(*end); /* a pipe has nothing left to write */
    *end = -1;
}

/* Its status is not taken: until then its number is that of its group, and no other's. */
static bool has_ended(const struct pipe_operator *op)
{
    siginfo_t ended = {.si_pid = 0};
    int options = WEXITED | WNOHANG | WNOWAIT;
    return waitid(P_PID, (id_t)op->process, &ended, options) != 0 || ended.si_pid != 0;
}

/* Takes the status of a process that has ended, or must soon. Returns an errno. */
static int take_status(struct pipe_operator *op, int *out_status)
{
    pid_t process = op->process;
    process_guard_remove(op->base.task->services->process_guard, process);
    op->process = 0;
    while (waitpid(process, out_status, 0) < 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

/* Its whole group, so that what a shell has started ends too. */
static void end_process(struct pipe_operator *op)
{
    uint64_t until_ns = monotonic_ns() + TIDY_UP_MS * NS_PER_MS;
    int status = 0;
    (void)kill(-op->process, SIGTERM); /* fails where nobody is left */
    while (!has_ended(op) && monotonic_ns() < until_ns)
        (void)poll(NULL, 0, 1);
    (void)kill(-op->process, SIGKILL); /* likewise */
    (void)take_status(op, &status);    /* nobody asks how it has ended */
}

static void let_go(struct pipe_operator *op)
{
    close_end(&op->input);
    close_end(&op->output);
    close_end(&op->errors);
    if (op->process > 0)
        end_process(op);
}

static void pipe_destroy(struct operator* self)
{
    struct pipe_operator *op = (struct pipe_operator *)self;
    let_go(op);
    buffer_drop(&op->line);
    buffer_drop(&op->written);
    batch_destroy(op->rows);
    free(op);
}

/* ---- the process ---- */

struct ends {
    int read, write;
};

BARKS_CHECKED static barks_status *make_pipe(struct ends *out)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        BARKS_FAIL(BARKS_IO, "pipe: %s", strerror(errno));
    *out = (struct ends){ends[0], ends[1]};
    return NULL;
}

static void close_ends(struct ends *ends)
{
    close_end(&ends->read);
    close_end(&ends->write);
}

/* What the program is started with. */
struct start {
    char **arguments;   /* owned; the strings are the step's */
    char **environment; /* owned; the strings are the step's, the process's, and these: */
    char *shipped, *path, *program; /* owned; NULL: nothing was shipped, or not that */
};

static void start_drop(struct start *start)
{
    free(start->arguments);
    free(start->environment);
    free(start->shipped);
    free(start->path);
    free(start->program);
}

static bool is_named(const char *variable, char *const *names, size_t name_count)
{
    for (size_t i = 0; i < name_count; i++) {
        size_t name = strcspn(names[i], "=");
        if (strncmp(variable, names[i], name) == 0 && variable[name] == '=')
            return true;
    }
    return false;
}

/* Shipped programs are found first, by name; posix_spawnp looks in this process's PATH alone. */
BARKS_CHECKED static barks_status *find_shipped(struct pipe_operator *op, struct start *start)
{
    struct shipped *shipped = op->base.task->services->shipped;
    const char *directory = shipped_directory(shipped), *path = getenv("PATH");
    const char *program = shipped_find(shipped, start->arguments[0]);
    if (directory == NULL)
        return NULL;
    if (asprintf(&start->shipped, "BARKS_SHIPPED=%s", directory) < 0)
        start->shipped = NULL;
    if (asprintf(&start->path, "PATH=%s:%s", directory, path != NULL ? path : "/bin:/usr/bin") < 0)
        start->path = NULL;
    if (program != NULL)
        start->program = strdup(program);
    if (start->shipped == NULL || start->path == NULL ||
        (program != NULL) != (start->program != NULL))
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an environment");
    return NULL;
}

/* The rank's environment and what was given beside it, which comes first and so wins. */
BARKS_CHECKED static barks_status *fill_start(struct pipe_operator *op, struct start *start)
{
    const struct step *step = &op->node->step;
    size_t own = 0, argument_count = (size_t)step->numbers[0], given = (size_t)step->numbers[1];
    while (environ[own] != NULL)
        own++;
    start->arguments = calloc(argument_count + 1, sizeof *start->arguments);
    char **made = start->environment = calloc(own + given + 3, sizeof *made);
    if (start->arguments == NULL || made == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an environment");
    memcpy(start->arguments, step->texts, argument_count * sizeof *start->arguments);
    BARKS_TRY(find_shipped(op, start));
    size_t count = given;
    memcpy(made, step->texts + argument_count, given * sizeof *made);
    if (start->shipped != NULL && !is_named(start->shipped, made, count))
        made[count++] = start->shipped;
    if (start->path != NULL && !is_named(start->path, made, count))
        made[count++] = start->path;
    size_t named = count;
    for (size_t i = 0; i < own; i++)
        if (!is_named(environ[i], made, named))
            made[count++] = environ[i];
    return NULL;
}

/* What the child does before it becomes the program. Returns an errno. */
static int prepare_actions(const struct step *step, const struct ends pipes[3],
                           posix_spawn_file_actions_t *actions)
{
    int error = posix_spawn_file_actions_adddup2(actions, pipes[0].read, 0);
    error = error != 0 ? error : posix_spawn_file_actions_adddup2(actions, pipes[1].write, 1);
    error = error != 0 ? error : posix_spawn_file_actions_adddup2(actions, pipes[2].write, 2);
    if (error == 0 && step->numbers[2] != 0)
        error = posix_spawn_file_actions_addchdir_np(
            actions, step->texts[step->numbers[0] + step->numbers[1]]);
    return error;
}

/* A process group of its own, so that all of it can be killed, and the signals that programs
 * expect. Returns an errno. */
static int prepare_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, defaults;
    (void)sigemptyset(&none); /* these three fail for signals that do not exist only */
    (void)sigemptyset(&defaults);
    (void)sigaddset(&defaults, SIGPIPE);
    int error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                                         POSIX_SPAWN_SETSIGMASK);
    error = error != 0 ? error : posix_spawnattr_setpgroup(attributes, 0);
    error = error != 0 ? error : posix_spawnattr_setsigdefault(attributes, &defaults);
    return error != 0 ? error : posix_spawnattr_setsigmask(attributes, &none);
}

/* posix_spawn: no copy of this process's memory is made, and no code of ours runs in the child. */
BARKS_CHECKED static barks_status *
spawn_started(struct pipe_operator *op, const struct ends pipes[3], const struct start *start)
{
    const struct step *step = &op->node->step;
    const char *program = start->program != NULL ? start->program : start->arguments[0];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);
    if (error == 0) {
        error = posix_spawnattr_init(&attributes);
        if (error == 0) {
            error = prepare_actions(step, pipes, &actions);
            error = error != 0 ? error : prepare_attributes(&attributes);
            error = error != 0 ? error
                               : posix_spawnp(&op->process, program, &actions, &attributes,
                                              start->arguments, start->environment);
            (void)posix_spawnattr_destroy(&attributes); /* never fails */
        }
        (void)posix_spawn_file_actions_destroy(&actions); /* likewise */
    }
    if (error == 0)
        return NULL;
    op->process = 0;
    BARKS_FAIL(BARKS_USER_ERROR, "pipe at %s: cannot run '%s': %s", op->node->where, step->texts[0],
               strerror(error));
}

BARKS_CHECKED static barks_status *spawn(struct pipe_operator *op, const struct ends pipes[3])
{
    struct start start = {0};
    barks_status *status = fill_start(op, &start);
    if (status == NULL)
        status = spawn_started(op, pipes, &start);
    start_drop(&start);
    return status;
}

/* A pipe that blocked would hold up the other two, and the program with them. */
BARKS_CHECKED static barks_status *never_block(const struct pipe_operator *op)
{
    const int ends[] = {op->input, op->output, op->errors};
    for (int i = 0; i < 3; i++)
        if (fcntl(ends[i], F_SETFL, O_NONBLOCK) != 0)
            BARKS_FAIL(BARKS_IO, "pipe at %s: cannot set up a pipe: %s", op->node->where,
                       strerror(errno));
    return NULL;
}

BARKS_CHECKED static barks_status *start(struct pipe_operator *op)
{
    struct process_guard *guard = op->base.task->services->process_guard;
    struct ends pipes[3] = {{-1, -1}, {-1, -1}, {-1, -1}};
    barks_status *status = NULL;
    sigset_t broken_pipe; /* of this thread alone: a write then fails, and no signal comes */
    (void)sigemptyset(&broken_pipe); /* these three fail for what does not exist only */
    (void)sigaddset(&broken_pipe, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &broken_pipe, NULL);
    for (int i = 0; i < 3 && status == NULL; i++)
        status = make_pipe(&pipes[i]);
    if (status == NULL)
        status = process_guard_start(guard);
    if (status == NULL)
        status = spawn(op, pipes);
    if (status == NULL)
        status = process_guard_add(guard, op->process);
    if (status == NULL) {
        op->input = pipes[0].write;
        op->output = pipes[1].read;
        op->errors = pipes[2].read;
        pipes[0].write = pipes[1].read = pipes[2].read = -1;
        status = never_block(op);
    }
    for (int i = 0; i < 3; i++)
        close_ends(&pipes[i]);
    return status;
}

/* ---- lines to rows ---- */

BARKS_CHECKED static barks_status *give_rows(struct pipe_operator *op)
{
    if (op->rows->base.row_count == 0)
        return NULL;
    barks_status *status =
        op->base.task->partition_done ? NULL : operator_push(op->base.next, op->rows);
    batch_clear(op->rows);
    return status;
}

BARKS_CHECKED static barks_status *add_line(struct pipe_operator *op, const char *bytes, size_t n)
{
    barks_str *value = NULL;
    void *copy = NULL;
    BARKS_TRY(batch_reserve(op->rows, 1));
    value = (barks_str *)op->rows->base.columns[0].values + op->rows->base.row_count;
    if (n > BARKS_STR_INLINE) {
        BARKS_TRY(batch_make_bytes(op->rows, n, &copy));
        memcpy(copy, bytes, n);
        bytes = copy;
    }
    *value = barks_str_of(bytes, n);
    op->rows->base.row_count++;
    return op->rows->base.row_count == BATCH_ROWS ? give_rows(op) : NULL;
}

BARKS_CHECKED static barks_status *take_lines(struct pipe_operator *op, const char *bytes, size_t n)
{
    while (n > 0) {
        const char *end = memchr(bytes, '\n', n);
        size_t length = end != NULL ? (size_t)(end - bytes) : n;
        if (end == NULL || op->line.size_bytes > 0)
            BARKS_TRY(buffer_append(&op->line, bytes, length));
        if (end == NULL)
            return NULL;
        if (op->line.size_bytes > 0)
            BARKS_TRY(add_line(op, (const char *)op->line.data, op->line.size_bytes));
        else
            BARKS_TRY(add_line(op, bytes, length));
        op->line.size_bytes = 0;
        bytes = end + 1;
        n -= length + 1;
    }
    return NULL;
}

/* ---- reading and writing ---- */

static void note_errors(struct pipe_operator *op, const char *bytes, size_t n)
{
    if (n > PIPE_STDERR_BYTES) {
        bytes += n - PIPE_STDERR_BYTES;
        n = PIPE_STDERR_BYTES;
    }
    size_t kept = op->last_errors_bytes;
    if (kept + n > PIPE_STDERR_BYTES) {
        size_t dropped = kept + n - PIPE_STDERR_BYTES;
        memmove(op->last_errors, op->last_errors + dropped, kept - dropped);
        kept -= dropped;
    }
    memcpy(op->last_errors + kept, bytes, n);
    op->last_errors_bytes = kept + n;
}

/* What is there, but about a pipe's worth: a program that writes faster than its rows are taken
 * would be read for ever, and whether they are still wanted never asked. */
BARKS_CHECKED static barks_status *read_end(struct pipe_operator *op, int *end, bool is_errors)
{
    enum { READS_MAX = 32 };
    char bytes[PIPE_BYTES / READS_MAX];
    ssize_t n = 1;
    for (int reads = 0; reads < READS_MAX && (n = read(*end, bytes, sizeof bytes)) > 0; reads++) {
        if (is_errors)
            note_errors(op, bytes, (size_t)n);
        else
            BARKS_TRY(take_lines(op, bytes, (size_t)n));
    }
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        close_end(end);
    return NULL;
}

/* A process that reads no more is fine: its status says whether that was meant. */
static void write_some(struct pipe_operator *op, size_t *written)
{
    while (*written < op->written.size_bytes) {
        ssize_t n =
            write(op->input, op->written.data + *written, op->written.size_bytes - *written);
        if (n > 0) {
            *written += (size_t)n;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN) {
            close_end(&op->input);
            *written = op->written.size_bytes;
        }
        return;
    }
}

BARKS_CHECKED static barks_status *check_goes_on(struct pipe_operator *op)
{
    double seconds = op->node->step.reals[0];
    BARKS_TRY(task_check_cancelled(op->base.task));
    if (seconds <= 0 || (double)(monotonic_ns() - op->started_ns) * 1e-9 < seconds)
        return NULL;
    BARKS_FAIL(BARKS_USER_ERROR,
               "pipe at %s: partition %" PRIu32 ": '%s' has run for %g seconds; it was ended "
               "(.deadline_seconds)",
               op->node->where, op->partition, op->node->step.texts[0], seconds);
}

/* Waits for what can be done next, and does it. */
BARKS_CHECKED static barks_status *turn(struct pipe_operator *op, size_t *written)
{
    bool writes = op->input >= 0 && *written < op->written.size_bytes;
    struct pollfd ends[3] = {{.fd = writes ? op->input : -1, .events = POLLOUT},
                             {.fd = op->output, .events = POLLIN},
                             {.fd = op->errors, .events = POLLIN}};
    BARKS_TRY(check_goes_on(op));
    if (poll(ends, 3, PIPE_WAIT_MS) < 0 && errno != EINTR)
        BARKS_FAIL(BARKS_IO, "poll: %s", strerror(errno));
    if (ends[1].revents != 0)
        BARKS_TRY(read_end(op, &op->output, false));
    if (ends[2].revents != 0)
        BARKS_TRY(read_end(op, &op->errors, true));
    if (ends[0].revents != 0)
        write_some(op, written);
    return NULL;
}

/* All that is to be written, while what comes is read: neither side waits for the other. */
BARKS_CHECKED static barks_status *write_all(struct pipe_operator *op)
{
    size_t written = 0;
    while (op->input >= 0 && written < op->written.size_bytes && !op->base.task->partition_done)
        BARKS_TRY(turn(op, &written));
    op->written.size_bytes = 0;
    return NULL;
}

static barks_status *pipe_begin_partition(struct operator* self, uint32_t partition)
{
    struct pipe_operator *op = (struct pipe_operator *)self;
    let_go(op);
    op->partition = partition;
    op->last_errors_bytes = op->line.size_bytes = op->written.size_bytes = 0;
    batch_clear(op->rows);
    op->started_ns = monotonic_ns();
    return start(op);
}

static barks_status *pipe_push(struct operator* self, struct batch *batch)
{
    struct pipe_operator *op = (struct pipe_operator *)self;
    const barks_column *column = &batch->base.columns[0];
    const barks_str *lines = column->values;
    for (uint32_t row = 0; row < batch->base.row_count; row++) {
        BARKS_TRY(buffer_append(&op->written, barks_str_bytes(&lines[row]), lines[row].length));
        BARKS_TRY(buffer_append(&op->written, "\n", 1));
        if (op->written.size_bytes >= PIPE_BYTES)
            BARKS_TRY(write_all(op));
    }
    return NULL;
}

BARKS_CHECKED static barks_status *fail_with(struct pipe_operator *op, const char *how, int number)
{
    size_t n = op->last_errors_bytes;
    while (n > 0 && op->last_errors[n - 1] == '\n')
        n--;
    op->last_errors[n] = '\0';
    BARKS_FAIL(BARKS_USER_ERROR, "pipe at %s: partition %" PRIu32 ": '%s' %s %d%s%s",
               op->node->where, op->partition, op->node->step.texts[0], how, number,
               n > 0 ? "; it said last: " : "", op->last_errors);
}

/* Reads to the end and waits for the process. */
BARKS_CHECKED static barks_status *finish(struct pipe_operator *op)
{
    size_t none = 0;
    int status = 0;
    BARKS_TRY(write_all(op));
    close_end(&op->input);
    while ((op->output >= 0 || op->errors >= 0) && !op->base.task->partition_done)
        BARKS_TRY(turn(op, &none));
    if (op->base.task->partition_done)
        return NULL; /* nobody wants more: it is ended */
    if (op->line.size_bytes > 0)
        BARKS_TRY(add_line(op, (const char *)op->line.data, op->line.size_bytes));
    op->line.size_bytes = 0;
    while (!has_ended(op)) {
        BARKS_TRY(check_goes_on(op));
        (void)poll(NULL, 0, 1);
    }
    int error = take_status(op, &status);
    if (error != 0)
        BARKS_FAIL(BARKS_IO, "waitpid: %s", strerror(error));
    if (WIFSIGNALED(status))
        return fail_with(op, "was ended by signal", WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        return fail_with(op, "ended with status", WEXITSTATUS(status));
    return give_rows(op);
}

static barks_status *pipe_end_partition(struct operator* self)
{
    struct pipe_operator *op = (struct pipe_operator *)self;
    barks_status *status = finish(op);
    let_go(op);
    batch_clear(op->rows);
    return status;
}

static const struct operator_kind pipe_kind = {
    .name = "pipe",
    .begin_partition = pipe_begin_partition,
    .push = pipe_push,
    .end_partition = pipe_end_partition,
    .destroy = pipe_destroy,
};

OPERATOR_MAKER(pipe)
{
    (void)inputs;
    struct pipe_operator *op = calloc(1, sizeof *op);
    if (op == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an operator");
    op->base = (struct operator){.kind = &pipe_kind, .task = task};
    op->node = node;
    op->input = op->output = op->errors = -1;
    op->line.limit_bytes = op->written.limit_bytes = LINE_BYTES_MAX;
    barks_status *status =
        batch_create(task->services->pool, &node->record->schema, BATCH_ROWS, &op->rows);
    if (status != NULL) {
        pipe_destroy(&op->base);
        return status;
    }
    *out_operator = &op->base;
    return NULL;
}
