#include "base/givers.h"

static _Thread_local bool is_giving;

void givers_init(struct givers *givers)
{
    *givers = (struct givers){0};
    lock_init(&givers->lock, LOCK_GIVING, "givers");
}

void givers_drop(struct givers *givers)
{
    BARKS_ASSERT(givers->first == NULL);
    lock_drop(&givers->lock);
}

void givers_add(struct givers *givers, struct giver *giver)
{
    lock_acquire(&givers->lock);
    struct giver **link = &givers->first;
    while (*link != NULL && !giver->goes_first)
        link = &(*link)->next;
    giver->next = *link;
    *link = giver;
    lock_release(&givers->lock);
}

void givers_remove(struct givers *givers, struct giver *giver)
{
    lock_acquire(&givers->lock);
    struct giver **link = &givers->first;
    while (*link != NULL && *link != giver)
        link = &(*link)->next;
    if (*link != NULL)
        *link = giver->next;
    lock_release(&givers->lock);
}

/* The first failure is the one that is told. */
static void note(barks_status **failure, barks_status *status)
{
    if (*failure == NULL)
        *failure = status;
    else
        barks_status_free(status);
}

bool givers_ask(struct givers *givers, uint64_t bytes, bool (*suffices)(void *context),
                void *context, barks_status **out_failure)
{
    *out_failure = NULL;
    if (lock_is_any_held())
        return false;
    uint64_t given_bytes = 0;
    lock_acquire(&givers->lock);
    is_giving = true;
    bool is_enough = suffices(context); /* others may have given while this thread waited */
    for (struct giver *giver = givers->first; giver != NULL && !is_enough; giver = giver->next) {
        barks_status *status = NULL;
        given_bytes += giver->give(giver->context, bytes, &status);
        note(out_failure, status);
        is_enough = suffices(context) || given_bytes >= bytes;
    }
    is_giving = false;
    lock_release(&givers->lock);
    if (!is_enough && given_bytes == 0)
        return false;
    barks_status_free(*out_failure); /* what was given does for now */
    *out_failure = NULL;
    return true;
}

bool givers_is_giving(void) { return is_giving; }

bool givers_begin(struct givers *givers)
{
    if (is_giving || lock_is_any_held())
        return false;
    lock_acquire(&givers->lock);
    is_giving = true;
    return true;
}

void givers_end(struct givers *givers)
{
    is_giving = false;
    lock_release(&givers->lock);
}
