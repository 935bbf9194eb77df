/* Which function of the job's a thread is calling, and with which records: for who tells of a crash
 * in it, in a handler of signals. */
#pragma once

#include <stdint.h>

/* All zero: none. */
struct calling {
    const char *name, *where; /* of the function; literals of the job */
    const char *site;         /* file:line of the step that calls it; lives as long as the call */
    uint64_t first_record;    /* of its partition, from 0 */
    uint32_t record_count;
    const uint32_t *record; /* where a loop says which one it has come to; NULL, or UINT32_MAX in
                               it: only a range is known */
};

/* The model makes it safe to read in a handler: no memory is made for it then. */
extern _Thread_local struct calling calling_now __attribute__((tls_model("initial-exec")));

/* What was called before, from where this call is made: give it back to calling_end. */
static inline struct calling calling_begin(struct calling calling)
{
    struct calling before = calling_now;
    calling_now = calling;
    return before;
}

/* The same function is called with other records. */
static inline void calling_move(uint64_t first_record, uint32_t record_count)
{
    calling_now.first_record = first_record;
    calling_now.record_count = record_count;
}

static inline void calling_end(struct calling before) { calling_now = before; }
