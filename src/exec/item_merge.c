#include "exec/item_merge.h"

#include <string.h>

enum { INSERTION_ITEMS = 12 };

void items_insertion_sort(const struct sort_rows *rows, struct sort_item *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct sort_item item = items[i];
        size_t place = i;
        for (; place > 0 && sort_item_before(rows, &item, &items[place - 1]); place--)
            items[place] = items[place - 1];
        items[place] = item;
    }
}

void items_merge(const struct sort_rows *rows, const struct sort_item *from, size_t middle,
                 size_t count, struct sort_item *to)
{
    size_t left = 0, right = middle;
    for (size_t i = 0; i < count; i++) {
        int take_right =
            left == middle || (right < count && sort_item_before(rows, &from[right], &from[left]));
        to[i] = take_right ? from[right++] : from[left++];
    }
}

void items_merge_sort(const struct sort_rows *rows, struct sort_item *items,
                      struct sort_item *spare, size_t count)
{
    if (count <= INSERTION_ITEMS) {
        items_insertion_sort(rows, items, count);
        return;
    }
    size_t middle = count / 2;
    items_merge_sort(rows, items, spare, middle);
    items_merge_sort(rows, items + middle, spare + middle, count - middle);
    if (!sort_item_before(rows, &items[middle], &items[middle - 1]))
        return; /* in order already */
    memcpy(spare, items, count * sizeof *items);
    items_merge(rows, spare, middle, count, items);
}
