/* Computations in rounds, each of which makes the next state of a dataset from the one before. */
#pragma once
#pragma GCC system_header

#include "barks/action.h"
#include "barks/api.h"

/* The next state. round counts from 0; env is what barks_repeat was given. What it makes of older
 * states than the one that it is given may have to be computed again. */
typedef barks_rdd *barks_repeat_body(barks_rdd *state, int64_t round, void *env);

/* After a round, of the states before and after it, both of which are kept: 1: that was the last
 * one, 0: go on, -1: an error, of an action that has told it. */
typedef int barks_repeat_until(barks_rdd *before, barks_rdd *after, int64_t round, void *env);

typedef struct barks_repeat_options {
    char first_;               /* for the macros: so that options can be left out */
    int64_t rounds;            /* so many at most; 0: until until says so */
    barks_repeat_until *until; /* NULL: all of the rounds */
    barks_level level;         /* of the states; 0: BARKS_MEMORY_AND_DISK */
    bool compressed;           /* states, likewise */
    uint32_t copies;           /* of states, likewise */
    const char *checkpoint;    /* a directory that is there, and that all ranks see */
    int64_t every;             /* rounds between checkpoints; 0: 10 where checkpoint is given, else
                                  there are none */
} barks_repeat_options;

/**
 * The state after the last of some rounds: barks_repeat(ranks, next_ranks, &links, .rounds = 20),
 * or barks_repeat(paths, lengthen, edges, .until = barks_until_same_count).
 *
 * Each round calls body, on the driver, and computes what it returns, which is kept
 * (barks_persist); then .until is asked. Only the last two states are kept: older ones are freed,
 * unless they were kept before (then they stay as they are). So memory does not grow with the
 * rounds. The lineage does, and with thousands of rounds the time to plan them, unless it is cut:
 * every .every rounds the state is written to .checkpoint, as DIR/round-9 after the tenth, by
 * barks_checkpoint with .overwrite, and the one written before is removed; without .checkpoint it
 * is kept on the executors' disks (barks_local_checkpoint).
 *
 * Never NULL. Computes now, as actions do. The dataset that it returns is kept, until
 * barks_unpersist, and may be read from the last checkpoint, which stays.
 *
 * Options: .rounds, .until (one of them at least), .level, .compressed, .copies, .checkpoint,
 *          .every.
 *
 * Ownership: env is borrowed for the call.
 * Errors:    stick to what is returned, with the number of the round: those of computing the
 *            states and of barks_checkpoint; BARKS_INVALID (neither rounds nor until; less than no
 *            rounds; body returned NULL, or no dataset of this job).
 */
#define barks_repeat(...) BARKS_REPEAT_(__VA_ARGS__, )
#define BARKS_REPEAT_(rdd, body, env, ...)                                                         \
    barks_repeat_at((rdd), (body), (env), &(barks_repeat_options){0, __VA_ARGS__}, BARKS_HERE)
BARKS_API barks_rdd *barks_repeat_at(barks_rdd *first, barks_repeat_body *body, void *env,
                                     const barks_repeat_options *options, const char *where);

/* For .until: the round has changed the number of rows no more. */
BARKS_API int barks_until_same_count(barks_rdd *before, barks_rdd *after, int64_t round, void *env);
