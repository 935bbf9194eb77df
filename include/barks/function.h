/* What the macros of record.h generate and the engine calls: records, functions, and their
 * registry.
 *
 * A person writes BARKS_RECORD and BARKS_MAP ... and never sees this header. The loop over a batch
 * is generated in his translation unit, with his body inlined; the engine calls the loop once for
 * each batch. */
#pragma once

#include "barks/api.h"
#include "barks/batch.h"
#include "barks/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BARKS_OUT_ROWS = 1024 }; /* rows that a loop writes before it hands them on */

typedef struct barks_out barks_out;
typedef struct barks_call barks_call;

/* A record type: a schema and the C struct that holds one row of it.
 * In the struct a field is: bool, int32_t, int64_t, float, double, barks_str (str and bytes),
 * barks_list_<type> {const T *items; uint32_t count;}, a nested record's struct, and for
 * optional(T) struct {T value; bool valid;}. */
typedef struct barks_record {
    const char *name;
    barks_schema schema;
    size_t size;             /* of the struct */
    const uint32_t *offsets; /* of each field in the struct */
    /* Writes rows [0, row_count) of an array of the struct into columns, at rows first_row,
     * first_row + 1, ...; the columns have room, and a validity bitmap where the field is nullable.
     * Strings are copied as views. Items of lists go through out (barks_put_items). NULL out: only
     * for records without lists. */
    void (*to_columns)(const void *rows, uint32_t row_count, const barks_column *const *columns,
                       uint32_t first_row, barks_out *out);
    /* The opposite: rows listed in row_indices (NULL: 0, 1, ...) into an array of the struct; lists
     * point into the child column. columns are in the order of the record's fields. */
    void (*from_columns)(const barks_column *const *columns, const uint32_t *row_indices,
                         uint32_t row_count, void *out_rows);
} barks_record;

typedef enum barks_function_kind {
    BARKS_KIND_MAP = 1,
    BARKS_KIND_FLAT_MAP,
    BARKS_KIND_FILTER,
    BARKS_KIND_REDUCE,
    BARKS_KIND_AGGREGATE,
    BARKS_KIND_MAP_BATCHES,
    BARKS_KIND_FOREACH,
    BARKS_KIND_MAP_PARTITIONS,
    BARKS_KIND_PARTITION,
    BARKS_KIND_PAIR,
    BARKS_KIND_GROUP, /* of one input, or a cogroup of two to four */
    BARKS_KIND_FOREACH_BATCH,
    BARKS_KIND_COMPARE,
    BARKS_KIND_SOURCE, /* called as map is */
    BARKS_KIND_SINK,   /* called as foreach is */
} barks_function_kind;

/* Where the rows that a body emits go: straight into the columns of a batch (an array of structs in
 * between would cost a fifth of a word count's splitting). Owned by the engine; one for each
 * operator instance, so one thread at a time. */
struct barks_out {
    /* Of the out record, in the order of its fields: room for BARKS_OUT_ROWS rows, a validity
     * bitmap where the field is nullable; the loop sets or clears the bit of each row it writes. */
    const barks_column *const *columns;
    uint32_t row_count; /* written so far, below BARKS_OUT_ROWS whenever the engine has control */
    bool stopped; /* nobody wants more rows (an error below, a limit reached): loops leave early */
    bool is_full; /* what rows point to is a batch's worth: loops of map and flat_map leave */
    void *operator_self; /* the engine's */
};

/* What a body may ask of the task that it runs in. The engine's; one for each task. */
typedef struct barks_task_info {
    uint64_t job;
    uint32_t stage, partition, attempt, executor;
    const char *host;
    uint64_t seed;   /* of the job */
    uint64_t random; /* the state of a generator that begins anew with each partition, from seed
                        and partition, so that what is computed again draws the same */
    const char *(*place)(const struct barks_task_info *info); /* "rows from byte 17 of 'x'" */
    bool (*cancelled)(const struct barks_task_info *info);
    int64_t index; /* of the window, or of the group that goes to an index */
    void *engine;  /* the engine's */
} barks_task_info;

/* Which call of a map_partitions loop it is. */
enum { BARKS_OPEN = 1, BARKS_BATCH, BARKS_CLOSE };

/* One run of a generated loop over one batch. */
struct barks_call {
    const barks_column *const *columns; /* of the in record, in the order of its fields */
    uint32_t row_count;
    uint32_t first_row; /* map, flat_map: where the loop begins, and then where it has left */
    const void *env;    /* the function's env struct on this executor; NULL when it has none */
    const barks_batch
        *batch; /* map_batches: the whole batch, columns as declared by the in record */
    barks_status
        *status; /* set by fail(...): the loop leaves at once; owned by whoever calls the loop */
    uint32_t row_index; /* of the row at which it failed */
    void *task_self; /* the engine's: the task, and where strings that outlive the batch are kept */
    barks_task_info *task; /* NULL on the driver, where the accumulators of partitions are folded */
    void *state;           /* map_partitions: state_size bytes, zero at BARKS_OPEN */
    int phase;             /* map_partitions: BARKS_OPEN, BARKS_BATCH, BARKS_CLOSE; source, sink */
    const barks_column *const *right_columns; /* pair: of the other side's in record; compare: of
                                                 the bounds that are searched */
    bool descending;                          /* compare: the order is turned round */
    uint32_t partition_count;                 /* partition: how many there are */
    const struct barks_split *split;          /* source */
    const struct barks_part *part;            /* sink */
};

