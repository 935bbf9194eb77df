/* The time that the batch system and the user give the whole job, and what is left of it for work.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct config;

/* One owner at a time. Moments are of monotonic_ns. */
struct allotment {
    uint64_t end_ns;     /* of the batch system; UINT64_MAX: not known */
    uint64_t limit_ns;   /* when --barks-time-limit is over; UINT64_MAX: there is none */
    uint64_t reserve_ns; /* that ending well is given; 0: the end is not looked at unless warned */
    uint64_t warned_ns;  /* from a warning to the end, where that is all that is known */
    bool is_warned;
};

/* seconds_left: that Slurm says are left, 0 where it says nothing or what is over already. */
struct allotment allotment_begin(const struct config *config, uint64_t seconds_left,
                                 uint64_t now_ns);

/* A warning has come. It may be for the end that is known, and up to a minute early, as Slurm's
 * are; or, where that is far, for an end that was not foreseen: a preemption. */
void allotment_warn(struct allotment *allotment, uint64_t now_ns);

/* What is left for work: until the limit, or until the batch system's end without the reserve;
 * UINT64_MAX: no end is known. */
uint64_t allotment_left_ns(const struct allotment *allotment, uint64_t now_ns);

/* The end that comes first, and who has set it: "Slurm has set". */
uint64_t allotment_end_ns(const struct allotment *allotment);
const char *allotment_who_ends(const struct allotment *allotment);

/* Whether a signal that ends the job comes of its time's end: who sends one then, or after a
 * warning, is the batch system. */
bool allotment_explains_signal(const struct allotment *allotment, uint64_t now_ns);
