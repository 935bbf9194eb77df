#include "batch/row_bytes.h"

#include "barks/str.h"
#include "batch/schema.h"

#include <inttypes.h>
#include <string.h>

uint32_t row_value_bytes(const barks_schema *schema)
{
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const barks_type *type = schema->fields[i].type;
        bytes += (uint32_t)type_value_bytes(type); /* at most 16 */
        if (type->id == BARKS_STRUCT)
            bytes += row_value_bytes(type->fields);
    }
    return bytes;
}

static bool has_pointers(const barks_type *type)
{
    return type->id == BARKS_STR || type->id == BARKS_BYTES || type->id == BARKS_LIST ||
           (type->id == BARKS_STRUCT && row_has_pointers(type->fields));
}

bool row_has_pointers(const barks_schema *schema)
{
    for (uint32_t i = 0; i < schema->field_count; i++)
        if (has_pointers(schema->fields[i].type))
            return true;
    return false;
}

static void add_bytes(uint32_t *sum, uint64_t bytes)
{
    *sum = bytes > UINT32_MAX - *sum ? UINT32_MAX : *sum + (uint32_t)bytes;
}

/* What rows [first, first + row_count) of a list's items point to. At most 2^31 of them, each with
 * less than 2^32 bytes and 2^31 items: no sum overflows. */
static uint64_t bytes_of_items(const barks_column *column, uint32_t first, uint32_t row_count)
{
    const barks_type *type = column->type;
    uint64_t bytes = 0;
    if (type->id == BARKS_STR || type->id == BARKS_BYTES) {
        const barks_str *texts = column->values;
        for (uint32_t i = first; i < first + row_count; i++)
            bytes += texts[i].length > BARKS_STR_INLINE ? texts[i].length : 0;
    } else if (type->id == BARKS_LIST) {
        const barks_list_slice *slices = column->values;
        for (uint32_t i = first; i < first + row_count; i++) {
            bytes += (uint64_t)slices[i].length * (type_value_bytes(type->item) + 8);
            if (has_pointers(type->item))
                bytes += bytes_of_items(&column->children[0], slices[i].offset, slices[i].length);
        }
    } else if (type->id == BARKS_STRUCT) {
        for (uint32_t i = 0; i < type->fields->field_count; i++)
            bytes += bytes_of_items(&column->children[i], first, row_count);
    }
    return bytes;
}

/* Adds to bytes[i] what row i of column points to. */
static void add_column(const barks_column *column, uint32_t row_count, uint32_t *bytes)
{
    const barks_type *type = column->type;
    if (type->id == BARKS_STR || type->id == BARKS_BYTES) {
        const barks_str *texts = column->values;
        for (uint32_t i = 0; i < row_count; i++)
            add_bytes(&bytes[i], texts[i].length > BARKS_STR_INLINE ? texts[i].length : 0);
    } else if (type->id == BARKS_LIST) {
        for (uint32_t i = 0; i < row_count; i++)
            add_bytes(&bytes[i], bytes_of_items(column, i, 1));
    } else if (type->id == BARKS_STRUCT) {
        for (uint32_t i = 0; i < type->fields->field_count; i++)
            add_column(&column->children[i], row_count, bytes);
    }
}

void rows_find_bytes(const barks_batch *rows, uint32_t *out_bytes)
{
    if (rows->row_count == 0)
        return;
    memset(out_bytes, 0, rows->row_count * sizeof *out_bytes);
    for (uint32_t i = 0; i < rows->schema->field_count; i++)
        add_column(&rows->columns[i], rows->row_count, out_bytes);
}

barks_status *rows_check_bytes(const uint32_t *bytes, uint32_t row_count, uint64_t row_bytes_max)
{
    for (uint32_t i = 0; i < row_count; i++)
        if (bytes[i] > row_bytes_max)
            BARKS_FAIL(BARKS_LIMIT,
                       "a row's strings and lists have %s%" PRIu32
                       " bytes, and those of a row that "
                       "is exchanged may have %" PRIu64
                       ": cut it into several, or leave its bytes in a file and exchange the name",
                       bytes[i] == UINT32_MAX ? "at least " : "", bytes[i], row_bytes_max);
    return NULL;
}
