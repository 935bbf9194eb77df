#include "runtime/action_watch.h"

#include "runtime/driver.h"

#include <stddef.h>

static _Thread_local struct action_watch *watching;

void action_watch_init(struct action_watch *watch, struct driver *driver)
{
    *watch = (struct action_watch){.driver = driver};
    lock_init(&watch->lock, LOCK_WATCH, "watch of an action");
}

void action_watch_drop(struct action_watch *watch) { lock_drop(&watch->lock); }

void action_watch_use(struct action_watch *watch) { watching = watch; }

bool action_watch_note(struct job *job)
{
    if (watching == NULL)
        return true;
    lock_acquire(&watching->lock);
    bool may_run = !watching->locked.is_cancelled;
    watching->locked.job = may_run ? job : NULL;
    lock_release(&watching->lock);
    return may_run;
}

void action_watch_cancel(struct action_watch *watch)
{
    lock_acquire(&watch->lock);
    watch->locked.is_cancelled = true;
    if (watch->locked.job != NULL)
        driver_cancel(watch->driver, watch->locked.job);
    lock_release(&watch->lock);
}
