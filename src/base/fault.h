/* Faults on order, to see what barks does when something breaks: calls of the system that fail,
 * ranks that die or stand still at a named point, messages that are lost or late.
 *
 * BARKS_FAULT says which (docs/man/barks_fault.7; fault_spec.c reads it). It is in every build and
 * costs one test of a flag at each place where a fault may strike.
 *
 * Calls of the C library are reached by the linker: barks is linked with --wrap for each function
 * of FAULT_FUNCTIONS (base/meson.build), so that its own calls, and nobody else's, pass through
 * fault_calls.c. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* CALL(name, spelling, errno of a failure where none is asked for) */
#define FAULT_CALLS(CALL)                                                                          \
    CALL(ALLOCATION, "allocation", ENOMEM)                                                         \
    CALL(READ, "read", EIO)                                                                        \
    CALL(WRITE, "write", ENOSPC)                                                                   \
    CALL(OPEN, "open", EMFILE)                                                                     \
    CALL(MAKE, "make", EACCES)                                                                     \
    CALL(CLOSE, "close", EDQUOT) /* as NFS tells it */                                             \
    CALL(SYNC, "sync", EIO)                                                                        \
    CALL(RENAME, "rename", EIO)                                                                    \
    CALL(REMOVE, "remove", EACCES)                                                                 \
    CALL(LOOK, "look", EIO)                                                                        \
    CALL(MAP, "map", ENOMEM)                                                                       \
    CALL(THREAD, "thread", EAGAIN)                                                                 \
    CALL(PROCESS, "process", EAGAIN)                                                               \
    CALL(MPI, "mpi", EIO)                                                                          \
    CALL(MESSAGE, "message", EIO)

/* FUNCTION(name, the call it is) */
#define FAULT_FUNCTIONS(FUNCTION)                                                                  \
    FUNCTION(malloc, ALLOCATION)                                                                   \
    FUNCTION(calloc, ALLOCATION)                                                                   \
    FUNCTION(realloc, ALLOCATION)                                                                  \
    FUNCTION(reallocarray, ALLOCATION)                                                             \
    FUNCTION(strdup, ALLOCATION)                                                                   \
    FUNCTION(strndup, ALLOCATION)                                                                  \
    FUNCTION(asprintf, ALLOCATION)                                                                 \
    FUNCTION(vasprintf, ALLOCATION)                                                                \
    FUNCTION(realpath, LOOK)                                                                       \
    FUNCTION(read, READ)                                                                           \
    FUNCTION(pread, READ)                                                                          \
    FUNCTION(process_vm_readv, READ)                                                               \
    FUNCTION(fread, READ)                                                                          \
    FUNCTION(readdir, READ)                                                                        \
    FUNCTION(getline, READ)                                                                        \
    FUNCTION(write, WRITE)                                                                         \
    FUNCTION(pwrite, WRITE)                                                                        \
    FUNCTION(fwrite, WRITE)                                                                        \
    FUNCTION(fflush, WRITE)                                                                        \
    FUNCTION(open, OPEN)                                                                           \
    FUNCTION(fopen, OPEN)                                                                          \
    FUNCTION(opendir, OPEN)                                                                        \
    FUNCTION(pipe2, OPEN)                                                                          \
    FUNCTION(mkdir, MAKE)                                                                          \
    FUNCTION(mkdtemp, MAKE)                                                                        \
    FUNCTION(symlink, MAKE)                                                                        \
    FUNCTION(link, MAKE)                                                                           \
    FUNCTION(close, CLOSE)                                                                         \
    FUNCTION(fclose, CLOSE)                                                                        \
    FUNCTION(fsync, SYNC)                                                                          \
    FUNCTION(rename, RENAME)                                                                       \
    FUNCTION(renameat2, RENAME)                                                                    \
    FUNCTION(unlink, REMOVE)                                                                       \
    FUNCTION(rmdir, REMOVE)                                                                        \
    FUNCTION(remove, REMOVE)                                                                       \
    FUNCTION(stat, LOOK)                                                                           \
    FUNCTION(lstat, LOOK)                                                                          \
    FUNCTION(fstat, LOOK)                                                                          \
    FUNCTION(mmap, MAP)                                                                            \
    FUNCTION(mremap, MAP)                                                                          \
    FUNCTION(munmap, MAP)                                                                          \
    FUNCTION(pthread_create, THREAD)                                                               \
    FUNCTION(fork, PROCESS)                                                                        \
    FUNCTION(posix_spawnp, PROCESS)                                                                \
    FUNCTION(mpi, MPI)         /* any call of MPI whose result is looked at */                     \
    FUNCTION(message, MESSAGE) /* a message of the control channel is sent */