#define BARKS_NO_ROW UINT32_MAX

/* Rows of one side of a group: rows [row, end) of columns, in the order that `order` gives (NULL:
 * 0, 1, ...). more() brings the next ones, and is false at the end. */
typedef struct barks_cursor {
    const barks_column *const *columns; /* of the side's in record, in the order of its fields */
    const uint32_t *order;
    uint32_t row, end;
    bool moved; /* more() or rewind() has changed columns */
    bool (*more)(struct barks_cursor *cursor);
    bool (*rewind)(struct barks_cursor *cursor);
    void *engine; /* the engine's */
} barks_cursor;

/* A registered function. Static data of the job's binary, so never freed; found by name on every
 * rank. */
typedef struct barks_function {
    const char *name;
    barks_function_kind kind;
    const char *where; /* file:line */
    const barks_record *in;
    const barks_record *out; /* map, flat_map, map_batches: emitted; reduce: = in; aggregate: the
                                accumulator; else NULL */
    size_t env_size;
    /* Just the one that belongs to the kind is set. */
    void (*map)(barks_call *call,
                barks_out *out); /* map, flat_map, map_batches: emits into out, which may flush */
    uint32_t (*filter)(
        barks_call *call,
        uint32_t *out_selected); /* indices of the rows kept, ascending; their number */
    /* reduce, aggregate: folds row first_row + k into the struct at accumulators[k], k in
     * [0, count), in this order; the same accumulator may occur many times. Strings longer than a
     * view holds that the body stores are copied by barks_keep. */
    void (*fold)(barks_call *call, void *const *accumulators, uint32_t first_row, uint32_t count);
    void (*foreach)(barks_call *call); /* foreach, foreach_batch */
    /* pair and group: of each input; inputs[0] = in. */
    const barks_record *inputs[4];
    uint32_t input_count;
    size_t state_size; /* map_partitions, which is called as map is; source, sink */
    void (*partition)(barks_call *call, int64_t *out_partitions); /* of each row */
    /* Pairs of rows of columns and right_columns; BARKS_NO_ROW: the side has none. */
    void (*pair)(barks_call *call, const uint32_t *left_rows, const uint32_t *right_rows,
                 uint32_t count, barks_out *out);
    void (*group)(barks_call *call, barks_cursor *sides, uint32_t side_count, barks_out *out);
    /* compare: rows of columns by index. One pass of a merge sort: neighbouring runs of `width`
     * indices of from, each in order, become runs of twice the width in to; equal rows stay in
     * place. */
    void (*merge)(barks_call *call, const uint32_t *from, uint32_t *to, uint32_t count,
                  uint32_t width);
    /* How many of the bounds, which ascend, each row does not come before. */
    void (*search)(barks_call *call, uint32_t bound_count, uint32_t *out_places);
} barks_function;

/* Called by constructors before main. A second function of the same name is remembered and reported
 * by barks_init with both places. Threads: before main only. */
BARKS_API void barks_register(const barks_function *function);

/* The same for the version of a function's code. */
BARKS_API void barks_declare_version(const barks_function *function, const char *version);

/* The same for records, which several translation units may declare in the same words. */
BARKS_API void barks_register_record(const barks_record *record);

/* Hands the rows [0, out->row_count) of out->columns to the next operator. After it out->row_count
 * is 0 and out->columns are where the next rows go, the same ones or others. Cold: called once in
 * BARKS_OUT_ROWS rows. Errors end up in the task; out->stopped is then set. */
BARKS_API void barks_out_flush(barks_out *out);

/* n bytes for a string that a body makes: valid for every row emitted until the loop that asks
 * returns, so also for rows after a flush in between. NULL without memory: the task then fails and
 * out->stopped is set (barks_str_make gives an empty string in that case). */
BARKS_API void *barks_out_bytes(barks_out *out, size_t n);

/* Appends count items (of the C type of the list's items) to the child of a list column, which is
 * one of out->columns or a field of a struct among them, and returns their slice. Called by the
 * generated loop for each list emitted. Without memory the task fails, out->stopped is set and the
 * slice is empty. */
BARKS_API barks_list_slice barks_put_items(barks_out *out, const barks_column *list,
                                           const void *items, uint32_t count);

/* A copy of a string (or of n bytes of items) that lives as long as the accumulators of the call.
 */
BARKS_API barks_str barks_keep(barks_call *call, barks_str text);
BARKS_API const void *barks_keep_items(barks_call *call, const void *items, size_t bytes);

/* Sets call->status to BARKS_USER_ERROR with the text, unless it is set already. */
BARKS_API void barks_call_fail(barks_call *call, const char *where, const char *format, ...)
    __attribute__((format(printf, 3, 4), cold));
