#include "runtime/action_watch.h"

#include "runtime/driver.h"

#include <stddef.h>

static _Thread_local struct action_watch *watching;
static _Thread_local struct {
    uint64_t deadline_ns;
    bool is_late;
} limit;

void action_watch_init(struct action_watch *watch, struct driver *driver)
{
    *watch = (struct action_watch){.driver = driver};
    lock_init(&watch->lock, LOCK_WATCH, "watch of an action");
}

void action_watch_drop(struct action_watch *watch) { lock_drop(&watch->lock); }

void action_watch_use(struct action_watch *watch) { watching = watch; }

void action_watch_limit(uint64_t deadline_ns)
{
    limit.deadline_ns = deadline_ns;
    limit.is_late = false;
}

bool action_watch_is_late(void) { return limit.is_late; }

bool action_watch_begin(struct job *job)
{
    job->deadline_ns = limit.deadline_ns;
    if (watching == NULL)
        return true;
    lock_acquire(&watching->lock);
    bool may_run = !watching->locked.is_cancelled;
    watching->locked.job = may_run ? job : NULL;
    lock_release(&watching->lock);
    return may_run;
}

void action_watch_end(const struct job *job)
{
    limit.is_late = limit.is_late || job->is_late;
    if (watching == NULL)
        return;
    lock_acquire(&watching->lock);
    watching->locked.job = NULL;
    lock_release(&watching->lock);
}

void action_watch_cancel(struct action_watch *watch)
{
    lock_acquire(&watch->lock);
    watch->locked.is_cancelled = true;
    if (watch->locked.job != NULL)
        driver_cancel(watch->driver, watch->locked.job);
    lock_release(&watch->lock);
}
