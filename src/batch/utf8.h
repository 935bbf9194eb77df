/* UTF-8 as RFC 3629 has it: no surrogates, nothing above U+10FFFF, no longer form than needed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the one character that bytes begins with (1 to 4), or 0 where they are none. n is at
 * least 1. */
size_t utf8_character_bytes(const char *bytes, size_t n);

bool utf8_is_valid(const char *bytes, size_t n);
