/* The values of one JSON array that is a whole file, found one by one without being parsed. */
#pragma once

#include "io/delimited.h"

enum json_array_phase {
    ARRAY_START = 0, /* '[' comes */
    ARRAY_FIRST,     /* a value or ']' */
    ARRAY_NEXT,      /* after a comma: a value */
    ARRAY_VALUE,     /* inside of a value, which begins at the window's beginning */
    ARRAY_AFTER,     /* ',' or ']' */
    ARRAY_END,       /* nothing but spaces */
};

/* Begins zeroed for each file. Threads: one owner at a time. */
struct json_array {
    enum json_array_phase phase;
    size_t scanned; /* of the value */
    uint64_t depth; /* of brackets open at scanned */
    bool in_string, is_escaped;
};

/* The value at the window's beginning, of *out_length bytes; the caller moves the beginning behind
 * it. What stands between values is stepped over. Errors: BARKS_BAD_INPUT: the file is no array, or
 * is cut; as record_window_more. */
BARKS_CHECKED barks_status *json_array_find(struct json_array *array, struct record_window *window,
                                            bool batch_uses_block, enum record_found *out_found,
                                            size_t *out_length);

/* Is a file an array, by the first of its bytes that is no space? Files whose first bytes are all
 * spaces are not. Errors: BARKS_IO. */
BARKS_CHECKED barks_status *json_array_is_file(const char *path, bool *out_is_array);
/* The same for bytes; 0 when they do not tell, else the byte that does. */
uint8_t json_first_byte(const uint8_t *bytes, size_t size_bytes);
