/* Pauses of this process: it was stopped, or the whole machine stood still. Who was silent
 * meanwhile may have stood still with it, so deadlines for others begin anew when one has ended. */
#pragma once

#include "base/clock.h"

#include <stdint.h>

/* Waiting for a core of a busy machine is no pause. */
#define PAUSE_NS_MIN NS_PER_S

/* Of a thread that looks all the time. Begins zeroed. */
struct pause_watch {
    uint64_t looked_ns; /* the last time */
    uint64_t woke_ns;   /* when it found that a pause had ended; 0: there was none */
};

static inline void pause_watch_look(struct pause_watch *watch, uint64_t now_ns)
{
    if (watch->looked_ns != 0 && now_ns > watch->looked_ns + PAUSE_NS_MIN)
        watch->woke_ns = now_ns;
    watch->looked_ns = now_ns;
}

/* Since when something that was last seen at since_ns has had the chance to be seen again. */
static inline uint64_t pause_watch_since(const struct pause_watch *watch, uint64_t since_ns)
{
    return since_ns > watch->woke_ns ? since_ns : watch->woke_ns;
}
