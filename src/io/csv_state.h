/* Where a byte of CSV stands: the machine that finds the ends of records whatever their quotes
 * hold. The reader, the splitting of files and the skipping of bad records all follow it. */
#pragma once

#include "io/source_options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum csv_state {
    CSV_ROW = 0, /* a record begins here */
    CSV_FIELD,   /* a value begins here */
    CSV_PLAIN,   /* in a value without quotes, or after one with them */
    CSV_QUOTED,  /* between quotes */
    CSV_CLOSING, /* after a quote inside quotes: doubled, or the end */
    CSV_ESCAPED, /* after the escape character inside quotes */
    CSV_COMMENT, /* in a line that is skipped */
};
enum { CSV_STATES = 7 };

/* next[state][byte] is the state after the byte. Immutable once made. */
struct csv_machine {
    uint8_t next[CSV_STATES][256];
    uint8_t quote, escape; /* the only bytes that matter inside of quotes */
    bool has_comments;
};
void csv_machine_init(struct csv_machine *machine, const struct source_options *options);

static inline enum csv_state csv_machine_run(const struct csv_machine *machine,
                                             enum csv_state state, const uint8_t *bytes,
                                             size_t size_bytes)
{
    unsigned at = state;
    for (size_t i = 0; i < size_bytes; i++)
        at = machine->next[at][bytes[i]];
    return (enum csv_state)at;
}

/* Runs on to the beginning of the next record: bytes taken, all of them where there is none;
 * *state says which. */
size_t csv_machine_find_row(const struct csv_machine *machine, enum csv_state *state,
                            const uint8_t *bytes, size_t size_bytes);

/* The state at the end of some bytes for each state at their beginning, four bits each. */
typedef uint64_t csv_map;
#define CSV_MAP_SAME UINT64_C(0x6543210)
static inline enum csv_state csv_map_apply(csv_map map, enum csv_state state)
{
    return (enum csv_state)((map >> (4 * (unsigned)state)) & 15);
}
/* After more bytes. Cost: states soon fall together to two, and most bytes are passed by 64; with
 * comments two steps a byte. */
csv_map csv_map_extend(const struct csv_machine *machine, csv_map map, const uint8_t *bytes,
                       size_t size_bytes);
