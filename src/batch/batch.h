/* Batches as the engine makes them: columns that grow, and the blocks that their string views point
 * into. */
#pragma once

#include "barks/batch.h"
#include "barks/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block;
struct pool;

/* What sources and operators aim at, whichever comes first: a batch may hold more, if only since
 * one row does. */
enum { BATCH_ROWS = 1024, BATCH_BYTES = 1 << 20 };

/* Threads: one owner at a time. Invariant: base.row_count <= capacity_rows; every view of more than
 * BARKS_STR_INLINE bytes points into one of blocks, or into memory that whoever lent the batch
 * keeps alive (a batch just passing by). The schema must outlive the batch. */
struct batch {
    barks_batch base; /* first, so that a function is handed &batch->base */
    uint32_t capacity_rows;
    struct pool *pool;
    struct block **blocks; /* owned references, each block at most once, by ascending address */
    uint32_t block_count;
    uint32_t block_capacity;
    struct block *made; /* the block that made strings are put into now; also in blocks */
    size_t made_bytes;  /* used of it */
    uint64_t
        made_bytes_left; /* about as many are still to come: blocks are no larger; 0: unknown */
    bool has_foreign;    /* a column is, whose values one of blocks keeps alive */
};

/* Memory for the columns comes from the pool; capacity_rows is a start, appending grows it.
 * Errors: as pool_acquire. */
BARKS_CHECKED barks_status *batch_create(struct pool *pool, const barks_schema *schema,
                                         uint32_t capacity_rows, struct batch **out_batch);
void batch_destroy(struct batch *batch); /* NULL is fine */

/* What it has taken of the pool, blocks that others hold too included. */
uint64_t batch_memory_bytes(const struct batch *batch);

/* No rows; lets go of the blocks, but for a small one of made strings that nobody else holds, which
 * is written anew. The columns' memory stays. */
void batch_clear(struct batch *batch);

/* Forgets all rows from row_count on. Blocks stay. */
void batch_truncate(struct batch *batch, uint32_t row_count);

/* Room for row_count more rows in every column (not in children of lists), all of which may be
 * written to then: foreign ones are copied. New validity words are all set. */
BARKS_CHECKED barks_status *batch_reserve(struct batch *batch, uint32_t row_count);

/* Room for item_count more items in a list column's child. */
BARKS_CHECKED barks_status *column_reserve_items(struct batch *batch, barks_column *list,
                                                 uint32_t item_count);

/* About what its rows take of memory: values, and of the blocks that it holds its share among their
 * holders. O(columns + blocks). */
uint64_t batch_bytes(const struct batch *batch);

/* Makes the batch hold a reference to block, once. */
BARKS_CHECKED barks_status *batch_keep_block(struct batch *batch, struct block *block);

/* n bytes, aligned for any C type of a value, that live as long as the batch's rows, with
 * BLOCK_SLACK_BYTES readable after the block's end. */
BARKS_CHECKED barks_status *batch_make_bytes(struct batch *batch, size_t n, void **out_bytes);

/* How appended rows keep their long strings. */
enum batch_strings {
    BATCH_COPY, /* into the batch's own made blocks */
    BATCH_KEEP, /* by holding from's blocks; one of which less than an eighth would be used is
                   copied from instead */
    BATCH_LEND, /* not at all: they stay from's, for a batch that just passes by. One that holds
                   rows of it copies them */
};

/* Appends rows [first, first + row_count) of from, which must have an equal schema.
 * The batches must be two.
 * Errors: as pool_acquire; BARKS_LIMIT past 2^31 rows or items; the rows are then as before. */
BARKS_CHECKED barks_status *batch_append(struct batch *batch, const struct batch *from,
                                         uint32_t first, uint32_t row_count,
                                         enum batch_strings strings);

/* Appends the rows of from that row_indices lists, in that order. */
BARKS_CHECKED barks_status *batch_gather(struct batch *batch, const struct batch *from,
                                         const uint32_t *row_indices, uint32_t row_count,
                                         enum batch_strings strings);

/* An order of rows: columns by index, first the most significant. */
struct sort_key {
    uint32_t column;
    bool descending;
    bool nulls_first;
};

/* Row i of a against row j of b: negative, 0, positive, by S2-S4 of the semantics (NaN above
 * infinity, -0 = 0, null by nulls_first; descending turns values round, not where nulls go). */
int batch_compare_rows(const barks_batch *a, uint32_t i, const barks_batch *b, uint32_t j,
                       const struct sort_key *keys, uint32_t key_count);

/* Grouping equality (S1): null = null, NaN = NaN, -0.0 = 0.0. */
bool batch_rows_equal(const barks_batch *a, uint32_t i, const uint32_t *a_columns,
                      const barks_batch *b, uint32_t j, const uint32_t *b_columns,
                      uint32_t column_count);

/* The fixed key hash (S59) of each row in [0, row_count): xxh3_64 with seed 0 over the canonical
 * value of one column; several columns are combined in order. Equal rows in the sense of
 * batch_rows_equal have equal hashes; i32 and i64 alike. */
void batch_hash(const barks_batch *batch, const uint32_t *columns, uint32_t column_count,
                uint64_t *out_hashes);
/* The same of rows [first_row, first_row + row_count). */
void batch_hash_rows(const barks_batch *batch, const uint32_t *columns, uint32_t column_count,
                     uint32_t first_row, uint32_t row_count, uint64_t *out_hashes);

/* Whole equality of schema, rows and values. */
bool batch_equal(const barks_batch *a, const barks_batch *b);

/* Checks what comes from outside: lengths, list slices, views inside blocks, no bytes beyond an
 * inlined string, bool 0 or 1, validity; UTF-8 of str columns when asked. Errors: BARKS_BAD_INPUT
 * with column and row. */
BARKS_CHECKED barks_status *batch_validate(const struct batch *batch, bool check_utf8);

/* The part of the invariant that costs no pass over the rows; batch_validate checks the rest. */
bool batch_is_sound(const struct batch *batch);
