/* The engine's side of generated functions, as small as can be: columns of one schema, which
 * everything emitted is appended to, and memory that is freed at the end of the test. */
#pragma once

#include "barks/function.h"

enum { ENGINE_FIELDS_MAX = 64, ENGINE_ROWS_MAX = 16384, ENGINE_ITEMS_MAX = 65536 };

/* Columns on the heap with room for ENGINE_ROWS_MAX rows, all zero, validity all clear. */
struct engine_table {
    barks_column columns[ENGINE_FIELDS_MAX];
    const barks_column *pointers[ENGINE_FIELDS_MAX];
    uint32_t row_count;
};

void engine_table_create(struct engine_table *table, const barks_schema *schema);

/* An out whose flush appends to table, keeping what is in the columns of BARKS_OUT_ROWS rows
 * between. stop_after: flushes until `stopped` is set; 0: never. */
struct engine_out {
    barks_out out;
    struct engine_table staged;
    struct engine_table *table;
    uint32_t stop_after;
    uint32_t flush_count;
    bool out_of_memory; /* barks_out_bytes then has nothing to give */
};

void engine_out_begin(struct engine_out *engine, const barks_schema *schema,
                      struct engine_table *table);
/* Flushes what is left. */
void engine_out_end(struct engine_out *engine);

/* The text of the call's failure, or NULL. */
const char *engine_failure(const barks_call *call);

/* What constructors registered. */
const barks_function *engine_registered(const char *name);

extern uint32_t engine_kept_count; /* strings and lists that folds kept */
