#include "scheduler/decision.h"

#include <stdlib.h>

barks_status *decision_list_append(struct decision_list *list, const struct decision *decision)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
        struct decision *items = reallocarray(list->items, capacity, sizeof *items);
        if (items == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %zu decisions of the scheduler", capacity);
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *decision;
    return NULL;
}

void decision_list_drop(struct decision_list *list)
{
    free(list->items);
    *list = (struct decision_list){0};
}
