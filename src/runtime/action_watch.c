#include "runtime/action_watch.h"

#include "base/checked.h"
#include "base/clock.h"
#include "runtime/driver.h"

#include <stddef.h>

static _Thread_local struct action_watch *watching;
static _Thread_local struct {
    uint64_t deadline_ns;
    bool is_late;
} limit;

/* ---- all that run ---- */

void watch_list_init(struct watch_list *list)
{
    *list = (struct watch_list){0};
    lock_init(&list->lock, LOCK_WATCHES, "watches of actions");
}

void watch_list_drop(struct watch_list *list) { lock_drop(&list->lock); }

int watch_list_cancel(struct watch_list *list,
                      bool (*is_meant)(const struct job_labels *labels, const char *text),
                      const char *text)
{
    int count = 0;
    lock_acquire(&list->lock);
    for (struct action_watch *watch = list->locked.first; watch != NULL; watch = watch->next) {
        if (!is_meant(&watch->labels, text))
            continue;
        action_watch_cancel(watch);
        count++;
    }
    lock_release(&list->lock);
    return count;
}

/* ---- one ---- */

void action_watch_init(struct action_watch *watch, struct driver *driver, struct watch_list *list)
{
    const struct job_labels *labels = job_labels_mine();
    *watch = (struct action_watch){.driver = driver, .labels = *labels, .list = list};
    if (labels->limit_ns > 0 && ckd_add(&watch->end_ns, monotonic_ns(), labels->limit_ns))
        watch->end_ns = 0; /* later than any clock */
    lock_init(&watch->lock, LOCK_WATCH, "watch of an action");
    lock_acquire(&list->lock);
    watch->next = list->locked.first;
    if (watch->next != NULL)
        watch->next->previous = watch;
    list->locked.first = watch;
    lock_release(&list->lock);
}

void action_watch_leave(struct action_watch *watch)
{
    struct watch_list *list = watch->list;
    if (list == NULL)
        return;
    lock_acquire(&list->lock);
    if (watch->previous == NULL)
        list->locked.first = watch->next;
    else
        watch->previous->next = watch->next;
    if (watch->next != NULL)
        watch->next->previous = watch->previous;
    lock_release(&list->lock);
    watch->list = NULL;
}

void action_watch_drop(struct action_watch *watch)
{
    action_watch_leave(watch);
    lock_drop(&watch->lock);
}

struct action_watch *action_watch_use(struct action_watch *watch)
{
    struct action_watch *before = watching;
    watching = watch;
    return before;
}

bool action_watch_is_used(void) { return watching != NULL; }

void action_watch_limit(uint64_t deadline_ns)
{
    limit.deadline_ns = deadline_ns;
    limit.is_late = false;
}

bool action_watch_is_late(void) { return limit.is_late; }

bool action_watch_begin(struct job *job)
{
    job->deadline_ns = limit.deadline_ns;
    job->labels = watching != NULL ? watching->labels : *job_labels_mine();
    if (watching == NULL)
        return true;
    job->end_ns = watching->end_ns;
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
