#include "exec/accumulate.h"

#include "barks/rdd.h"
#include "base/pack.h"
#include "batch/codec.h"
#include "exec/emit.h"
#include "exec/registry.h"
#include "shuffle/combine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FOLD_ROWS = 1024 };

void accumulations_drop(struct accumulations *all)
{
    for (uint32_t i = 0; i < all->count; i++)
        batch_destroy(all->items[i].rows);
    free(all->items);
    free(all->step_rows);
    barks_status_free(all->failed);
    *all = (struct accumulations){0};
}

BARKS_CHECKED static barks_status *append(struct accumulations *all, struct accumulated item)
{
    if (all->count == all->capacity) {
        uint32_t capacity = 2 * all->capacity + 8;
        struct accumulated *items = realloc(all->items, capacity * sizeof *items);
        if (items == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for accumulators");
        all->items = items;
        all->capacity = capacity;
    }
    all->items[all->count++] = item;
    return NULL;
}

struct accumulated *accumulations_at(struct accumulations *all, uint32_t partition, uint32_t id,
                                     enum accumulator_kind kind)
{
    /* Those of the partition that runs are the last ones. */
    for (uint32_t i = all->count; i-- > 0 && all->items[i].partition == partition;)
        if (all->items[i].id == id)
            return &all->items[i];
    struct accumulated item = {
        .partition = partition, .id = id, .kind = kind, .number = accumulated_number_of(kind)};
    barks_status *status = append(all, item);
    if (status == NULL)
        return &all->items[all->count - 1];
    if (all->failed == NULL)
        all->failed = status;
    else
        barks_status_free(status);
    return NULL;
}

/* ---- numbers ---- */

struct accumulated_number accumulated_number_of(enum accumulator_kind kind)
{
    struct accumulated_number number = {0};
    if (kind == ACCUMULATOR_MIN || kind == ACCUMULATOR_MAX)
        number.integer = kind == ACCUMULATOR_MIN ? INT64_MAX : INT64_MIN;
    if (kind == ACCUMULATOR_REAL_MIN || kind == ACCUMULATOR_REAL_MAX)
        number.extreme = kind == ACCUMULATOR_REAL_MIN ? (double)INFINITY : (double)-INFINITY;
    return number;
}

bool accumulated_number_is_empty(const struct accumulated_number *number,
                                 enum accumulator_kind kind)
{
    struct accumulated_number none = accumulated_number_of(kind);
    if (kind == ACCUMULATOR_MIN || kind == ACCUMULATOR_MAX)
        return number->integer == none.integer;
    return (kind == ACCUMULATOR_REAL_MIN || kind == ACCUMULATOR_REAL_MAX) &&
           number->extreme == none.extreme;
}

/* NaN is the largest of all. */
static bool is_less(double a, double b) { return a < b || (isnan(b) && !isnan(a)); }

static void add_extreme(struct accumulated_number *into, enum accumulator_kind kind, double x)
{
    bool is_better =
        kind == ACCUMULATOR_REAL_MIN ? is_less(x, into->extreme) : is_less(into->extreme, x);
    if (is_better)
        into->extreme = x;
}

static void add_integer(struct accumulated_number *into, enum accumulator_kind kind,
                        accumulated_int n)
{
    if (kind == ACCUMULATOR_MIN)
        into->integer = n < into->integer ? n : into->integer;
    else if (kind == ACCUMULATOR_MAX)
        into->integer = n > into->integer ? n : into->integer;
    else
        into->integer += n;
}

void accumulated_number_merge(struct accumulated_number *into, enum accumulator_kind kind,
                              const struct accumulated_number *from)
{
    add_integer(into, kind, from->integer);
    barks_sum_merge(&into->real, &from->real);
    add_extreme(into, kind, from->extreme);
}

void accumulated_add(struct accumulated *into, int64_t n)
{
    if (into->kind == ACCUMULATOR_SUM || into->kind == ACCUMULATOR_BAD ||
        into->kind == ACCUMULATOR_MIN || into->kind == ACCUMULATOR_MAX)
        add_integer(&into->number, into->kind, n);
    else
        accumulated_add_real(into, (double)n);
}

void accumulated_add_real(struct accumulated *into, double x)
{
    if (into->kind == ACCUMULATOR_REAL)
        barks_sum_add(&into->number.real, x);
    else
        add_extreme(&into->number, into->kind, x);
}

/* ---- rows ---- */

static barks_status *take_row(void *context, struct batch *batch)
{
    return batch_append(context, batch, 0, batch->base.row_count, BATCH_COPY);
}

barks_status *accumulated_fold(struct accumulated *into)
{
    if (into->kind != ACCUMULATOR_USER || into->rows == NULL || into->rows->base.row_count < 2)
        return NULL;
    const barks_record *record = into->function->in;
    struct combine_options options = {.pool = into->rows->pool,
                                      .in = &record->schema,
                                      .accumulator = record,
                                      .function = into->function};
    struct combine *combine = NULL;
    struct batch *folded = NULL;
    uint32_t row = 0;
    BARKS_TRY(combine_create(&options, &combine));
    barks_status *status = batch_create(into->rows->pool, &record->schema, 1, &folded);
    if (status == NULL)
        status = combine_add(combine, into->rows, &row);
    if (status == NULL)
        status = combine_drain(combine, true, take_row, folded);
    combine_destroy(combine);
    if (status != NULL) {
        batch_destroy(folded);
        return status;
    }
    batch_destroy(into->rows);
    into->rows = folded;
    return NULL;
}

barks_status *accumulated_add_rows(struct accumulated *into, struct pool *pool,
                                   const barks_record *record, const void *rows, uint32_t row_count)
{
    if (into->rows == NULL)
        BARKS_TRY(batch_create(pool, &record->schema, 1, &into->rows));
    BARKS_TRY(rows_to_batch(record, rows, row_count, pool, into->rows));
    return into->rows->base.row_count >= FOLD_ROWS ? accumulated_fold(into) : NULL;
}

/* ---- travelling ---- */

BARKS_CHECKED static barks_status *pack_rows(const struct batch *rows, struct packer *out)
{
    uint32_t row_count = rows != NULL ? rows->base.row_count : 0;
    uint64_t size_bytes = row_count > 0 ? codec_encoded_bytes(&rows->base, 0, row_count) : 0;
    uint8_t *encoded = malloc(size_bytes + 1);
    if (encoded == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to send an accumulator");
    if (row_count > 0)
        codec_encode(&rows->base, 0, row_count, encoded);
    pack_bytes(out, encoded, size_bytes);
    free(encoded);
    return NULL;
}

BARKS_CHECKED static barks_status *pack_one(struct accumulated *item, struct packer *out)
{
    BARKS_TRY(accumulated_fold(item));
    pack_u64(out, item->partition);
    pack_u64(out, item->id);
    pack_u64(out, item->kind);
    pack_u64(out, (uint64_t)item->number.integer);
    pack_i64(out, (int64_t)(item->number.integer >> 64));
    pack_bytes(out, &item->number.real, sizeof item->number.real);
    pack_bytes(out, &item->number.extreme, sizeof item->number.extreme);
    pack_text(out, item->function != NULL ? item->function->name : NULL);
    return pack_rows(item->rows, out);
}

barks_status *accumulations_pack(struct accumulations *all, struct packer *out)
{
    pack_u64(out, all->count);
    for (uint32_t i = 0; i < all->count; i++)
        BARKS_TRY(pack_one(&all->items[i], out));
    pack_u64(out, all->task_ns);
    pack_u64(out, all->step_count);
    for (uint32_t i = 0; i < all->step_count; i++)
        pack_u64(out, all->step_rows[i]);
    return NULL;
}

/* item is half filled where this fails. */
BARKS_CHECKED static barks_status *unpack_one(struct unpacker *in, struct pool *pool,
                                              struct accumulated *item)
{
    size_t real_bytes = 0, extreme_bytes = 0, encoded_bytes = 0;
    item->partition = unpack_u32(in);
    item->id = unpack_u32(in);
    item->kind = (enum accumulator_kind)unpack_u32(in);
    uint64_t low = unpack_u64(in);
    item->number.integer = (accumulated_int)unpack_i64(in) * ((accumulated_int)1 << 64) + low;
    const uint8_t *real = unpack_bytes(in, &real_bytes);
    const uint8_t *extreme = unpack_bytes(in, &extreme_bytes);
    char *name = unpack_text(in);
    const uint8_t *encoded = unpack_bytes(in, &encoded_bytes);
    barks_status *status = NULL;
    if (real != NULL && real_bytes == sizeof item->number.real)
        memcpy(&item->number.real, real, real_bytes);
    if (extreme != NULL && extreme_bytes == sizeof item->number.extreme)
        memcpy(&item->number.extreme, extreme, extreme_bytes);
    if (name != NULL)
        status = registry_require(name, BARKS_KIND_REDUCE, &item->function);
    free(name);
    BARKS_TRY(status);
    if (encoded_bytes == 0 || (item->kind == ACCUMULATOR_USER && item->function == NULL))
        return NULL;
    const barks_record *record =
        item->function != NULL ? item->function->in : &barks_record_barks_text;
    BARKS_TRY(batch_create(pool, &record->schema, 1, &item->rows));
    return codec_decode(encoded, encoded_bytes, NULL, item->rows);
}

barks_status *accumulations_unpack(struct unpacker *in, struct pool *pool, uint64_t stage,
                                   uint32_t run, struct accumulations *all)
{
    uint32_t count = unpack_count(in);
    for (uint32_t i = 0; i < count; i++) {
        struct accumulated item = {.stage = stage, .run = run};
        barks_status *status = unpack_one(in, pool, &item);
        if (status == NULL)
            status = append(all, item);
        if (status != NULL) {
            batch_destroy(item.rows);
            return status;
        }
    }
    all->task_ns = unpack_u64(in);
    all->step_count = unpack_count(in);
    free(all->step_rows);
    all->step_rows = unpack_array(in, all->step_count, sizeof *all->step_rows);
    for (uint32_t i = 0; i < all->step_count && all->step_rows != NULL; i++)
        all->step_rows[i] = unpack_u64(in);
    if (all->step_rows == NULL)
        all->step_count = 0;
    return NULL;
}
