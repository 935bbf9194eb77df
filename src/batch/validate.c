#include "base/checked.h"
#include "batch/batch.h"
#include "batch/column.h"
#include "batch/row_strings.h"
#include "batch/schema.h"
#include "batch/utf8.h"

#include <string.h>

/* Where a check is: the column of the batch, by name, and the batch for its blocks. */
struct validation {
    const struct batch *batch;
    const char *column_name;
    bool check_utf8;
    uint32_t last_block;
};

BARKS_CHECKED static barks_status *bad_value(const struct validation *validation, uint32_t row,
                                             bool in_child, const char *what)
{
    BARKS_FAIL(BARKS_BAD_INPUT, "column '%s', %s %u: %s", validation->column_name,
               in_child ? "item" : "row", row, what);
}

static bool block_holds(struct validation *validation, const barks_str *text)
{
    const struct batch *batch = validation->batch;
    if (validation->last_block != BATCH_NO_BLOCK &&
        block_contains(batch->blocks[validation->last_block], text->pointer, text->length))
        return true;
    validation->last_block = batch_find_block(batch, text->pointer, text->length);
    return validation->last_block != BATCH_NO_BLOCK;
}

/* What is wrong with a view, or NULL. */
static const char *string_fault(struct validation *validation, const barks_str *text, bool is_text)
{
    if (barks_str_is_inline(*text)) {
        barks_str canonical = barks_str_of_exactly(barks_str_bytes(text), text->length);
        if (memcmp(text, &canonical, sizeof canonical) != 0)
            return "a short string with bytes after its end";
    } else {
        if (!block_holds(validation, text))
            return "a string outside of the blocks that the batch holds";
        if (memcmp(text->prefix, text->pointer, sizeof text->prefix) != 0)
            return "a string that does not begin with its prefix";
    }
    if (is_text && validation->check_utf8 && !utf8_is_valid(barks_str_bytes(text), text->length))
        return "text that is not UTF-8";
    return NULL;
}

/* What is wrong with the value itself, or NULL. */
static const char *value_fault(struct validation *validation, const barks_column *column,
                               uint32_t row)
{
    switch (column->type->id) {
    case BARKS_BOOL:
        return ((const uint8_t *)column->values)[row] > 1 ? "a bool that is neither 0 nor 1" : NULL;
    case BARKS_I32:
    case BARKS_I64:
    case BARKS_F32:
    case BARKS_F64:
    case BARKS_STRUCT:
        return NULL;
    case BARKS_STR:
    case BARKS_BYTES:
        return string_fault(validation, (const barks_str *)column->values + row,
                            column->type->id == BARKS_STR);
    case BARKS_LIST: {
        barks_list_slice slice = ((const barks_list_slice *)column->values)[row];
        uint32_t end = 0;
        if (ckd_add(&end, slice.offset, slice.length) || end > column->item_count)
            return "a list that ends beyond the items of its column";
        return NULL;
    }
    }
    return NULL;
}

static bool value_is_zero(const barks_column *column, uint32_t row)
{
    static const uint8_t zeros[sizeof(barks_str)];
    size_t value_bytes = type_value_bytes(column->type);
    return value_bytes == 0 ||
           memcmp((const uint8_t *)column->values + row * value_bytes, zeros, value_bytes) == 0;
}

BARKS_CHECKED static barks_status *validate_column(struct validation *validation,
                                                   const barks_column *column,
                                                   const barks_type *type, bool nullable,
                                                   uint32_t row_count, bool in_child)
{
    if (!type_equal(column->type, type))
        return bad_value(validation, 0, in_child, "the column has another type than its schema");
    if (column->validity != NULL && !nullable)
        return bad_value(validation, 0, in_child, "nulls in a field that cannot hold them");
    if (column->values == NULL && row_count > 0 && type_value_bytes(type) > 0)
        return bad_value(validation, 0, in_child, "rows without values");
    for (uint32_t row = 0; row < row_count; row++) {
        if (!barks_is_valid(column, row) && !value_is_zero(column, row))
            return bad_value(validation, row, in_child, "a missing value that is not zero");
        const char *fault = value_fault(validation, column, row);
        if (fault != NULL)
            return bad_value(validation, row, in_child, fault);
    }
    if (type->id == BARKS_LIST)
        return validate_column(validation, &column->children[0], type->item, false,
                               column->item_count, true);
    for (uint32_t child = 0; child < column_child_count(type); child++)
        BARKS_TRY(validate_column(validation, &column->children[child],
                                  type->fields->fields[child].type,
                                  type->fields->fields[child].nullable, row_count, in_child));
    return NULL;
}

barks_status *batch_validate(const struct batch *batch, bool check_utf8)
{
    const barks_schema *schema = batch->base.schema;
    for (uint32_t i = 0; i < schema->field_count; i++) {
        struct validation validation = {.batch = batch,
                                        .column_name = schema->fields[i].name,
                                        .check_utf8 = check_utf8,
                                        .last_block = BATCH_NO_BLOCK};
        BARKS_TRY(validate_column(&validation, &batch->base.columns[i], schema->fields[i].type,
                                  schema->fields[i].nullable, batch->base.row_count, false));
    }
    return NULL;
}
