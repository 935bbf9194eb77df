/* How fast the attempts of a stage read, and which of those that run are so slow that a copy would
 * end before them. The scheduler goes by time, once most tasks are done; this one goes by what an
 * attempt has read so far, and so knows it while workers are idle for other reasons. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    PACE_SAMPLES = 16, /* of the last attempts that ended well */
    PACE_LEAST = 3     /* fewer say nothing */
};

/* Of a stage. Begins as {0}. A weight is what a run is expected to be, in bytes; an amount is what
 * was read of it, in bytes or rows, whichever the stage's sources count: how they relate the
 * attempts that have ended say. */
struct task_pace {
    double ns_of_weight[PACE_SAMPLES]; /* that one unit of it took */
    uint32_t count;                    /* ever */
    double weight, amount;             /* of all */
};

/* What is slow, as of --barks-speculation. */
struct pace_limits {
    uint32_t percent; /* of the usual time; 0: nothing is slow */
    uint64_t least_ns;
};

/* An attempt that runs. */
struct pace_attempt {
    uint64_t weight; /* 0: unknown */
    uint64_t amount; /* so far */
    uint64_t age_ns;
};

/* An attempt has ended well; one of no weight says nothing. */
void task_pace_add(struct task_pace *pace, const struct pace_attempt *attempt);

/* Would a copy be done first? At the attempt's rate all of it takes longer than percent of what it
 * takes others, by the median, and what is left of it longer than a copy, which begins anew. One
 * that has read nothing is slow once it should have ended. O(PACE_SAMPLES squared). */
bool task_pace_wants_copy(const struct task_pace *pace, const struct pace_limits *limits,
                          const struct pace_attempt *attempt);
