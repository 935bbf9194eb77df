#include "base/process_guard.h"

#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Reads "+ group", "- group" and "= directory". */
static const char script[] = "trap '' INT TERM HUP QUIT; cd /\n"
                             "groups=' ' directory=\n"
                             "while IFS=' ' read -r sign group; do\n"
                             "    case $sign in\n"
                             "    =) directory=$group ;;\n"
                             "    +) groups=\"$groups$group \" ;;\n"
                             "    -) groups=\"${groups%% $group *} ${groups#* $group }\" ;;\n"
                             "    esac\n"
                             "done\n"
                             "for group in $groups; do kill -s KILL -- \"-$group\"; done\n"
                             "[ -z \"$directory\" ] || rm -rf -- \"$directory\"\n";

enum { LINE_BYTES_MAX = 3072 };

struct process_guard {
    struct lock lock;
    struct {
        pid_t shell; /* 0: none was needed */
        int socket;  /* to its standard input */
    } locked;
};

barks_status *process_guard_create(struct process_guard **out_guard)
{
    struct process_guard *guard = calloc(1, sizeof *guard);
    if (guard == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to guard processes");
    lock_init(&guard->lock, LOCK_QUEUE, "guarded processes");
    *out_guard = guard;
    return NULL;
}

void process_guard_destroy(struct process_guard *guard)
{
    if (guard == NULL)
        return;
    if (guard->locked.shell > 0) {
        (void)close(guard->locked.socket); /* a socket has nothing left to write */
        while (waitpid(guard->locked.shell, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    lock_drop(&guard->lock);
    free(guard);
}

/* ---- the shell ---- */

/* It holds nothing of this process: whoever waits for the ends of its files and sockets must not
 * wait for the shell. Returns an errno. */
static int prepare_actions(int input, posix_spawn_file_actions_t *actions)
{
    int error = posix_spawn_file_actions_adddup2(actions, input, STDIN_FILENO);
    for (int end = STDOUT_FILENO; end <= STDERR_FILENO && error == 0; end++)
        error = posix_spawn_file_actions_addopen(actions, end, "/dev/null", O_WRONLY, 0);
    return error != 0 ? error
                      : posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
}

/* Returns an errno. */
static int prepare_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none;
    (void)sigemptyset(&none); /* never fails */
    int error =
        posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    error = error != 0 ? error : posix_spawnattr_setpgroup(attributes, 0);
    return error != 0 ? error : posix_spawnattr_setsigmask(attributes, &none);
}

/* Returns an errno. */
static int spawn_shell(int input, pid_t *out_shell)
{
    char shell[] = "sh", flag[] = "-c", name[] = "barks-guard", text[sizeof script];
    char *const arguments[] = {shell, flag, text, name, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    memcpy(text, script, sizeof script);
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (error == 0) {
        error = prepare_actions(input, &actions);
        error = error != 0 ? error : prepare_attributes(&attributes);
        error = error != 0
                    ? error
                    : posix_spawnp(out_shell, "/bin/sh", &actions, &attributes, arguments, environ);
        (void)posix_spawnattr_destroy(&attributes); /* never fails */
    }
    (void)posix_spawn_file_actions_destroy(&actions); /* likewise */
    return error;
}

BARKS_CHECKED static barks_status *start_locked(struct process_guard *guard)
{
    int ends[2];
    pid_t shell = 0;
    if (guard->locked.shell > 0)
        return NULL;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        BARKS_FAIL(BARKS_IO, "socketpair: %s", strerror(errno));
    int error = spawn_shell(ends[1], &shell);
    (void)close(ends[1]); /* the shell's */
    if (error != 0) {
        (void)close(ends[0]); /* nobody has the other end */
        BARKS_FAIL(BARKS_IO, "cannot run /bin/sh, which ends programs with this process: %s",
                   strerror(error));
    }
    guard->locked.shell = shell;
    guard->locked.socket = ends[0];
    return NULL;
}

/* A line of some bytes is sent wholly or not at all. Returns an errno. */
static int send_line_locked(const struct process_guard *guard, const char *line, int length)
{
    while (send(guard->locked.socket, line, (size_t)length, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

/* Returns an errno. */
static int tell_locked(const struct process_guard *guard, char sign, pid_t group)
{
    char line[32];
    return send_line_locked(guard, line,
                            snprintf(line, sizeof line, "%c %ld\n", sign, (long)group));
}

/* ---- groups ---- */

barks_status *process_guard_start(struct process_guard *guard)
{
    lock_acquire(&guard->lock);
    barks_status *status = start_locked(guard);
    lock_release(&guard->lock);
    return status;
}

barks_status *process_guard_add(struct process_guard *guard, pid_t group)
{
    lock_acquire(&guard->lock);
    BARKS_ASSERT(guard->locked.shell > 0);
    int error = tell_locked(guard, '+', group);
    lock_release(&guard->lock);
    if (error == 0)
        return NULL;
    BARKS_FAIL(BARKS_IO, "the shell that ends programs with this process is gone: %s",
               strerror(error));
}

void process_guard_remove(struct process_guard *guard, pid_t group)
{
    lock_acquire(&guard->lock);
    if (guard->locked.shell > 0)
        (void)tell_locked(guard, '-', group); /* a shell that is gone ends nobody */
    lock_release(&guard->lock);
}

/* ---- a directory ---- */

BARKS_CHECKED static barks_status *tell_directory_locked(struct process_guard *guard,
                                                         const char *path)
{
    char line[LINE_BYTES_MAX];
    int length = snprintf(line, sizeof line, "= %s\n", path);
    if (length < 0 || (size_t)length >= sizeof line || strchr(path, '\n') != NULL)
        BARKS_FAIL(BARKS_LIMIT, "the path '%.100s...' cannot be guarded", path);
    if (guard->locked.shell == 0 && path[0] == '\0')
        return NULL;
    BARKS_TRY(start_locked(guard));
    int error = send_line_locked(guard, line, length);
    if (error != 0)
        BARKS_FAIL(BARKS_IO, "the shell that cleans up after this process is gone: %s",
                   strerror(error));
    return NULL;
}

barks_status *process_guard_directory(struct process_guard *guard, const char *path)
{
    lock_acquire(&guard->lock);
    barks_status *status = tell_directory_locked(guard, path != NULL ? path : "");
    lock_release(&guard->lock);
    return status;
}
