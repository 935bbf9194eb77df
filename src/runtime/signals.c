#include "runtime/signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

/* Written by whichever thread the signal comes to, read by others. Alone: nothing is published by
 * it. */
static _Atomic int pending;
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a signal handler may use what is free of locks only");

static void note(int number)
{
    int none = 0;
    bool is_first = atomic_compare_exchange_strong_explicit(
        &pending, &none, number, memory_order_relaxed, memory_order_relaxed);
    if (!is_first && number == SIGINT)
        _exit(128 + SIGINT);
}

/* The results are not looked at: these calls fail for signals that do not exist only. */
void signals_catch(void)
{
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
}

int signals_pending(void) { return atomic_load_explicit(&pending, memory_order_relaxed); }
