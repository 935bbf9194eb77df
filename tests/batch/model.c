#include "model.h"

#include "base/pool.h"
#include "batch/column.h"
#include "batch/validity.h"
#include "support/must.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void model_world_begin(struct model_world *world)
{
    world->seed = property_seed();
    world->random = world->seed;
    must(pool_create(UINT64_C(1) << 30, &world->pool));
    must(pool_create(UINT64_C(1) << 30, &world->model_pool));
    arena_init(&world->arena, world->model_pool, 1 << 20);
}

void model_world_end(struct model_world *world)
{
    ck_assert_uint_eq(pool_used_bytes(world->pool), 0);
    arena_drop(&world->arena);
    pool_destroy(world->model_pool);
    pool_destroy(world->pool);
}

uint64_t model_below(struct model_world *world, uint64_t limit)
{
    return property_next(&world->random) % limit;
}

static void *take(struct model_world *world, size_t bytes)
{
    void *memory = NULL;
    must(arena_alloc(&world->arena, bytes + 1, 8, &memory));
    memset(memory, 0, bytes + 1);
    return memory;
}

static const barks_type *random_type(struct model_world *world, uint32_t depth)
{
    static const barks_type_id plain[] = {BARKS_BOOL, BARKS_I32, BARKS_I64,  BARKS_F32,
                                          BARKS_F64,  BARKS_STR, BARKS_BYTES};
    barks_type *type = take(world, sizeof *type);
    uint64_t choice = model_below(world, depth > 0 ? 10 : 7);
    if (choice < 7) {
        type->id = plain[choice];
    } else if (choice < 9) {
        type->id = BARKS_LIST;
        type->item = random_type(world, depth - 1);
    } else {
        type->id = BARKS_STRUCT;
        type->fields = model_schema(world, depth - 1);
    }
    return type;
}

const barks_schema *model_schema(struct model_world *world, uint32_t depth)
{
    barks_schema *schema = take(world, sizeof *schema);
    schema->field_count = (uint32_t)model_below(world, 4) + 1;
    barks_field *fields = take(world, schema->field_count * sizeof *fields);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        char *name = take(world, 16);
        snprintf(name, 16, "field%u", i);
        fields[i].name = name;
        fields[i].type = random_type(world, depth);
        fields[i].nullable = model_below(world, 2) == 0;
    }
    schema->fields = fields;
    return schema;
}

struct model model_empty(const barks_schema *schema) { return (struct model){.schema = schema}; }

void model_add_row(struct model_world *world, struct model *model, struct value *row)
{
    if (model->row_count == model->row_capacity) {
        model->row_capacity = 2 * model->row_capacity + 16;
        struct value **rows = take(world, model->row_capacity * sizeof(struct value *));
        if (model->row_count > 0)
            memcpy(rows, model->rows, model->row_count * sizeof(struct value *));
        model->rows = rows;
    }
    model->rows[model->row_count++] = row;
}

static void random_bytes(struct model_world *world, struct value *value)
{
    static const uint8_t lengths[] = {0, 1, 3, 4, 5, 11, 12, 13, 14, 20, 40, 255};
    value->length = lengths[model_below(world, model_below(world, 20) == 0 ? 12 : 11)];
    char *bytes = take(world, value->length);
    for (uint32_t i = 0; i < value->length; i++)
        bytes[i] = (char)('a' + model_below(world, 2));
    if (value->length > 0 && model_below(world, 4) == 0)
        bytes[model_below(world, value->length)] = model_below(world, 2) == 0 ? '\0' : '~';
    value->bytes = bytes;
}

static void random_value(struct model_world *world, const barks_type *type, bool nullable,
                         struct value *value);

static void random_fields(struct model_world *world, const barks_schema *schema,
                          struct value *values)
{
    for (uint32_t i = 0; i < schema->field_count; i++)
        random_value(world, schema->fields[i].type, schema->fields[i].nullable, &values[i]);
}

