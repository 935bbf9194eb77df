/* Groups of processes, and a directory, that must not outlive this process, however it ends: of
 * itself, by _exit, a crash or SIGKILL.
 *
 * A small process beside this one, a shell, is told of them through a socket. When the kernel
 * closes the other end, which it does whatever this process has died of, the shell kills, and
 * removes, what it was told of and not told to forget. So no end of the process has to think of it,
 * none can forget it, and the whole group goes. (PR_SET_PDEATHSIG reaches the child alone, not what
 * a shell in it has started, and goes by the thread that has made it.) The shell is in a group of
 * its own and ignores what terminals and schedulers send to end programs.
 *
 * Not covered: a group that is made in the moment in which this process is killed and of which the
 * shell has not heard; one that leaves its group (setsid); and a shell that is itself killed, as by
 * who kills all processes of the job, and then these too. */
#pragma once

#include "barks/status.h"

#include <sys/types.h>

/* Threads: any; a lock guards it. */
struct process_guard;

/* Starts nothing yet. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *process_guard_create(struct process_guard **out_guard);
/* Kills the groups that are left, and waits for the shell. NULL is fine. */
void process_guard_destroy(struct process_guard *guard);

/* Starts the shell where none runs: before a group is made, so that it can be told at once. Errors:
 * BARKS_IO: there can be no shell. */
BARKS_CHECKED barks_status *process_guard_start(struct process_guard *guard);

/* Once it was started. Group must be led by a process of ours that has not been waited for. Errors:
 * BARKS_IO: the shell is gone. */
BARKS_CHECKED barks_status *process_guard_add(struct process_guard *guard, pid_t group);
/* Before the leader is waited for: after that the number may be another group's. */
void process_guard_remove(struct process_guard *guard, pid_t group);

/* A directory that is removed with all that is in it, in place of the one before; NULL: none. From
 * the root: the shell is elsewhere.
 * Errors: BARKS_IO: there is no shell, BARKS_LIMIT: its path is too long or has a newline. */
BARKS_CHECKED barks_status *process_guard_directory(struct process_guard *guard, const char *path);
