#include "shuffle/accumulator.h"

#include "batch/batch.h"
#include "batch/schema.h"
#include "shuffle/combine_keep.h"
#include "shuffle/table_hash.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Hashes of what has no bytes: a null, and the beginning of lists and structs. */
static const uint64_t null_hash = UINT64_C(0x589965cc75374cc3);
static const uint64_t nested_hash = UINT64_C(0x1d8e4e27c47d124f);

static size_t round_up(size_t value, size_t power_of_two)
{
    return (value + power_of_two - 1) & ~(power_of_two - 1);
}

/* --- Layout: record is its name, NULL where the struct is no accumulator --- */

struct extent_of_value {
    size_t size_bytes;
    size_t alignment;
};

BARKS_CHECKED static barks_status *lay_out_struct(const barks_schema *schema, const char *record,
                                                  struct accumulator_field **out_fields,
                                                  struct extent_of_value *out_extent);

BARKS_CHECKED static barks_status *lay_out_value(struct accumulator_field *field,
                                                 const char *record,
                                                 struct extent_of_value *out_extent)
{
    switch (field->type->id) {
    case BARKS_BOOL:
    case BARKS_I32:
    case BARKS_I64:
    case BARKS_F32:
    case BARKS_F64: {
        size_t bytes = type_value_bytes(field->type);
        *out_extent = (struct extent_of_value){.size_bytes = bytes, .alignment = bytes};
        return NULL;
    }
    case BARKS_STR:
    case BARKS_BYTES:
        field->has_pointers = true;
        *out_extent = (struct extent_of_value){sizeof(barks_str), _Alignof(barks_str)};
        return NULL;
    case BARKS_LIST:
        if (record != NULL &&
            (field->type->item->id == BARKS_LIST || field->type->item->id == BARKS_STRUCT))
            BARKS_FAIL(BARKS_INVALID, "record '%s' cannot be an accumulator: it holds a list of %s",
                       record, field->type->item->id == BARKS_LIST ? "lists" : "records");
        field->has_pointers = true;
        *out_extent =
            (struct extent_of_value){sizeof(struct list_value), _Alignof(struct list_value)};
        return NULL;
    case BARKS_STRUCT:
        field->child_count = field->type->fields->field_count;
        BARKS_TRY(lay_out_struct(field->type->fields, record, &field->children, out_extent));
        for (uint32_t i = 0; i < field->child_count; i++)
            field->has_pointers |= field->children[i].has_pointers;
        return NULL;
    }
    BARKS_FAIL(BARKS_INVALID, "record '%s' has a field of unknown type %d",
               record != NULL ? record : "(derived)", (int)field->type->id);
}

/* As every C compiler of our platforms does: each member at the next multiple of its alignment. */
BARKS_CHECKED static barks_status *lay_out_struct(const barks_schema *schema, const char *record,
                                                  struct accumulator_field **out_fields,
                                                  struct extent_of_value *out_extent)
{
    struct accumulator_field *fields = calloc(schema->field_count + 1, sizeof *fields);
    if (fields == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the layout of record '%s'",
                   record != NULL ? record : "(derived)");
    struct extent_of_value whole = {.size_bytes = 0, .alignment = 1};
    for (uint32_t i = 0; i < schema->field_count; i++) {
        struct accumulator_field *field = &fields[i];
        field->type = schema->fields[i].type;
        field->nullable = schema->fields[i].nullable;
        struct extent_of_value value = {0};
        if (field->type->id != BARKS_LIST && field->type->id != BARKS_STRUCT)
            field->flat_bytes = type_value_bytes(field->type);
        barks_status *status = lay_out_value(field, record, &value);
        if (status != NULL) {
            accumulator_fields_destroy(fields, schema->field_count);
            return status;
        }
        field->offset = round_up(whole.size_bytes, value.alignment);
        field->valid_offset = field->offset + value.size_bytes;
        size_t end = field->valid_offset;
        if (field->nullable)
            end = field->offset + round_up(value.size_bytes + sizeof(bool), value.alignment);
        whole.size_bytes = end;
        if (whole.alignment < value.alignment)
            whole.alignment = value.alignment;
    }
    whole.size_bytes = round_up(whole.size_bytes, whole.alignment);
    *out_fields = fields;
    *out_extent = whole;
    return NULL;
}

barks_status *record_layout(const barks_schema *schema, uint32_t *out_offsets,
                            size_t *out_size_bytes)
{
    struct accumulator_field *fields = NULL;
    struct extent_of_value extent = {0};
    BARKS_TRY(lay_out_struct(schema, NULL, &fields, &extent));
    for (uint32_t i = 0; i < schema->field_count; i++)
        out_offsets[i] = (uint32_t)fields[i].offset; /* at most 4096 fields of a few KiB */
    accumulator_fields_destroy(fields, schema->field_count);
    *out_size_bytes = extent.size_bytes;
    return NULL;
}