static void random_value(struct model_world *world, const barks_type *type, bool nullable,
                         struct value *value)
{
    static const double reals[] = {0.0, -0.0, 1.5, -1.5, 3e30, HUGE_VAL, -HUGE_VAL, (double)NAN};
    *value = (struct value){.there = !nullable || model_below(world, 4) != 0};
    if (!value->there)
        return;
    switch (type->id) {
    case BARKS_BOOL:
        value->integer = (int64_t)model_below(world, 2);
        return;
    case BARKS_I32:
        value->integer = (int32_t)(model_below(world, 5) << 30);
        return;
    case BARKS_I64:
        value->integer = (int64_t)(model_below(world, 5) << 62);
        return;
    case BARKS_F32:
    case BARKS_F64:
        value->real = reals[model_below(world, sizeof reals / sizeof *reals)];
        if (type->id == BARKS_F32)
            value->real = (double)(float)value->real;
        return;
    case BARKS_STR:
    case BARKS_BYTES:
        random_bytes(world, value);
        return;
    case BARKS_LIST:
        value->inner_count = (uint32_t)model_below(world, 4);
        value->inner = take(world, value->inner_count * sizeof *value->inner);
        for (uint32_t i = 0; i < value->inner_count; i++)
            random_value(world, type->item, false, &value->inner[i]);
        return;
    case BARKS_STRUCT:
        value->inner_count = type->fields->field_count;
        value->inner = take(world, value->inner_count * sizeof *value->inner);
        random_fields(world, type->fields, value->inner);
        return;
    }
}

void model_add_random(struct model_world *world, struct model *model, uint32_t row_count)
{
    for (uint32_t i = 0; i < row_count; i++) {
        struct value *row = take(world, model->schema->field_count * sizeof *row);
        random_fields(world, model->schema, row);
        model_add_row(world, model, row);
    }
}

static void write_missing(barks_column *column, uint32_t row)
{
    static const size_t value_bytes[] = {
        [BARKS_BOOL] = 1, [BARKS_I32] = 4,  [BARKS_I64] = 8,    [BARKS_F32] = 4,
        [BARKS_F64] = 8,  [BARKS_STR] = 16, [BARKS_BYTES] = 16, [BARKS_LIST] = 8};
    if (column->type->id != BARKS_STRUCT)
        memset((uint8_t *)column->values + row * value_bytes[column->type->id], 0,
               value_bytes[column->type->id]);
    else
        for (uint32_t i = 0; i < column->type->fields->field_count; i++)
            write_missing(&column->children[i], row);
}

BARKS_CHECKED static barks_status *write_value(struct batch *batch, barks_column *column,
                                               uint32_t row, const struct value *value);

BARKS_CHECKED static barks_status *write_string(struct batch *batch, barks_str *out,
                                                const struct value *value)
{
    void *bytes = NULL;
    if (value->length <= BARKS_STR_INLINE) {
        *out = barks_str_of(value->bytes, value->length);
        return NULL;
    }
    BARKS_TRY(batch_make_bytes(batch, value->length, &bytes));
    memcpy(bytes, value->bytes, value->length);
    *out = barks_str_of(bytes, value->length);
    return NULL;
}

BARKS_CHECKED static barks_status *write_list(struct batch *batch, barks_column *column,
                                              uint32_t row, const struct value *value)
{
    BARKS_TRY(column_reserve_items(batch, column, value->inner_count));
    barks_list_slice slice = {.offset = column->item_count, .length = value->inner_count};
    ((barks_list_slice *)column->values)[row] = slice;
    for (uint32_t i = 0; i < value->inner_count; i++)
        BARKS_TRY(write_value(batch, &column->children[0], slice.offset + i, &value->inner[i]));
    column->item_count += value->inner_count;
    return NULL;
}

static barks_status *write_value(struct batch *batch, barks_column *column, uint32_t row,
                                 const struct value *value)
{
    if (!value->there) {
        validity_clear(column->validity, row);
        write_missing(column, row);
        return NULL;
    }
    switch (column->type->id) {
    case BARKS_BOOL:
        ((uint8_t *)column->values)[row] = (uint8_t)value->integer;
        return NULL;
    case BARKS_I32:
        ((int32_t *)column->values)[row] = (int32_t)value->integer;
        return NULL;
    case BARKS_I64:
        ((int64_t *)column->values)[row] = value->integer;
        return NULL;
    case BARKS_F32:
        ((float *)column->values)[row] = (float)value->real;
        return NULL;
    case BARKS_F64:
        ((double *)column->values)[row] = value->real;
        return NULL;
    case BARKS_STR:
    case BARKS_BYTES:
        return write_string(batch, (barks_str *)column->values + row, value);
    case BARKS_LIST:
        return write_list(batch, column, row, value);
    case BARKS_STRUCT:
        for (uint32_t i = 0; i < value->inner_count; i++)
            BARKS_TRY(write_value(batch, &column->children[i], row, &value->inner[i]));
        return NULL;
    }
    return NULL;
}

