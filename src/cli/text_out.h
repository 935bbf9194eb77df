/* Texts that come from users and files, written into HTML, JSON and terminals so that they stay
 * texts. */
#pragma once

#include <stdint.h>
#include <stdio.h>

/* NULL is no text. Bytes that are no UTF-8, and control characters, become U+FFFD. */
void html_write(FILE *out, const char *text);
void json_write(FILE *out, const char *text); /* with its quotes; NULL: null */
/* For a terminal: what is no printable text becomes '?'; at most width_max bytes of it. */
void plain_write(FILE *out, const char *text, size_t width_max);

/* 1234567 as "1 234 567". */
enum { COUNT_TEXT_BYTES = 32 };
struct count_text {
    char text[COUNT_TEXT_BYTES];
};
struct count_text count_with_gaps(uint64_t count);
