/* What tasks need beside a worker: threads of their own, memory, GPUs, licences.
 *
 *     BARKS_MAP_PARTITIONS(train, row, model, struct rows)
 *     {
 *         ...
 *         if (phase == BARKS_CLOSE) {
 *             uint32_t count = 0;
 *             const uint32_t *devices = barks_given("gpu", &count);
 *             ... use device devices[0] with barks_given_threads() threads ...
 *         }
 *     }
 *     barks_rdd *models = barks_map_partitions(rows, train, NULL);
 *     barks_set_needs(models, .threads = 4, .memory_bytes = (uint64_t)8 << 30, .resources =
 * "gpu:1");
 *
 * Executors offer their workers, three quarters of their memory budget, the GPUs that they find
 * (CUDA_VISIBLE_DEVICES, ROCR_VISIBLE_DEVICES, Slurm's variables), and what --barks-resources says:
 *
 *     --barks-resources "licence:1 gpu:2"
 *
 * Of each resource each unit has an index. No two tasks have the same one at a time, on a node:
 * what several executors of it find is divided among them. A task starts only where all that it
 * needs is free; smaller ones may pass it meanwhile, but then one executor keeps what it lacks
 * until it has had its turn. Answers do not depend on any of this. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"

#include <stdint.h>

typedef struct barks_needs {
    char first_;           /* for the macro: so that all can be left out */
    uint32_t threads;      /* that a task uses at once; it occupies as many workers. 0: one */
    uint64_t memory_bytes; /* that its body takes itself, of its executor's budget */
    const char *resources; /* "gpu:1 licence:2"; NULL: none */
} barks_needs;

/**
 * Says what the tasks that compute a dataset need, in place of what was said of it before.
 *
 * Tasks compute all steps between two exchanges at once, so they need of each thing the most that
 * one of these steps says. What is kept (barks_cache) is read without. Say it before datasets are
 * made of this one, and before actions. Returns rdd.
 *
 * Ownership: text is copied.
 * Errors:    (sticky) BARKS_INVALID: resources is not of the form NAME:COUNT. Of the action,
 *            BARKS_LIMIT: no executor has so much, or all of it at once, when nothing runs there.
 */
#define barks_set_needs(rdd, ...) barks_set_needs_((rdd), __VA_ARGS__, )
#define barks_set_needs_(rdd, ...)                                                                 \
    barks_set_needs_at((rdd), &(barks_needs){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_set_needs_at(barks_rdd *rdd, const barks_needs *needs,
                                        const char *where);

/* In a body: how many threads its task may use, its own among them; 1 where nothing was said, and
 * outside of bodies. Threads that it starts may use the cores of all its executor's workers. */
BARKS_API uint32_t barks_given_threads(void);

/**
 * In a body: the indices of the units of a resource that its task was given, as many as it needs.
 *
 * Of GPUs that are found by a list of what is visible, index i is the i-th of the list, which is
 * how CUDA and ROCm count them in this process; else it is the number that Slurm gives.
 *
 * Ownership: the engine's, until the task ends. NULL, and *out_count 0: none, or no body.
 */
BARKS_API const uint32_t *barks_given(const char *resource, uint32_t *out_count);