barks_status *model_write(const struct model *model, uint32_t first, uint32_t row_count,
                          struct batch *batch)
{
    BARKS_TRY(batch_reserve(batch, row_count));
    for (uint32_t i = first; i < first + row_count; i++) {
        for (uint32_t field = 0; field < model->schema->field_count; field++)
            BARKS_TRY(write_value(batch, &batch->base.columns[field], batch->base.row_count,
                                  &model->rows[i][field]));
        batch->base.row_count++;
    }
    return NULL;
}

static bool same_real(double a, double b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

static bool value_matches(const barks_column *column, uint32_t row, const struct value *value)
{
    if (barks_is_valid(column, row) != value->there)
        return false;
    if (!value->there)
        return true;
    switch (column->type->id) {
    case BARKS_BOOL:
        return ((const uint8_t *)column->values)[row] == value->integer;
    case BARKS_I32:
        return ((const int32_t *)column->values)[row] == value->integer;
    case BARKS_I64:
        return ((const int64_t *)column->values)[row] == value->integer;
    case BARKS_F32:
        return same_real((double)((const float *)column->values)[row], value->real);
    case BARKS_F64:
        return same_real(((const double *)column->values)[row], value->real);
    case BARKS_STR:
    case BARKS_BYTES: {
        const barks_str *text = (const barks_str *)column->values + row;
        return text->length == value->length &&
               memcmp(barks_str_bytes(text), value->bytes, value->length) == 0;
    }
    case BARKS_LIST: {
        barks_list_slice slice = ((const barks_list_slice *)column->values)[row];
        if (slice.length != value->inner_count)
            return false;
        for (uint32_t i = 0; i < slice.length; i++)
            if (!value_matches(&column->children[0], slice.offset + i, &value->inner[i]))
                return false;
        return true;
    }
    case BARKS_STRUCT:
        for (uint32_t i = 0; i < value->inner_count; i++)
            if (!value_matches(&column->children[i], row, &value->inner[i]))
                return false;
        return true;
    }
    return false;
}

void model_check(const struct model_world *world, const struct model *model,
                 const struct batch *batch)
{
    ck_assert_msg(batch_is_sound(batch), "unsound batch, seed %" PRIu64, world->seed);
    must(batch_validate(batch, false));
    ck_assert_msg(batch->base.row_count == model->row_count, "%u rows, not %u, seed %" PRIu64,
                  batch->base.row_count, model->row_count, world->seed);
    for (uint32_t row = 0; row < model->row_count; row++)
        for (uint32_t field = 0; field < model->schema->field_count; field++)
            ck_assert_msg(value_matches(&batch->base.columns[field], row, &model->rows[row][field]),
                          "row %u, field %u; replay with BARKS_TEST_SEED=%" PRIu64, row, field,
                          world->seed);
}

static int compare_bytes(const struct value *a, const struct value *b)
{
    for (uint32_t i = 0; i < a->length && i < b->length; i++)
        if (a->bytes[i] != b->bytes[i])
            return (unsigned char)a->bytes[i] < (unsigned char)b->bytes[i] ? -1 : 1;
    return a->length < b->length ? -1 : a->length > b->length;
}

static int compare_reals(double a, double b)
{
    if (isnan(a) != isnan(b))
        return isnan(a) ? 1 : -1;
    return a < b ? -1 : a > b;
}

int model_compare(const barks_type *type, const struct value *a, const struct value *b)
{
    if (!a->there || !b->there)
        return a->there ? -1 : b->there;
    switch (type->id) {
    case BARKS_BOOL:
    case BARKS_I32:
    case BARKS_I64:
        return a->integer < b->integer ? -1 : a->integer > b->integer;
    case BARKS_F32:
    case BARKS_F64:
        return compare_reals(a->real, b->real);
    case BARKS_STR:
    case BARKS_BYTES:
        return compare_bytes(a, b);
    case BARKS_LIST:
    case BARKS_STRUCT:
        for (uint32_t i = 0; i < a->inner_count && i < b->inner_count; i++) {
            int order =
                model_compare(type->id == BARKS_LIST ? type->item : type->fields->fields[i].type,
                              &a->inner[i], &b->inner[i]);
            if (order != 0)
                return order;
        }
        return a->inner_count < b->inner_count ? -1 : a->inner_count > b->inner_count;
    }
    return 0;
}
