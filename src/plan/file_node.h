/* The files behind a dataset of any format: listed, cut into partitions, looked into for columns.
 */
#pragma once

#include "barks/source.h"
#include "barks/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct node;
struct pool;

struct file_wish {
    const char *format; /* a name of source_format_find */
    const char *const *paths;
    size_t path_count;
    const barks_record *record; /* NULL: the fields are `schema` */
    const char *schema;         /* as text; "": inferred */
    uint32_t record_bytes;      /* "fixed" */
    const char *separator;      /* "text"; NULL: lines */
    size_t separator_bytes;     /* 0: up to its NUL */
    const barks_read_options *options;
    uint32_t bad_rows_counter;    /* the accumulator for bad rows, 0: none */
    const char *quarantine_token; /* of this read alone */
    uint64_t split_bytes;
    uint64_t record_bytes_max;
    struct pool *pool;
};

/* Lists the files and makes node's splits, partitions, record and step (its kind but). *out_scan:
 * before it is run, file_node_set_states must be called. Errors: as listing_make and
 * split_plan_make; BARKS_INVALID: fields that the format cannot hold, or that no column has;
 * BARKS_BAD_INPUT, BARKS_IO: what is looked into cannot be read. */
BARKS_CHECKED barks_status *file_node_fill(struct node *node, const struct file_wish *wish,
                                           bool *out_scan);

/* Makes scan, a node of kind STEP_FILES, one that reads the splits of node for their maps: a row
 * (i64, map) for each split. It borrows them until file_node_set_states. Errors: BARKS_NO_MEMORY.
 */
BARKS_CHECKED barks_status *file_node_scan(const struct node *node, struct node *scan);
/* Takes the splits back from scan and, from the maps of all splits in order, sets where quotes
 * stand at the beginning of each. maps NULL: only the first. Errors: BARKS_INTERNAL: not as many.
 */
BARKS_CHECKED barks_status *file_node_set_states(struct node *node, struct node *scan,
                                                 const int64_t *maps, uint64_t map_count);
