/* A moment at which the scheduler wants to be asked again (EVENT_TIMER). */
#pragma once

#include "scheduler/heap.h"

enum timer_kind {
    TIMER_DEADLINE = 1, /* of a job */
    TIMER_EXCLUSION,    /* ends an exclusion */
    TIMER_WATCH,        /* of a stage, over slow attempts */
    TIMER_GANG,         /* of a stage whose tasks all wait for workers */
    TIMER_OVERRUN,      /* of the attempt that runs longest */
    TIMER_WISHES,       /* of a stage whose tasks wait for their nodes */
    TIMER_PATIENCE,     /* of an executor that waits for tasks that wish for its node */
};

/* First member of what waits for it. key[0] is the time in nanoseconds. */
struct timer {
    struct heap_node node; /* first, so that a heap's node is its timer */
    enum timer_kind kind;
};
