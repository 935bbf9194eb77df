#include "barks/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct barks_status {
    barks_status *cause; /* owned */
    const char *where;   /* a literal */
    const char *text;    /* the bytes that follow, or a literal in the static one */
    barks_code code;
};

/* What is said when there is no memory to say it. Never freed, so many may hold it at once. */
static barks_status no_memory = {
    .where = BARKS_HERE,
    .text = "no memory, not even for the text of an error",
    .code = BARKS_NO_MEMORY,
};

barks_status *barks_status_new(barks_code code, barks_status *cause, const char *where,
                               const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    /* Only an encoding error of a wide string makes it negative; the format then says the most. */
    size_t text_bytes = (length < 0 ? strlen(format) : (size_t)length) + 1;
    barks_status *status = malloc(sizeof *status + text_bytes);
    if (status == NULL)
        return cause != NULL ? cause : &no_memory;
    char *text = (char *)(status + 1);
    if (length < 0) {
        memcpy(text, format, text_bytes);
    } else {
        va_start(arguments, format);
        vsnprintf(text, text_bytes, format, arguments);
        va_end(arguments);
    }
    *status = (barks_status){.cause = cause, .where = where, .text = text, .code = code};
    return status;
}

barks_code barks_status_code(const barks_status *status) { return status->code; }

const char *barks_status_text(const barks_status *status) { return status->text; }

const barks_status *barks_status_cause(const barks_status *status) { return status->cause; }

const char *barks_status_where(const barks_status *status) { return status->where; }

/* Appends what fits of text at *length and counts all of it. */
static void append(char *out, size_t out_bytes, size_t *length, const char *text)
{
    size_t text_length = strlen(text);
    if (*length < out_bytes) {
        size_t room = out_bytes - *length - 1;
        size_t copied = text_length < room ? text_length : room;
        memcpy(out + *length, text, copied);
        out[*length + copied] = '\0';
    }
    *length += text_length;
}

size_t barks_status_format(const barks_status *status, char *out, size_t out_bytes)
{
    size_t length = 0;
    append(out, out_bytes, &length, status == NULL ? "success" : status->text);
    while (status != NULL && status->cause != NULL) {
        status = status->cause;
        append(out, out_bytes, &length, ": ");
        append(out, out_bytes, &length, status->text);
    }
    return length;
}

const char *barks_code_name(barks_code code)
{
    switch (code) {
    case BARKS_INVALID:
        return "invalid";
    case BARKS_BAD_INPUT:
        return "bad input";
    case BARKS_IO:
        return "input/output";
    case BARKS_NO_MEMORY:
        return "no memory";
    case BARKS_LIMIT:
        return "limit";
    case BARKS_USER_ERROR:
        return "user error";
    case BARKS_LOST:
        return "lost";
    case BARKS_CANCELLED:
        return "cancelled";
    case BARKS_INTERNAL:
        return "internal";
    case BARKS_OUT_OF_TIME:
        return "out of time";
    }
    return "unknown";
}

void barks_status_free(barks_status *status)
{
    while (status != NULL && status != &no_memory) {
        barks_status *cause = status->cause;
        free(status);
        status = cause;
    }
}
