#include "io/json_array.h"

#include "io/byte_order_mark.h"
#include "io/system_error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { HEAD_BYTES = 4096 };

static bool is_space(uint8_t c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

uint8_t json_first_byte(const uint8_t *bytes, size_t size_bytes)
{
    for (size_t i = mark_begins(bytes, size_bytes) ? MARK_BYTES : 0; i < size_bytes; i++)
        if (!is_space(bytes[i]))
            return bytes[i];
    return 0;
}

barks_status *json_array_is_file(const char *path, bool *out_is_array)
{
    uint8_t head[HEAD_BYTES];
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = -1;
    if (descriptor >= 0)
        do
            got = pread(descriptor, head, sizeof head, 0);
        while (got < 0 && errno == EINTR);
    int error = errno;
    if (descriptor >= 0)
        (void)close(descriptor); /* it was read, nothing can be lost */
    if (got < 0)
        BARKS_FAIL(system_code(error), "cannot read input '%s': %s%s", path, system_text(error),
                   system_remedy(error));
    *out_is_array = json_first_byte(head, (size_t)got) == '[';
    return NULL;
}

BARKS_CHECKED static barks_status *fail_array(const struct record_window *window, const char *what)
{
    uint64_t offset = record_window_offset(window, window->begin);
    BARKS_FAIL(BARKS_BAD_INPUT, "line %ju of '%s', in an array that is the whole file: %s",
               (uintmax_t)record_window_line(window->pool, window->split, offset),
               window->split->path, what);
}

/* A byte between values. True: a value begins with it, and nothing is taken. */
BARKS_CHECKED static barks_status *take_between(struct json_array *array,
                                                struct record_window *window)
{
    uint8_t c = window->block->bytes[window->begin];
    switch (array->phase) {
    case ARRAY_START:
        if (record_window_offset(window, window->begin) == 0 &&
            mark_begins(window->block->bytes + window->begin, window->end - window->begin)) {
            window->begin += MARK_BYTES;
            return NULL;
        }
        if (c != '[')
            return fail_array(window, "it does not begin with '['; without .array = true, files "
                                      "may hold an object a line");
        array->phase = ARRAY_FIRST;
        break;
    case ARRAY_FIRST:
    case ARRAY_NEXT:
        if (c == ']' && array->phase == ARRAY_FIRST) {
            array->phase = ARRAY_END;
            break;
        }
        if (c == ',' || c == ']')
            return fail_array(window, "a value is missing before the ',' or ']'");
        array->phase = ARRAY_VALUE;
        array->scanned = array->depth = 0;
        return NULL;
    case ARRAY_AFTER:
        if (c != ',' && c != ']')
            return fail_array(window, "a ',' or ']' is missing after a value");
        array->phase = c == ',' ? ARRAY_NEXT : ARRAY_END;
        break;
    case ARRAY_END:
        return fail_array(window, "something follows the array's ']'");
    case ARRAY_VALUE:
        return NULL;
    }
    window->begin++;
    return NULL;
}

/* Goes on in a value, to its end where the window has it. Brackets are counted and not told apart:
 * a value in which they do not match is still one value, which the parser refuses. */
static bool scan_value(struct json_array *array, const uint8_t *bytes, size_t size_bytes)
{
    for (size_t i = array->scanned; i < size_bytes; i++) {
        uint8_t c = bytes[i];
        array->scanned = i + 1;
        if (array->is_escaped) {
            array->is_escaped = false;
        } else if (array->in_string) {
            array->is_escaped = c == '\\';
            array->in_string = c != '"';
        } else if (c == '"') {
            array->in_string = true;
        } else if (c == '{' || c == '[') {
            array->depth++;
        } else if (array->depth > 0) {
            array->depth -= c == '}' || c == ']';
        } else if (c == ',' || c == ']' || c == '}' || is_space(c)) {
            array->scanned = i + (c == '}' && i == 0);
            return array->scanned > 0;
        }
        if (array->depth == 0 && !array->in_string && (c == '}' || c == ']' || c == '"'))
            return true;
    }
    return false;
}

barks_status *json_array_find(struct json_array *array, struct record_window *window,
                              bool batch_uses_block, enum record_found *out_found,
                              size_t *out_length)
{
    bool is_full = false;
    for (;;) {
        while (window->begin < window->end && array->phase != ARRAY_VALUE) {
            if (is_space(window->block->bytes[window->begin]))
                window->begin++;
            else
                BARKS_TRY(take_between(array, window));
        }
        if (array->phase == ARRAY_VALUE && window->begin < window->end &&
            scan_value(array, window->block->bytes + window->begin, window->end - window->begin)) {
            *out_length = array->scanned;
            *out_found = RECORD_FOUND;
            array->phase = ARRAY_AFTER;
            return NULL;
        }
        if (window->at_end) {
            if (array->phase != ARRAY_END && array->phase != ARRAY_START)
                return fail_array(window, "the array is not closed; is the file cut?");
            record_window_close(window);
            *out_found = RECORD_NONE;
            return NULL;
        }
        BARKS_TRY(record_window_more(window, batch_uses_block, &is_full));
        if (is_full) {
            *out_found = RECORD_FULL;
            return NULL;
        }
    }
}
