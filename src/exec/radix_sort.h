/* Sorting items by the digits of their prefixes. */
#pragma once

#include "exec/sort_level.h"

/* items have the prefixes of the first level, spare has room for as many. Equal rows keep their
 * order. Cost: O(count) for each digit of 8 bits that is needed to tell rows apart, most
 * significant first. Source: McIlroy, Bostic and McIlroy, "Engineering Radix Sort", 1993; out of
 * place, so that it is stable. */
void radix_sort(const struct sort_rows *rows, struct sort_item *items, struct sort_item *spare,
                uint32_t count);