/* POINT(name, spelling, who passes it and when). Each stands at one place of the code at least. */
#define FAULT_POINTS(POINT)                                                                        \
    POINT(DRIVER_STARTED, "driver.started", "driver: all executors have reported")                 \
    POINT(JOB_SUBMITTED, "job.submitted", "driver: the job of an action has come")                 \
    POINT(STAGE_SHIPPED, "stage.shipped", "driver: a stage was sent to an executor")               \
    POINT(TASK_SENT, "task.sent", "driver: an attempt was sent to an executor")                    \
    POINT(LOAN_SENT, "loan.sent", "driver: an executor is to lend another what a task reads")      \
    POINT(CUT_SENT, "cut.sent", "driver: an executor is to give up what it has not begun")         \
    POINT(CUT_NOTED, "cut.noted", "driver: what an attempt has given up are tasks of others")      \
    POINT(REPORT_TAKEN, "report.taken", "driver: an attempt has ended well")                       \
    POINT(FAILURE_TAKEN, "failure.taken", "driver: an attempt has failed")                         \
    POINT(BURST_SENT, "burst.sent", "driver: all were told to begin a burst of rounds")            \
    POINT(COMMIT_SENT, "commit.sent", "driver: all were told which attempts of a shuffle count")   \
    POINT(READY_TAKEN, "ready.taken", "driver: an executor has all frames of a shuffle")           \
    POINT(STAGE_COMMITTED, "stage.committed", "driver: a stage is done, those after it may begin") \
    POINT(RELEASE_SENT, "release.sent", "driver: all were told to forget a stage")                 \
    POINT(JOB_ENDED, "job.ended", "driver: a job is over, well or not")                            \
    POINT(OUTPUT_BEGUN, "output.begun", "driver: the hidden directory of an output is there")      \
    POINT(OUTPUT_WHOLE, "output.whole", "driver: before the hidden directory gets its name")       \
    POINT(OUTPUT_PUBLISHED, "output.published", "driver: the output has its name")                 \
    POINT(LOSS_NOTICED, "loss.noticed", "driver: an executor was found to be lost")                \
    POINT(EPOCH_SENT, "epoch.sent", "driver: the others were told of lost executors")              \
    POINT(HOLDERS_SENT, "holders.sent", "driver: slots of a shuffle have new holders")             \
    POINT(RECOVERED, "recovered", "driver: the job goes on after a loss")                          \
    POINT(END_SENT, "end.sent", "driver: all executors were told to end")                          \
    POINT(EXECUTOR_STARTED, "executor.started", "executor: it is ready for work")                  \
    POINT(STAGE_TAKEN, "stage.taken", "executor: a stage has come")                                \
    POINT(TASK_TAKEN, "task.taken", "executor: an attempt has come")                               \
    POINT(ATTEMPT_BEGUN, "attempt.begun", "worker: an attempt begins")                             \
    POINT(PARTITION_BEGUN, "partition.begun", "worker: a partition of an attempt begins")          \
    POINT(PARTITION_ENDED, "partition.ended", "worker: a partition of an attempt is done")         \
    POINT(ATTEMPT_ENDED, "attempt.ended", "worker: an attempt has ended, nobody was told")         \
    POINT(PART_WRITTEN, "part.written", "worker: a part file is whole and has no name yet")        \
    POINT(PART_RENAMED, "part.renamed", "driver: a part file has its name")                        \
    POINT(ATTEMPT_TOLD, "attempt.told", "executor: the driver was told of an attempt's end")       \
    POINT(BURST_WANTED, "burst.wanted", "executor: the driver was asked for a burst of rounds")    \
    POINT(BURST_BEGUN, "burst.begun", "executor: a burst begins")                                  \
    POINT(ROUND_BEGUN, "round.begun", "executor: the sizes of a round are on their way")           \
    POINT(ROUND_PAYLOAD, "round.payload", "executor: the payload of a round is on its way")        \
    POINT(ROUND_ENDED, "round.ended", "executor: a round is done")                                 \
    POINT(BURST_ENDED, "burst.ended", "executor: a burst is over")                                 \
    POINT(EPOCH_TAKEN, "epoch.taken", "executor: others were lost, and it knows")                  \
    POINT(EPOCH_READY, "epoch.ready", "executor: the driver knows that it does")                   \
    POINT(HOLDERS_TAKEN, "holders.taken", "executor: it knows the new holders of slots")           \
    POINT(COMMIT_TAKEN, "commit.taken", "executor: the commit of a shuffle has come")              \
    POINT(SHUFFLE_TOLD, "shuffle.told", "executor: the driver was told that all frames are here")  \
    POINT(LOAN_TAKEN, "loan.taken", "executor: it is to lend another what a task reads")           \
    POINT(LOAN_TOLD, "loan.told", "executor: the driver was told what was lent")                   \
    POINT(CUT_TAKEN, "cut.taken", "executor: it is to give up what it has not begun")              \
    POINT(CUT_TOLD, "cut.told", "executor: the driver was told what an attempt has given up")      \
    POINT(FILE_TAKEN, "file.taken", "executor: a piece of a shipped file has come")                \
    POINT(RELEASE_TAKEN, "release.taken", "executor: a stage is to be forgotten")                  \
    POINT(END_TAKEN, "end.taken", "executor: it is to end")