barks_status *accumulator_fields_create(const barks_record *record,
                                        struct accumulator_field **out_fields)
{
    struct accumulator_field *fields = NULL;
    struct extent_of_value extent = {0};
    BARKS_TRY(lay_out_struct(&record->schema, record->name, &fields, &extent));
    bool equal = extent.size_bytes == record->size || record->schema.field_count == 0;
    for (uint32_t i = 0; i < record->schema.field_count; i++)
        equal = equal && fields[i].offset == record->offsets[i];
    if (!equal) {
        accumulator_fields_destroy(fields, record->schema.field_count);
        BARKS_FAIL(BARKS_INVALID,
                   "record '%s': its struct of %zu bytes is laid out in another way than its "
                   "fields say; declare it with BARKS_RECORD",
                   record->name, record->size);
    }
    *out_fields = fields;
    return NULL;
}

void accumulator_fields_destroy(struct accumulator_field *fields, uint32_t field_count)
{
    if (fields == NULL)
        return;
    for (uint32_t i = 0; i < field_count; i++)
        accumulator_fields_destroy(fields[i].children, fields[i].child_count);
    free(fields);
}

/* --- Floats: one zero, one NaN --- */

static uint64_t canonical_f64_bits(double value)
{
    uint64_t bits;
    if (isnan(value))
        return UINT64_C(0x7ff8000000000000);
    memcpy(&bits, &value, sizeof bits);
    return value == 0 ? 0 : bits;
}

static uint32_t canonical_f32_bits(float value)
{
    uint32_t bits;
    if (isnan(value))
        return UINT32_C(0x7fc00000);
    memcpy(&bits, &value, sizeof bits);
    return value == 0.0f ? 0 : bits;
}

/* --- Values: flat ones by their bytes, wherever they are --- */

/* The bits that decide whether two flat values of a number type are equal. */
static uint64_t number_bits(barks_type_id id, const void *value)
{
    if (id == BARKS_I64) {
        uint64_t number;
        memcpy(&number, value, sizeof number);
        return number;
    }
    if (id == BARKS_I32) {
        int32_t number;
        memcpy(&number, value, sizeof number);
        return (uint64_t)(int64_t)number;
    }
    if (id == BARKS_F64) {
        double number;
        memcpy(&number, value, sizeof number);
        return canonical_f64_bits(number);
    }
    if (id == BARKS_F32) {
        float number;
        memcpy(&number, value, sizeof number);
        return canonical_f32_bits(number);
    }
    return *(const uint8_t *)value;
}

static bool is_text(barks_type_id id) { return id == BARKS_STR || id == BARKS_BYTES; }

static bool flat_equal(barks_type_id id, const void *a, const void *b)
{
    if (is_text(id)) {
        barks_str left, right;
        memcpy(&left, a, sizeof left);
        memcpy(&right, b, sizeof right);
        return barks_str_equal(left, right);
    }
    return number_bits(id, a) == number_bits(id, b);
}

static int flat_compare(barks_type_id id, const void *a, const void *b)
{
    if (is_text(id)) {
        barks_str left, right;
        memcpy(&left, a, sizeof left);
        memcpy(&right, b, sizeof right);
        return barks_str_compare(left, right);
    }
    uint64_t left = number_bits(id, a), right = number_bits(id, b);
    return (left > right) - (left < right);
}

static uint64_t flat_hash(barks_type_id id, const void *value)
{
    if (is_text(id)) {
        barks_str text;
        memcpy(&text, value, sizeof text);
        return table_hash_str(&text);
    }
    return table_hash_number(number_bits(id, value));
}

static const void *column_value(const barks_column *column, const barks_type *type, uint32_t row)
{
    return (const uint8_t *)column->values + (size_t)row * type_value_bytes(type);
}

static void *column_value_mutable(barks_column *column, const barks_type *type, uint32_t row)
{
    return (uint8_t *)column->values + (size_t)row * type_value_bytes(type);
}

static const void *member(const struct accumulator_field *field, const void *accumulator)
{
    return (const uint8_t *)accumulator + field->offset;
}

static void *member_mutable(const struct accumulator_field *field, void *accumulator)
{
    return (uint8_t *)accumulator + field->offset;
}

static bool is_present(const struct accumulator_field *field, const void *accumulator)
{
    return !field->nullable || ((const uint8_t *)accumulator)[field->valid_offset] != 0;
}

