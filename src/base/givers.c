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
    while (*link != NULL)
        link = &(*link)->next;
    giver->next = NULL;
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

bool givers_ask(struct givers *givers, uint64_t bytes, bool (*suffices)(void *context),
                void *context)
{
    if (lock_is_any_held())
        return false;
    uint64_t given_bytes = 0;
    lock_acquire(&givers->lock);
    is_giving = true;
    bool is_enough = suffices(context); /* others may have given while this thread waited */
    for (struct giver *giver = givers->first; giver != NULL && !is_enough; giver = giver->next) {
        given_bytes += giver->give(giver->context, bytes);
        is_enough = suffices(context) || given_bytes >= bytes;
    }
    is_giving = false;
    lock_release(&givers->lock);
    return is_enough || given_bytes > 0;
}

bool givers_is_giving(void) { return is_giving; }
