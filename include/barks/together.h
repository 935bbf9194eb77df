/* Tasks that run together: all of a step's tasks at once, which may wait for each other, tell each
 * other things, and call MPI. What Spark calls a barrier stage.
 *
 *     BARKS_MAP_PARTITIONS(solve, row, solution, struct rows)
 *     {
 *         ...
 *         if (phase == BARKS_CLOSE) {
 *             const barks_peers *peers = barks_peers_here();
 *             const barks_str *counts = barks_all_gather(
 *                 barks_str_of((const char *)&state->count, sizeof state->count), 60);
 *             if (counts == NULL)
 *                 return;
 *             for (uint32_t i = 0; i < peers->count; i++)
 *                 ... barks_str_bytes(&counts[i]) ...
 *         }
 *     }
 *     barks_rdd *solved = barks_map_partitions_together(rows, solve, NULL);
 */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"
#include "barks/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct barks_together_options {
    char first_; /* for the macros: so that options can be left out */
    bool spread; /* no two tasks on one executor, which barks_communicator wants */
} barks_together_options;

/**
 * As barks_map_partitions, but the tasks of its stage, one for each partition, run all at once or
 * not at all, and where one fails, all are started anew (up to --barks-attempts times).
 *
 * They wait until so many workers are idle together, for --barks-together-wait at most; jobs and
 * stages that come later get no workers meanwhile. Its input is read again where tasks are started
 * anew, so what comes through an exchange is held until the stage has ended. Option: .spread.
 *
 * Errors:    (sticky) those of barks_map_partitions. Of the action, BARKS_LIMIT: more partitions
 *            than there are workers (with .spread: executors), at once; so many were not idle
 *            together in time. BARKS_INVALID: an action, or a step of the same stage, that wants
 *            only some of the partitions.
 */
#define barks_map_partitions_together(rdd, f, ...) BARKS_APPLY_TOGETHER_(rdd, f, __VA_ARGS__, )
#define BARKS_APPLY_TOGETHER_(rdd, f, env, ...)                                                    \
    barks_apply_together_at((rdd), BARKS_FUNCTION_OF(map_partitions, f), BARKS_ENV_OF(f, env),     \
                            &(barks_together_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_apply_together_at(barks_rdd *rdd, const barks_function *function,
                                             const void *env, const barks_together_options *options,
                                             const char *where);

/* The tasks that run together; task i has partition i. */
typedef struct barks_peers {
    uint32_t index; /* of the task that asks, from 0 */
    uint32_t count;
    const char *const *hosts;  /* of each task */
    const uint32_t *executors; /* of each task: the executor's rank */
} barks_peers;

/* In a body of tasks that run together; NULL elsewhere. Ownership: the engine's, until the task
 * ends. */
BARKS_API const barks_peers *barks_peers_here(void);

/**
 * In a body of tasks that run together: waits until all of them have called it as often.
 *
 * seconds: to wait for the others; INFINITY: as long as it takes. It waits without burning a core,
 * but a message to the driver and back is some hundred microseconds.
 *
 * Errors:    false: the task is to end, so the body should return. It fails then, whatever the body
 *            does: the others did not come in time, one of them has ended or calls something else,
 *            or the stage is given up. Called elsewhere: BARKS_INVALID.
 */
BARKS_API bool barks_barrier(double seconds);

enum { BARKS_GATHER_BYTES_MAX = 1 << 16 }; /* of one task */

/**
 * The same, and gives the bytes of each task to all: an array by the tasks' indices.
 *
 * Ownership: the engine's, until the next call of the task, or its end.
 * Errors:    NULL, where barks_barrier is false; BARKS_LIMIT: over BARKS_GATHER_BYTES_MAX.
 */
BARKS_API const barks_str *barks_all_gather(barks_str mine, double seconds);

/**
 * BARKS_TASKS_USE_MPI; once in the job, at file scope: bodies of its tasks call MPI. Only then MPI
 * is started with MPI_THREAD_MULTIPLE, which barks itself does not need.
 */
#define BARKS_TASKS_USE_MPI                                                                        \
    __attribute__((constructor)) static void barks_say_want_mpi_(void) { barks_want_mpi_(); }      \
    struct barks_tasks_use_mpi_
BARKS_API void barks_want_mpi_(void);

/**
 * MPI_Comm comm; barks_communicator(&comm, 60): in a body of tasks that run together with .spread:
 * a communicator of their own, in which task i has rank i; the same one whenever the task asks
 * again. So code written for MPI runs inside of a stage. Include mpi.h and compile with mpicc.
 *
 * All tasks must call it (it is a barrier too), and then the same collective operations. Of these
 * barks knows nothing: a task that fails while others wait for it inside of MPI leaves them there,
 * and as nothing can call them back, the whole job ends with one sentence after
 * --barks-lost-deadline. So find out what can fail before, and agree on it by barks_all_gather.
 * Exchanges of the engine go on meanwhile, by communicators of their own.
 *
 * Ownership: the engine's: it is freed when the task has ended well, so free nothing of it. Its
 *            error handler is MPI_ERRORS_ARE_FATAL, as in any program; it may be changed.
 * Errors:    false, and the task fails: BARKS_INVALID: the job has no BARKS_TASKS_USE_MPI, was not
 *            started by mpirun with an executor in each process, or MPI has no
 *            MPI_THREAD_MULTIPLE; no .spread. Else as barks_barrier.
 */
#define barks_communicator(out, seconds)                                                           \
    barks_communicator_at(1 ? (out) : (MPI_Comm *)0, sizeof *(out), (seconds))
BARKS_API bool barks_communicator_at(void *out, size_t size_bytes, double seconds);
