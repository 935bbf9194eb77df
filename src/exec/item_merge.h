/* Sorting items by comparing them: what is in order already costs one pass. */
#pragma once

#include "exec/sort_level.h"

#include <stddef.h>

void items_insertion_sort(const struct sort_rows *rows, struct sort_item *items, size_t count);

/* spare has room for as many. Depth is log2(count). */
void items_merge_sort(const struct sort_rows *rows, struct sort_item *items,
                      struct sort_item *spare, size_t count);

/* Merges the two sorted parts of from, of which the second begins at middle, into to. */
void items_merge(const struct sort_rows *rows, const struct sort_item *from, size_t middle,
                 size_t count, struct sort_item *to);