static struct list_value list_at(const struct accumulator_field *field, const void *accumulator)
{
    struct list_value list;
    memcpy(&list, member(field, accumulator), sizeof list);
    return list;
}

/* --- Hash --- */

static uint64_t hash_row(const barks_type *type, const barks_column *column, uint32_t row)
{
    if (!barks_is_valid(column, row))
        return null_hash;
    uint64_t hash = nested_hash;
    if (type->id == BARKS_STRUCT) {
        for (uint32_t i = 0; i < type->fields->field_count; i++)
            hash = hash_combine(hash,
                                hash_row(type->fields->fields[i].type, &column->children[i], row));
        return hash;
    }
    if (type->id == BARKS_LIST) {
        barks_list_slice slice = ((const barks_list_slice *)column->values)[row];
        hash = hash_combine(hash, slice.length);
        for (uint32_t i = 0; i < slice.length; i++)
            hash = hash_combine(hash, hash_row(type->item, &column->children[0], slice.offset + i));
        return hash;
    }
    return flat_hash(type->id, column_value(column, type, row));
}

void accumulator_hash_column(const barks_type *type, const barks_column *column, uint32_t first,
                             uint32_t row_count, uint64_t *hashes)
{
    for (uint32_t k = 0; k < row_count; k++)
        hashes[k] = table_hash_fold(hashes[k] ^ TABLE_HASH_A,
                                    hash_row(type, column, first + k) ^ TABLE_HASH_B);
}

/* --- Equality and order --- */

bool accumulator_equals_row(const struct accumulator_field *field, const void *accumulator,
                            const barks_column *column, uint32_t row)
{
    bool present = is_present(field, accumulator);
    if (present != barks_is_valid(column, row))
        return false;
    if (!present)
        return true;
    const void *value = member(field, accumulator);
    if (field->type->id == BARKS_STRUCT) {
        for (uint32_t i = 0; i < field->child_count; i++)
            if (!accumulator_equals_row(&field->children[i], value, &column->children[i], row))
                return false;
        return true;
    }
    if (field->type->id == BARKS_LIST) {
        struct list_value list = list_at(field, accumulator);
        barks_list_slice slice = ((const barks_list_slice *)column->values)[row];
        const barks_type *item = field->type->item;
        if (list.count != slice.length)
            return false;
        for (uint32_t i = 0; i < list.count; i++)
            if (!flat_equal(item->id,
                            (const uint8_t *)list.items + (size_t)i * type_value_bytes(item),
                            column_value(&column->children[0], item, slice.offset + i)))
                return false;
        return true;
    }
    return flat_equal(field->type->id, value, column_value(column, field->type, row));
}

int accumulator_compare(const struct accumulator_field *field, const void *a, const void *b)
{
    bool a_present = is_present(field, a), b_present = is_present(field, b);
    if (!a_present || !b_present)
        return (int)a_present - (int)b_present;
    if (field->type->id == BARKS_STRUCT) {
        for (uint32_t i = 0; i < field->child_count; i++) {
            int order =
                accumulator_compare(&field->children[i], member(field, a), member(field, b));
            if (order != 0)
                return order;
        }
        return 0;
    }
    if (field->type->id == BARKS_LIST) {
        struct list_value left = list_at(field, a), right = list_at(field, b);
        size_t item_bytes = type_value_bytes(field->type->item);
        for (uint32_t i = 0; i < left.count && i < right.count; i++) {
            int order = flat_compare(field->type->item->id,
                                     (const uint8_t *)left.items + (size_t)i * item_bytes,
                                     (const uint8_t *)right.items + (size_t)i * item_bytes);
            if (order != 0)
                return order;
        }
        return (left.count > right.count) - (left.count < right.count);
    }
    return flat_compare(field->type->id, member(field, a), member(field, b));
}

/* --- Load, own, store --- */

void accumulator_load(const struct accumulator_field *field, const barks_column *column,
                      uint32_t row, void *accumulator)
{
    void *value = member_mutable(field, accumulator);
    if (field->nullable)
        ((uint8_t *)accumulator)[field->valid_offset] = barks_is_valid(column, row);
    if (field->flat_bytes > 0) {
        const uint8_t *from = (const uint8_t *)column->values + (size_t)row * field->flat_bytes;
        if (field->flat_bytes == sizeof(uint64_t))
            memcpy(value, from, sizeof(uint64_t));
        else
            memcpy(value, from, field->flat_bytes);
        return;
    }
    if (field->type->id == BARKS_STRUCT) {
        /* The fields of a null are loaded too: they are null or zero. */
        for (uint32_t i = 0; i < field->child_count; i++)
            accumulator_load(&field->children[i], &column->children[i], row, value);
        return;
    }
    barks_list_slice slice = ((const barks_list_slice *)column->values)[row];
    const barks_type *item = field->type->item;
    struct list_value list = {
        .items = slice.length == 0 ? NULL : column_value(&column->children[0], item, slice.offset),
        .count = slice.length,
    };
    memcpy(value, &list, sizeof list);
}

