/* Memory whose neighbours cannot be touched: a read past either end crashes the test. */
#pragma once

#include <stddef.h>

/* bytes stand between two pages without permissions. */
struct guarded {
    char *bytes;
    size_t size_bytes; /* a multiple of the page size */
};

/* Checks what it does: the test fails without memory. */
struct guarded guarded_create(size_t page_count);
void guarded_drop(struct guarded *guarded);
