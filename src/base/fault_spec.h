/* One fault as BARKS_FAULT words it. */
#pragma once

#include "base/fault.h"

#include <stdatomic.h>

enum fault_action {
    ACTION_FAIL,
    ACTION_SHORT,
    ACTION_SPOIL,
    ACTION_DROP,
    ACTION_DELAY,
    ACTION_KILL,
    ACTION_STALL,
    ACTION_SLOW,
    ACTION_COUNT,
};

enum { FAULTS_MAX = 16 };

/* Unchanged once armed, but for count. */
struct fault {
    enum fault_action action;
    uint64_t functions; /* a bit for each that it strikes */
    int point;          /* or -1 */
    uint64_t first;     /* strikes the first'th time, from 1 ... */
    bool goes_on;       /* ... and each time after it */
    uint64_t one_in;    /* not 0: instead a time is chosen by lot, one in so many */
    uint64_t seed;
    int error; /* errno; 0: the usual one of the call */
    int rank;  /* -1: any */
    int to;    /* a message's receiver; -1: any */
    int signal_number;
    uint64_t duration_ns; /* of a delay or a stall; 0: a stall that does not end */
    uint64_t factor;
    /* Relaxed, each is its own. */
    _Atomic uint64_t count; /* times that it could have struck */
    _Atomic uint64_t struck;
};

/* Reads one fault, without the ';' after it. Errors: BARKS_INVALID. */
BARKS_CHECKED barks_status *fault_parse(const char *text, size_t length, const char *origin,
                                        struct fault *out_fault);

extern const char *const fault_function_names[];
extern const char *const fault_point_names[];
unsigned fault_call_of(unsigned function);
unsigned fault_function_count(void);
unsigned fault_point_count(void);
const char *fault_call_name(unsigned call);
unsigned fault_call_count(void);
int fault_usual_error(unsigned function);