#define FAULT_ENUMERATOR_(name, ...) FAULT_##name,
enum fault_function { FAULT_FUNCTIONS(FAULT_ENUMERATOR_) };
#define FAULT_POINT_ENUMERATOR_(name, ...) POINT_##name,
enum fault_point { FAULT_POINTS(FAULT_POINT_ENUMERATOR_) };

/* What becomes of a call. */
enum fault_effect {
    FAULT_NONE,
    FAULT_FAILS,   /* errno is set; the call must not be made */
    FAULT_SHORT,   /* it moves half of its bytes */
    FAULT_SPOILT,  /* it moves all of its bytes, one of them wrong */
    FAULT_DROPPED, /* a message: it is lost */
    FAULT_DELAYED, /* a message: it is held back */
};

/**
 * From now on faults strike as text says; NULL, "", "none" and "help"
 * are none. Where text is what holds
 * already nothing changes and counts go on. origin words the error: "environment BARKS_FAULT".
 *
 * Errors: BARKS_INVALID, with the part of the text that is wrong and what may stand there.
 * Threads: no other may run.
 */
BARKS_CHECKED barks_status *faults_arm(const char *text, const char *origin);
/* How the text is written, the calls with their functions, and the points. */
void faults_write_help(FILE *out);

/* How often the index-th fault of the text has struck since they were armed. */
uint64_t fault_struck(unsigned index);

/* The calling thread works for this rank: executors of one process have a rank each. Else a thread
 * is of the rank that mpirun gave its process, or of rank 0. */
void fault_enter_rank(uint32_t rank);

/* Written by faults_arm alone. */
extern bool faults_are_on;

enum fault_effect fault_effect_now(enum fault_function function);
void fault_point_now(enum fault_point point);
enum fault_effect fault_message_now(uint32_t to, uint64_t *out_delay_ns);
double fault_slowness_now(void);

/* What is to become of a call of this function. */
static inline enum fault_effect fault_effect(enum fault_function function)
{
    return __builtin_expect(faults_are_on, false) ? fault_effect_now(function) : FAULT_NONE;
}

/* The call fails; errno is set. */
static inline bool fault_strikes(enum fault_function function)
{
    return fault_effect(function) == FAULT_FAILS;
}

/* A named point of the protocol is passed: here a rank may die or stand still. */
static inline void fault_point(enum fault_point point)
{
    if (__builtin_expect(faults_are_on, false))
        fault_point_now(point);
}

/* How many times slower than it is the calling thread's rank should be: 1 where it should not. */
static inline double fault_slowness(void)
{
    return __builtin_expect(faults_are_on, false) ? fault_slowness_now() : 1;
}
