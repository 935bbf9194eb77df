/* Rows that stream by are looked up in a table of those that are held, and paired with them: what
 * the two joins have in common. */
#pragma once

#include "exec/join_table.h"
#include "exec/pair.h"

/* Begins with join_probe_init, ends with join_probe_drop. Threads: the task's only; the table may
 * be one that many share. */
struct join_probe {
    enum join_kind kind;
    uint32_t streamed;              /* the input that streams by: 0 or 1; the other is held */
    const struct pipe_node *node;   /* borrowed */
    struct pair_output *pairs;      /* borrowed */
    const struct join_table *table; /* borrowed: of the held rows; set before rows are looked up */
    uint64_t *is_matched;           /* borrowed: a bit for each held row that met one; or NULL */
    uint32_t *first_match;          /* owned: room for capacity rows */
    uint32_t capacity;
    uint32_t pair_count;
    uint32_t rows[2][BATCH_ROWS]; /* of inputs 0 and 1: pairs not given on yet */
};

void join_probe_init(struct join_probe *probe, const struct pipe_node *node, uint32_t streamed,
                     struct pair_output *pairs);
void join_probe_drop(struct join_probe *probe);

/* Looks the rows of batch up, and gives on what comes of each, in their order. Errors: those of
 * operators further on, BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *join_probe_rows(struct join_probe *probe, struct batch *batch);

/* Gives on the held rows whose bit in is_matched is not set, alone. */
BARKS_CHECKED barks_status *join_probe_unmatched(struct join_probe *probe);
