#include "barks/str.h"
#include "batch/arrow.h"
#include "batch/block.h"
#include "batch/column.h"
#include "batch/foreign_array.h"
#include "batch/row_strings.h"
#include "batch/schema.h"
#include "batch/validity.h"

#include <stdlib.h>
#include <string.h>

/* ---- schemas ---- */

static bool format_is(const struct ArrowSchema *schema, const char *format)
{
    return strcmp(schema->format, format) == 0;
}

static barks_type_id id_of(const struct ArrowSchema *schema)
{
    static const struct {
        const char *format;
        barks_type_id id;
    } known[] = {{"b", BARKS_BOOL},   {"c", BARKS_I32},   {"C", BARKS_I32},   {"s", BARKS_I32},
                 {"S", BARKS_I32},    {"i", BARKS_I32},   {"I", BARKS_I64},   {"l", BARKS_I64},
                 {"f", BARKS_F32},    {"g", BARKS_F64},   {"u", BARKS_STR},   {"U", BARKS_STR},
                 {"z", BARKS_BYTES},  {"Z", BARKS_BYTES}, {"+l", BARKS_LIST}, {"+L", BARKS_LIST},
                 {"+s", BARKS_STRUCT}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (format_is(schema, known[i].format) && schema->dictionary == NULL)
            return known[i].id;
    return (barks_type_id)0;
}

/* Types while they are made: freed as a whole, since the result is a copy. */
struct type_memory {
    void *pieces[SCHEMA_FIELDS_MAX];
    uint32_t count;
};

static void *take_memory(struct type_memory *memory, size_t count, size_t item_bytes)
{
    void *piece = memory->count < SCHEMA_FIELDS_MAX ? calloc(count + 1, item_bytes) : NULL;
    if (piece != NULL)
        memory->pieces[memory->count++] = piece;
    return piece;
}

BARKS_CHECKED static barks_status *import_type(struct type_memory *memory,
                                               const struct ArrowSchema *schema, unsigned depth,
                                               barks_type *out);

BARKS_CHECKED static barks_status *import_fields(struct type_memory *memory,
                                                 const struct ArrowSchema *schema, unsigned depth,
                                                 barks_schema *out)
{
    int64_t count = schema->n_children;
    if (count < 0 || count > SCHEMA_FIELDS_MAX)
        BARKS_FAIL(BARKS_LIMIT, "an Arrow struct has %ji fields, at most %d are possible",
                   (intmax_t)count, SCHEMA_FIELDS_MAX);
    barks_field *fields = take_memory(memory, (size_t)count, sizeof *fields);
    barks_type *types = take_memory(memory, (size_t)count, sizeof *types);
    if (fields == NULL || types == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a schema");
    for (int64_t i = 0; i < count; i++) {
        const struct ArrowSchema *child = schema->children[i];
        BARKS_TRY(import_type(memory, child, depth + 1, &types[i]));
        fields[i] = (barks_field){.name = child->name != NULL ? child->name : "",
                                  .type = &types[i],
                                  .nullable = (child->flags & ARROW_FLAG_NULLABLE) != 0};
    }
    *out = (barks_schema){.field_count = (uint32_t)count, .fields = fields};
    return NULL;
}

BARKS_CHECKED static barks_status *import_type(struct type_memory *memory,
                                               const struct ArrowSchema *schema, unsigned depth,
                                               barks_type *out)
{
    out->id = id_of(schema);
    if (out->id == 0 || depth > SCHEMA_DEPTH_MAX)
        BARKS_FAIL(
            BARKS_INVALID,
            "the Arrow field '%s' has the type \"%s\"%s, which barks has not: cast it before",
            schema->name != NULL ? schema->name : "", schema->format,
            schema->dictionary != NULL ? " with a dictionary" : "");
    if (out->id == BARKS_STRUCT) {
        barks_schema *fields = take_memory(memory, 1, sizeof *fields);
        if (fields == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a schema");
        out->fields = fields;
        return import_fields(memory, schema, depth, fields);
    }
    if (out->id == BARKS_LIST) {
        barks_type *item = take_memory(memory, 1, sizeof *item);
        if (item == NULL || schema->n_children != 1)
            BARKS_FAIL(BARKS_INVALID, "the Arrow list '%s' has not one type of items",
                       schema->name != NULL ? schema->name : "");
        out->item = item;
        return import_type(memory, schema->children[0], depth + 1, item);
    }
    return NULL;
}

barks_status *arrow_import_schema(const struct ArrowSchema *schema, barks_schema **out_schema)
{
    barks_schema fields = {0};
    if (!format_is(schema, "+s"))
        BARKS_FAIL(BARKS_INVALID, "rows come as an Arrow struct array (\"+s\"), not as \"%s\"",
                   schema->format);
    struct type_memory *memory = calloc(1, sizeof *memory);
    if (memory == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a schema");
    barks_status *status = import_fields(memory, schema, 0, &fields);
    if (status == NULL)
        status = schema_copy(&fields, out_schema);
    for (uint32_t i = 0; i < memory->count; i++)
        free(memory->pieces[i]);
    free(memory);
    return status;
}

/* ---- values ---- */

/* Where values of an array go: rows [row, row + count) of column, from element first on. */
struct import {
    struct batch *batch;
    const struct ArrowArray *array;
    const struct ArrowSchema *schema;
    int64_t first;
    barks_column *column;
    bool nullable;
    bool is_whole; /* column is empty and gets just these rows, so that it may borrow them */
    uint32_t row, count;
    struct foreign_array *foreign; /* what is borrowed belongs to */
};

BARKS_CHECKED static barks_status *import_column(const struct import *import);

static bool bit(const void *bits, int64_t i)
{
    return (((const uint8_t *)bits)[i / 8] >> (i % 8) & 1) != 0;
}

static bool has_nulls(const struct import *import)
{
    const struct ArrowArray *array = import->array;
    return array->null_count != 0 && array->n_buffers > 0 && array->buffers[0] != NULL;
}

static bool is_null(const struct import *import, uint32_t i)
{
    return has_nulls(import) && !bit(import->array->buffers[0], import->first + i);
}

BARKS_CHECKED static barks_status *import_validity(const struct import *import)
{
    for (uint32_t i = 0; has_nulls(import) && i < import->count; i++)
        if (is_null(import, i)) {
            if (!import->nullable)
                BARKS_FAIL(BARKS_INVALID,
                           "the Arrow field '%s' has a null at %ju, where its schema allows none "
                           "(lists hold no nulls)",
                           import->schema->name != NULL ? import->schema->name : "", (uintmax_t)i);
            validity_clear(import->column->validity, import->row + i);
        }
    return NULL;
}

#define IMPORT_AS(to_type, from_type)                                                              \
    do {                                                                                           \
        const from_type *from_ = (const from_type *)import->array->buffers[1] + import->first;     \
        to_type *to_ = (to_type *)import->column->values + import->row;                            \
        for (uint32_t i_ = 0; i_ < import->count; i_++)                                            \
            to_[i_] = is_null(import, i_) ? 0 : (to_type)from_[i_];                                \
    } while (0)

BARKS_CHECKED static barks_status *import_numbers(const struct import *import)
{
    char format = import->schema->format[0];
    if (import->count > 0 && (import->array->n_buffers < 2 || import->array->buffers[1] == NULL))
        BARKS_FAIL(BARKS_BAD_INPUT, "an Arrow array of \"%s\" comes without values",
                   import->schema->format);
    if (import->column->is_foreign)
        return NULL;
    switch (format) {
    case 'c':
        IMPORT_AS(int32_t, int8_t);
        break;
    case 'C':
        IMPORT_AS(int32_t, uint8_t);
        break;
    case 's':
        IMPORT_AS(int32_t, int16_t);
        break;
    case 'S':
        IMPORT_AS(int32_t, uint16_t);
        break;
    case 'i':
        IMPORT_AS(int32_t, int32_t);
        break;
    case 'I':
        IMPORT_AS(int64_t, uint32_t);
        break;
    case 'l':
        IMPORT_AS(int64_t, int64_t);
        break;
    case 'f':
        IMPORT_AS(float, float);
        break;
    case 'g':
        IMPORT_AS(double, double);
        break;
    default:
        for (uint32_t i = 0; i < import->count; i++)
            ((uint8_t *)import->column->values)[import->row + i] =
                !is_null(import, i) && bit(import->array->buffers[1], import->first + i);
    }
    return NULL;
}

/* ---- values that stay where they are ---- */

/* Values of a number's type as it is here, with zeros where there is none; NULL: they have to be
 * copied. */
static const uint8_t *values_to_borrow(const struct import *import)
{
    const struct ArrowArray *array = import->array;
    bool is_same = strchr("ilfg", import->schema->format[0]) != NULL; /* no '\0': it has a type */
    if (!is_same || import->count == 0 || array->n_buffers < 2 || array->buffers[1] == NULL)
        return NULL;
    static const uint8_t zeros[sizeof(int64_t)];
    size_t value_bytes = type_value_bytes(import->column->type);
    const uint8_t *values =
        (const uint8_t *)array->buffers[1] + (size_t)import->first * value_bytes;
    if ((uintptr_t)values % value_bytes != 0)
        return NULL;
    for (uint32_t i = 0; has_nulls(import) && i < import->count; i++)
        if (is_null(import, i) && memcmp(values + i * value_bytes, zeros, value_bytes) != 0)
            return NULL;
    return values;
}

/* Keeps a block of the foreign array in the batch; size_bytes 0: only that it stays. */
BARKS_CHECKED static barks_status *keep_foreign(const struct import *import, const void *bytes,
                                                size_t size_bytes, struct block **out_block)
{
    BARKS_TRY(foreign_array_block(import->foreign, bytes, size_bytes, out_block));
    barks_status *status = batch_keep_block(import->batch, *out_block);
    block_release(*out_block); /* the batch has it */
    return status;
}

/* Room for the rows of an empty column, or the rows themselves. */
BARKS_CHECKED static barks_status *begin_column(const struct import *import)
{
    struct block *keeper = NULL;
    barks_column *column = import->column;
    const uint8_t *values = values_to_borrow(import);
    if (import->count == 0)
        return NULL;
    if (values == NULL && column->type->id != BARKS_STRUCT)
        return column_grow(import->batch->pool, column, import->nullable, 0, import->count);
    BARKS_TRY(column_borrow(import->batch->pool, column, import->nullable, import->count, values));
    if (values == NULL || import->batch->has_foreign)
        return NULL;
    import->batch->has_foreign = true;
    return keep_foreign(import, NULL, 0, &keeper);
}

/* The block of an array's bytes of strings but for the last, behind which nobody may read; NULL:
 * copy them. Two columns may have the same bytes, or some of them: a batch finds the block of a
 * string by its address, so that blocks must not overlap. */
BARKS_CHECKED static barks_status *borrow_bytes(const struct import *import, int64_t end,
                                                const struct block **out_block)
{
    const struct batch *batch = import->batch;
    const uint8_t *bytes = import->array->buffers[2];
    struct block *block = NULL;
    *out_block = NULL;
    if (!import->is_whole || end <= BLOCK_SLACK_BYTES || bytes == NULL)
        return NULL;
    uintptr_t begin = (uintptr_t)bytes, limit = begin + (size_t)end - BLOCK_SLACK_BYTES;
    for (uint32_t i = 0; i < batch->block_count; i++) {
        uintptr_t other = (uintptr_t)batch->blocks[i]->bytes;
        uintptr_t other_limit = other + batch->blocks[i]->size_bytes;
        if (other <= begin && limit <= other_limit)
            *out_block = batch->blocks[i];
        if (other < limit && begin < other_limit)
            return NULL;
    }
    BARKS_TRY(keep_foreign(import, bytes, (size_t)end - BLOCK_SLACK_BYTES, &block));
    *out_block = block;
    return NULL;
}

/* Offsets i and i + 1, of 32 or 64 bits. */
BARKS_CHECKED static barks_status *offsets_at(const struct import *import, bool large, uint32_t i,
                                              int64_t *out_begin, int64_t *out_end)
{
    const void *offsets = import->array->buffers[1];
    int64_t at = import->first + i;
    int64_t begin = large ? ((const int64_t *)offsets)[at] : ((const int32_t *)offsets)[at];
    int64_t end = large ? ((const int64_t *)offsets)[at + 1] : ((const int32_t *)offsets)[at + 1];
    if (begin < 0 || end < begin || end - begin > UINT32_MAX)
        BARKS_FAIL(BARKS_BAD_INPUT, "offsets %ji and %ji of an Arrow array are wrong",
                   (intmax_t)begin, (intmax_t)end);
    *out_begin = begin;
    *out_end = end;
    return NULL;
}

BARKS_CHECKED static barks_status *import_strings(const struct import *import)
{
    bool large = import->schema->format[0] == 'U' || import->schema->format[0] == 'Z';
    barks_str *to = (barks_str *)import->column->values + import->row;
    if (import->count > 0 && (import->array->n_buffers < 3 || import->array->buffers[1] == NULL))
        BARKS_FAIL(BARKS_BAD_INPUT, "an Arrow array of strings comes without offsets");
    int64_t begin = 0, end = 0;
    const struct block *block = NULL;
    if (import->count > 0) {
        BARKS_TRY(offsets_at(import, large, import->count - 1, &begin, &end));
        BARKS_TRY(borrow_bytes(import, end, &block));
    }
    for (uint32_t i = 0; i < import->count; i++) {
        BARKS_TRY(offsets_at(import, large, i, &begin, &end));
        size_t length = is_null(import, i) ? 0 : (size_t)(end - begin);
        const char *bytes = length > 0 ? (const char *)import->array->buffers[2] + begin : "";
        if (length > BARKS_STR_INLINE && (block == NULL || !block_contains(block, bytes, length))) {
            void *made = NULL;
            BARKS_TRY(batch_make_bytes(import->batch, length, &made));
            bytes = memcpy(made, bytes, length);
        }
        to[i] = barks_str_of(bytes, length);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *import_lists(const struct import *import)
{
    bool large = import->schema->format[1] == 'L';
    barks_list_slice *to = (barks_list_slice *)import->column->values + import->row;
    if (import->array->n_children != 1 ||
        (import->count > 0 && (import->array->n_buffers < 2 || import->array->buffers[1] == NULL)))
        BARKS_FAIL(BARKS_BAD_INPUT, "an Arrow list comes without offsets or items");
    const struct ArrowArray *items = import->array->children[0];
    for (uint32_t i = 0; i < import->count; i++) {
        int64_t begin = 0, end = 0;
        BARKS_TRY(offsets_at(import, large, i, &begin, &end));
        uint32_t length = is_null(import, i) ? 0 : (uint32_t)(end - begin);
        to[i] = (barks_list_slice){.offset = length > 0 ? import->column->item_count : 0,
                                   .length = length};
        if (length == 0)
            continue;
        if (end > items->length)
            BARKS_FAIL(BARKS_BAD_INPUT, "an Arrow list has items up to %ji of %ji", (intmax_t)end,
                       (intmax_t)items->length);
        BARKS_TRY(column_reserve_items(import->batch, import->column, length));
        struct import inner = {.batch = import->batch,
                               .array = items,
                               .schema = import->schema->children[0],
                               .first = items->offset + begin,
                               .column = &import->column->children[0],
                               .row = import->column->item_count,
                               .count = length,
                               .foreign = import->foreign};
        BARKS_TRY(import_column(&inner));
        import->column->item_count += length;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *import_column(const struct import *import)
{
    barks_type_id id = import->column->type->id;
    BARKS_TRY(import_validity(import));
    if (id == BARKS_STR || id == BARKS_BYTES)
        return import_strings(import);
    if (id == BARKS_LIST)
        return import_lists(import);
    if (id != BARKS_STRUCT)
        return import_numbers(import);
    const barks_schema *fields = import->column->type->fields;
    if (import->array->n_children != fields->field_count)
        BARKS_FAIL(BARKS_BAD_INPUT, "an Arrow struct array has other fields than its schema");
    for (uint32_t f = 0; f < fields->field_count; f++) {
        const struct ArrowArray *child = import->array->children[f];
        struct import inner = *import;
        inner.array = child;
        inner.schema = import->schema->children[f];
        inner.first = child->offset + import->first;
        inner.column = &import->column->children[f];
        inner.nullable = fields->fields[f].nullable;
        if (inner.first + import->count > child->offset + child->length)
            BARKS_FAIL(BARKS_BAD_INPUT, "an Arrow struct's field is shorter than the struct");
        if (inner.is_whole)
            BARKS_TRY(begin_column(&inner));
        BARKS_TRY(import_column(&inner));
    }
    return NULL;
}

static uint32_t capacity_of(const barks_batch *rows)
{
    uint32_t capacity = rows->schema->field_count > 0 ? COLUMN_ROWS_MAX : 0;
    for (uint32_t i = 0; i < rows->schema->field_count; i++)
        if (rows->columns[i].capacity < capacity)
            capacity = rows->columns[i].capacity;
    return capacity;
}

barks_status *arrow_import(struct pool *pool, struct ArrowArray *array,
                           const struct ArrowSchema *schema, const barks_schema *target,
                           struct batch **out_batch)
{
    barks_type rows_type = {.id = BARKS_STRUCT, .fields = target};
    struct batch *batch = NULL;
    struct foreign_array *foreign = NULL;
    if (array->length < 0 || array->length > COLUMN_ROWS_MAX || array->offset < 0)
        BARKS_FAIL(BARKS_LIMIT, "an Arrow array has %ji rows, at most 2^31 are possible",
                   (intmax_t)array->length);
    BARKS_TRY(batch_create(pool, target, 0, &batch));
    barks_status *status = foreign_array_create(&foreign);
    barks_column rows = {.type = &rows_type, .children = batch->base.columns};
    struct import import = {.batch = batch,
                            .array = array,
                            .schema = schema,
                            .first = array->offset,
                            .column = &rows,
                            .is_whole = true,
                            .count = (uint32_t)array->length,
                            .foreign = foreign};
    if (status == NULL)
        status = import_column(&import);
    if (status != NULL) {
        batch_destroy(batch);
        if (foreign != NULL)
            foreign_array_let_go(foreign);
        return status;
    }
    batch->base.row_count = (uint32_t)array->length;
    batch->capacity_rows = capacity_of(&batch->base);
    foreign->array = *array; /* as the specification moves one */
    array->release = NULL;
    foreign_array_let_go(foreign);
    *out_batch = batch;
    return NULL;
}
