/* A process of its own has a guard and a group to guard, ends in some way, and the group with it.
 */
#include "base/process.h"
#include "base/process_guard.h"
#include "support/must.h"
#include "support/property.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { GROUPS = 3 };

/* A shell that leads a group of its own, and says its number and that of what it has started. */
static pid_t start_group(int told)
{
    pid_t shell = fork();
    ck_assert_int_ge(shell, 0);
    if (shell == 0) {
        (void)setpgid(0, 0);
        (void)dup2(told, STDOUT_FILENO);
        (void)execl("/bin/sh", "sh", "-c", "sleep 1000 > /dev/null & echo $$ $!; wait", NULL);
        _exit(1);
    }
    (void)setpgid(shell, shell); /* whichever of the two comes first */
    return shell;
}

/* Waits as long as the test may take. */
static void await_end(pid_t pid)
{
    while (!process_is_gone(pid))
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
}

static void read_pids(FILE *told, pid_t pids[2])
{
    ck_assert_int_eq(fscanf(told, "%d %d", &pids[0], &pids[1]), 2);
    ck_assert_int_gt(pids[1], 0);
}

static void guard_groups(int told, void (*end)(void))
{
    struct process_guard *guard = NULL;
    must(process_guard_create(&guard));
    must(process_guard_start(guard));
    for (int i = 0; i < GROUPS; i++)
        must(process_guard_add(guard, start_group(told)));
    (void)raise(SIGSTOP); /* until the groups have said what they are */
    end();
}

/* The groups end with a process that ends so. */
static void check_end(void (*end)(void))
{
    int told[2];
    pid_t pids[GROUPS][2];
    ck_assert_int_eq(pipe(told), 0);
    pid_t guarding = fork();
    ck_assert_int_ge(guarding, 0);
    if (guarding == 0) {
        guard_groups(told[1], end);
        _exit(1); /* it should have ended */
    }
    FILE *said = fdopen(told[0], "r");
    ck_assert_ptr_nonnull(said);
    for (int i = 0; i < GROUPS; i++)
        read_pids(said, pids[i]);
    ck_assert_int_eq(waitpid(guarding, NULL, WUNTRACED), guarding);
    ck_assert_int_eq(kill(guarding, SIGCONT), 0);
    ck_assert_int_eq(waitpid(guarding, NULL, 0), guarding);
    for (int i = 0; i < GROUPS; i++) {
        await_end(pids[i][0]);
        await_end(pids[i][1]);
    }
}

static void leave(void) { _exit(0); }
static void be_killed(void) { (void)raise(SIGKILL); }
static void crash(void)
{
    (void)signal(SIGABRT, SIG_DFL);
    abort();
}

START_TEST(groups_end_with_a_process_that_leaves) { check_end(leave); }
END_TEST
START_TEST(groups_end_with_a_process_that_is_killed) { check_end(be_killed); }
END_TEST
START_TEST(groups_end_with_a_process_that_crashes) { check_end(crash); }
END_TEST

START_TEST(groups_end_with_their_guard_but_those_removed)
{
    struct process_guard *guard = NULL;
    int told[2];
    pid_t groups[GROUPS], pids[GROUPS][2];
    ck_assert_int_eq(pipe(told), 0);
    FILE *said = fdopen(told[0], "r");
    ck_assert_ptr_nonnull(said);
    must(process_guard_create(&guard));
    must(process_guard_start(guard));
    for (int i = 0; i < GROUPS; i++) {
        groups[i] = start_group(told[1]);
        must(process_guard_add(guard, groups[i]));
        read_pids(said, pids[i]);
    }
    process_guard_remove(guard, groups[1]);
    process_guard_destroy(guard);
    for (int i = 0; i < GROUPS; i += 2)
        await_end(pids[i][1]);
    ck_assert_int_eq(kill(pids[1][1], 0), 0);
    ck_assert(!process_is_gone(pids[1][0]));
    ck_assert_int_eq(kill(-groups[1], SIGKILL), 0);
    for (int i = 0; i < GROUPS; i++)
        ck_assert_int_eq(waitpid(groups[i], NULL, 0), groups[i]);
    ck_assert_int_eq(fclose(said), 0);
}
END_TEST

static char guarded[] = "/tmp/barks guard XXXXXX";

static void be_killed_with_directory(void)
{
    char file[64];
    struct process_guard *guard = NULL;
    must(process_guard_create(&guard));
    must(process_guard_directory(guard, "/nowhere"));
    must(process_guard_directory(guard, guarded));
    snprintf(file, sizeof file, "%s/some file", guarded);
    FILE *made = fopen(file, "w");
    ck_assert_ptr_nonnull(made);
    ck_assert_int_eq(fclose(made), 0);
    be_killed();
}

START_TEST(a_directory_goes_with_a_process_that_is_killed)
{
    ck_assert_ptr_nonnull(mkdtemp(guarded));
    pid_t guarding = fork();
    ck_assert_int_ge(guarding, 0);
    if (guarding == 0) {
        be_killed_with_directory();
        _exit(1); /* it should have been */
    }
    ck_assert_int_eq(waitpid(guarding, NULL, 0), guarding);
    while (access(guarded, F_OK) == 0)
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
}
END_TEST

START_TEST(a_directory_that_is_forgotten_stays)
{
    struct process_guard *guard = NULL;
    ck_assert_ptr_nonnull(mkdtemp(guarded));
    must(process_guard_create(&guard));
    must(process_guard_directory(guard, guarded));
    must(process_guard_directory(guard, NULL));
    process_guard_destroy(guard);
    ck_assert_int_eq(rmdir(guarded), 0);
}
END_TEST

START_TEST(a_guard_of_nobody_starts_nothing)
{
    struct process_guard *guard = NULL;
    must(process_guard_create(&guard));
    process_guard_remove(guard, 1);
    must(process_guard_directory(guard, NULL));
    process_guard_destroy(guard);
    process_guard_destroy(NULL);
    ck_assert(waitpid(-1, NULL, 0) < 0 && errno == ECHILD);
}
END_TEST

SUITE_MAIN("base/process_guard", groups_end_with_a_process_that_leaves,
           groups_end_with_a_process_that_is_killed, groups_end_with_a_process_that_crashes,
           groups_end_with_their_guard_but_those_removed,
           a_directory_goes_with_a_process_that_is_killed, a_directory_that_is_forgotten_stays,
           a_guard_of_nobody_starts_nothing)
