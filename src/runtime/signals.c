#include "runtime/signals.h"

#include "runtime/exit_note.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

/* Written by whichever thread the signal comes to, read by others. Alone: nothing is published by
 * it. */
static _Atomic int pending;
static atomic_bool warned;
_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_BOOL_LOCK_FREE == 2,
               "a signal handler may use what is free of locks only");

static void note(int number)
{
    int none = 0;
    bool is_first = atomic_compare_exchange_strong_explicit(
        &pending, &none, number, memory_order_relaxed, memory_order_relaxed);
    if (!is_first && number == SIGINT) {
        exit_note_write(128 + SIGINT);
        _exit(128 + SIGINT);
    }
}

static void note_warning(int number)
{
    (void)number;
    atomic_store_explicit(&warned, true, memory_order_relaxed);
}

/* The results are not looked at: these calls fail for signals that do not exist only. */
void signals_catch(void)
{
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
    struct sigaction now = {0};
    action.sa_handler = note_warning;
    if (sigaction(SIGUSR1, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        (void)sigaction(SIGUSR1, &action, NULL);
}

int signals_pending(void) { return atomic_load_explicit(&pending, memory_order_relaxed); }

bool signals_take_warning(void)
{
    return atomic_exchange_explicit(&warned, false, memory_order_relaxed);
}
