/* Numbers as people read them. */
#pragma once

#include <stddef.h>

void text_of_count(double count, char *out, size_t out_bytes); /* "1.24 M" */
void text_of_bytes(double bytes, char *out, size_t out_bytes); /* "1.2 GiB" */
