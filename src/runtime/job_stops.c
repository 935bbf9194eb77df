#include "runtime/job_stops.h"

#include "net/net.h"
#include "runtime/dispatch.h"
#include "runtime/driver_state.h"

#include <stddef.h>

/* Lies with who asks; in the driver's list until it is taken, or given up. */
struct job_stop {
    const struct job_part *part;
    bool is_taken, is_answered, was_told; /* by the driver's lock */
    struct job_stop *next;
};

static bool is_ending_locked(const struct driver *driver)
{
    return driver->locked.stopping || driver->locked.end_error != NULL;
}

static void remove_locked(struct driver *driver, const struct job_stop *stop)
{
    struct job_stop **link = &driver->locked.stops;
    while (*link != NULL && *link != stop)
        link = &(*link)->next;
    if (*link != NULL)
        *link = stop->next;
}

bool driver_stop(struct driver *driver, const struct job_part *part)
{
    struct job_stop stop = {.part = part};
    lock_acquire(&driver->lock);
    if (!is_ending_locked(driver)) {
        stop.next = driver->locked.stops;
        driver->locked.stops = &stop;
        net_wake(driver->net); /* as in driver_submit */
    }
    while (!stop.is_answered && (stop.is_taken || !is_ending_locked(driver)))
        condition_wait(&driver->changed, &driver->lock);
    remove_locked(driver, &stop);
    lock_release(&driver->lock);
    return stop.was_told;
}

static struct job_stop *take(struct driver *driver)
{
    lock_acquire(&driver->lock);
    struct job_stop *stop = driver->locked.stops;
    if (stop != NULL) {
        driver->locked.stops = stop->next;
        stop->is_taken = true;
    }
    lock_release(&driver->lock);
    return stop;
}

barks_status *driver_answer_stops(struct driver *driver)
{
    struct job_stop *stop;
    while ((stop = take(driver)) != NULL) {
        bool was_told = false;
        barks_status *status = dispatch_stop(driver->dispatch, stop->part, &was_told);
        lock_acquire(&driver->lock);
        stop->is_answered = true;
        stop->was_told = was_told;
        condition_broadcast(&driver->changed);
        lock_release(&driver->lock);
        BARKS_TRY(status);
    }
    return NULL;
}
