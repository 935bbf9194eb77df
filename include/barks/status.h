/* What went wrong, and where, and why: the result of every call that can fail. */
#pragma once

#include "barks/api.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum barks_code {
    BARKS_INVALID = 1, /* the caller's mistake: argument, schema, configuration */
    BARKS_BAD_INPUT,   /* a record, file or frame is malformed */
    BARKS_IO,
    BARKS_NO_MEMORY,
    BARKS_LIMIT,      /* a named limit or the budget of memory */
    BARKS_USER_ERROR, /* a user function reported it */
    BARKS_LOST,       /* an executor or peer was lost */
    BARKS_CANCELLED,
    BARKS_INTERNAL,    /* our own mistake */
    BARKS_OUT_OF_TIME, /* the time that the batch system gives is nearly over: start it again */
} barks_code;

/* NULL is success. Anything else is owned by who holds it, until barks_status_free.
 * Errors:  no call here fails.
 * Threads: any; a status is immutable once made, so it may be read by and handed to any thread. */
typedef struct barks_status barks_status;

#define BARKS_CHECKED __attribute__((warn_unused_result))
#define BARKS_STRING_(text) #text
#define BARKS_STRING(text) BARKS_STRING_(text)
#define BARKS_HERE __FILE__ ":" BARKS_STRING(__LINE__)

#define BARKS_FAIL(code, ...) return barks_status_new((code), NULL, BARKS_HERE, __VA_ARGS__)
#define BARKS_TRY(call)                                                                            \
    do {                                                                                           \
        barks_status *status_ = (call);                                                            \
        if (status_ != NULL)                                                                       \
            return status_;                                                                        \
    } while (0)
/* Adds what was being done: "read split 3 of 'a.csv'". */
#define BARKS_TRY_DOING(call, ...)                                                                 \
    do {                                                                                           \
        barks_status *status_ = (call);                                                            \
        if (status_ != NULL)                                                                       \
            return barks_status_new(barks_status_code(status_), status_, BARKS_HERE, __VA_ARGS__); \
    } while (0)

/**
 * Makes a status out of a text, the place that words it, and the status that caused it (or NULL).
 *
 * Ownership: takes cause; the caller owns the result. where is a string literal, format is copied.
 * Errors:    never NULL: without memory it is the cause itself or a static BARKS_NO_MEMORY.
 * Threads:   any.
 */
BARKS_API BARKS_CHECKED barks_status *barks_status_new(barks_code code, barks_status *cause,
                                                       const char *where, const char *format, ...)
    __attribute__((format(printf, 4, 5), cold, returns_nonnull));

/* The code of a status that is not NULL. */
BARKS_API barks_code barks_status_code(const barks_status *status);

/* Its own text without the cause; borrowed as long as the status. */
BARKS_API const char *barks_status_text(const barks_status *status);

/* What it came from, borrowed as long as the status; NULL at the end of the chain. */
BARKS_API const barks_status *barks_status_cause(const barks_status *status);

/* "file:line" of who worded it. */
BARKS_API const char *barks_status_where(const barks_status *status);

/**
 * Writes the texts of the whole chain, "text: cause: cause", and a final zero byte into out.
 *
 * Returns the length of the whole text, as snprintf does: where it is not less than out_bytes, what
 * was written is cut. out may be NULL where out_bytes is 0. A NULL status is "success".
 */
BARKS_API size_t barks_status_format(const barks_status *status, char *out, size_t out_bytes);

/* "invalid", "bad input" ...; "unknown" for a number that is no code. */
BARKS_API const char *barks_code_name(barks_code code);

/* Frees the whole chain; NULL is fine. */
BARKS_API void barks_status_free(barks_status *status);

#ifdef __cplusplus
}
#endif
