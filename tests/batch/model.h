/* The dumbest model of batches: rows as trees of plain values. Random schemas and rows, written to
 * batches and compared with them value by value. */
#pragma once

#include "base/arena.h"
#include "batch/batch.h"

#include <stdbool.h>
#include <stdint.h>

struct pool;

struct value {
    bool there;
    int64_t integer;   /* bool, i32, i64 */
    double real;       /* f32, f64 */
    const char *bytes; /* str, bytes */
    uint32_t length;
    struct value *inner; /* items of a list, fields of a struct */
    uint32_t inner_count;
};

/* One row has schema->field_count values. Everything lives in the arena. */
struct model {
    const barks_schema *schema;
    struct value **rows;
    uint32_t row_count;
    uint32_t row_capacity;
};

/* Where models live, and the stream of random numbers. begin prints the seed; end fails the test
 * where memory of the engine's pool is still in use. */
struct model_world {
    uint64_t seed;
    uint64_t random;
    struct pool *pool;       /* what is under test draws from this one */
    struct pool *model_pool; /* and the models from this */
    struct arena arena;
};

void model_world_begin(struct model_world *world);
void model_world_end(struct model_world *world);

uint64_t model_below(struct model_world *world, uint64_t limit);

/* 1 to 4 fields, nested to at most depth. */
const barks_schema *model_schema(struct model_world *world, uint32_t depth);

struct model model_empty(const barks_schema *schema);

/* Rows of few distinct values, so that equal ones occur: nulls, NaN, both zeros, strings of 0 to 40
 * bytes. */
void model_add_random(struct model_world *world, struct model *model, uint32_t row_count);
void model_add_row(struct model_world *world, struct model *model, struct value *row);

/* Appends the model's rows [first, first + row_count) to a batch as a source would; strings are
 * made in the batch. */
BARKS_CHECKED barks_status *model_write(const struct model *model, uint32_t first,
                                        uint32_t row_count, struct batch *batch);

/* Fails the test, naming the row, unless the batch holds just the rows of the model, bit by bit but
 * for NaN. */
void model_check(const struct model_world *world, const struct model *model,
                 const struct batch *batch);

/* By the rules of grouping and sorting, written down once more: null above all, NaN above infinity.
 */
int model_compare(const barks_type *type, const struct value *a, const struct value *b);