BARKS_CHECKED static barks_status *own_flat(const barks_type *type, void *value, bool canonical,
                                            struct keeper *keeper)
{
    if (is_text(type->id)) {
        barks_str text;
        memcpy(&text, value, sizeof text);
        BARKS_TRY(keeper_own(keeper, &text));
        memcpy(value, &text, sizeof text);
    } else if (canonical && type->id == BARKS_F64) {
        uint64_t bits = number_bits(type->id, value);
        memcpy(value, &bits, sizeof bits);
    } else if (canonical && type->id == BARKS_F32) {
        uint32_t bits = (uint32_t)number_bits(type->id, value);
        memcpy(value, &bits, sizeof bits);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *own_list(const struct accumulator_field *field,
                                            void *accumulator, bool canonical,
                                            struct keeper *keeper)
{
    struct list_value list = list_at(field, accumulator);
    if (list.count == 0)
        return NULL;
    size_t item_bytes = type_value_bytes(field->type->item);
    void *items = NULL;
    BARKS_TRY(keeper_make(keeper, list_capacity(list.count) * item_bytes, 8, &items));
    memcpy(items, list.items, list.count * item_bytes);
    for (uint32_t i = 0; i < list.count; i++)
        BARKS_TRY(own_flat(field->type->item, (uint8_t *)items + (size_t)i * item_bytes, canonical,
                           keeper));
    list.items = items;
    memcpy(member_mutable(field, accumulator), &list, sizeof list);
    return NULL;
}

barks_status *accumulator_own(const struct accumulator_field *field, void *accumulator,
                              bool canonical, struct keeper *keeper)
{
    if (!is_present(field, accumulator) || (!canonical && !field->has_pointers))
        return NULL;
    if (field->type->id == BARKS_STRUCT) {
        for (uint32_t i = 0; i < field->child_count; i++)
            BARKS_TRY(accumulator_own(&field->children[i], member_mutable(field, accumulator),
                                      canonical, keeper));
        return NULL;
    }
    if (field->type->id == BARKS_LIST)
        return own_list(field, accumulator, canonical, keeper);
    return own_flat(field->type, member_mutable(field, accumulator), canonical, keeper);
}

static void set_validity(barks_column *column, uint32_t row, bool present)
{
    uint64_t bit = UINT64_C(1) << (row % 64);
    if (column->validity == NULL)
        return;
    if (present)
        column->validity[row / 64] |= bit;
    else
        column->validity[row / 64] &= ~bit;
}

static void clear_value(const struct accumulator_field *field, barks_column *column, uint32_t row)
{
    set_validity(column, row, !field->nullable);
    for (uint32_t i = 0; i < field->child_count; i++)
        clear_value(&field->children[i], &column->children[i], row);
    if (field->type->id != BARKS_STRUCT)
        memset(column_value_mutable(column, field->type, row), 0, type_value_bytes(field->type));
}

BARKS_CHECKED static barks_status *store_list(const struct accumulator_field *field,
                                              const void *accumulator, struct batch *batch,
                                              barks_column *column, uint32_t row)
{
    struct list_value list = list_at(field, accumulator);
    BARKS_TRY(column_reserve_items(batch, column, list.count));
    barks_list_slice slice = {.offset = column->item_count, .length = list.count};
    if (list.count > 0)
        memcpy(column_value_mutable(&column->children[0], field->type->item, slice.offset),
               list.items, list.count * type_value_bytes(field->type->item));
    column->item_count += list.count;
    ((barks_list_slice *)column->values)[row] = slice;
    return NULL;
}

barks_status *accumulator_store(const struct accumulator_field *field, const void *accumulator,
                                struct batch *batch, barks_column *column, uint32_t row)
{
    if (!is_present(field, accumulator)) {
        clear_value(field, column, row);
        return NULL;
    }
    set_validity(column, row, true);
    if (field->type->id == BARKS_STRUCT) {
        for (uint32_t i = 0; i < field->child_count; i++)
            BARKS_TRY(accumulator_store(&field->children[i], member(field, accumulator), batch,
                                        &column->children[i], row));
        return NULL;
    }
    if (field->type->id == BARKS_LIST)
        return store_list(field, accumulator, batch, column, row);
    memcpy(column_value_mutable(column, field->type, row), member(field, accumulator),
           type_value_bytes(field->type));
    return NULL;
}
