/* Values as errors and tables show them: on one line, and cut. */
#include "base/buffer.h"
#include "base/scope.h"
#include "batch/schema.h"
#include "batch/utf8.h"
#include "batch/value_text.h"

#include <stdio.h>
#include <string.h>

enum { VALUE_CHARACTERS_MAX = 60, ROW_BYTES_MAX = 240, NESTED_BYTES_MAX = 1 << 16 };

BARKS_CHECKED static barks_status *put_character(struct buffer *out, const char *bytes, size_t n,
                                                 uint32_t *out_width)
{
    unsigned char head = (unsigned char)bytes[0];
    char escaped[8];
    if (n > 0 && head >= 0x20 && head != 0x7f) {
        *out_width += 1;
        return buffer_append(out, bytes, n);
    }
    int length = snprintf(escaped, sizeof escaped, "\\x%02x", head);
    *out_width += (uint32_t)length;
    return buffer_append(out, escaped, (size_t)length);
}

barks_status *shown_print(const char *bytes, size_t size_bytes, uint32_t characters_max,
                          struct buffer *out, uint32_t *out_width)
{
    uint32_t width = 0;
    for (size_t at = 0; at < size_bytes;) {
        if (width >= characters_max) {
            BARKS_TRY(buffer_append(out, "...", 3));
            width += 3;
            break;
        }
        size_t n = utf8_character_bytes(bytes + at, size_bytes - at);
        BARKS_TRY(put_character(out, bytes + at, n, &width));
        at += n > 0 ? n : 1;
    }
    *out_width = width;
    return NULL;
}

BARKS_CHECKED static barks_status *put_string(const barks_str *text, struct buffer *out)
{
    uint32_t width = 0;
    BARKS_TRY(buffer_append(out, "'", 1));
    BARKS_TRY(shown_print(barks_str_bytes(text), text->length, VALUE_CHARACTERS_MAX, out, &width));
    return buffer_append(out, "'", 1);
}

/* A list may be far larger than what is shown of it: then nothing is. */
BARKS_CHECKED static barks_status *put_value(const barks_column *column, uint32_t row,
                                             struct buffer *out)
{
    uint32_t width = 0;
    BARKS_AUTO(buffer) value = {.limit_bytes = NESTED_BYTES_MAX};
    if (column->type->id == BARKS_STR && barks_is_valid(column, row))
        return put_string((const barks_str *)column->values + row, out);
    barks_status *status = value_print(column, row, &value);
    if (status != NULL && barks_status_code(status) == BARKS_LIMIT) {
        barks_status_free(status);
        return buffer_append(out, "...", 3);
    }
    BARKS_TRY(status);
    return shown_print((const char *)value.data, value.size_bytes, VALUE_CHARACTERS_MAX, out,
                       &width);
}

barks_status *row_print(const barks_batch *batch, uint32_t row, struct buffer *out)
{
    size_t begin = out->size_bytes;
    for (uint32_t i = 0; i < batch->schema->field_count; i++) {
        const barks_field *field = &batch->schema->fields[i];
        if (batch->columns[i].values == NULL && field->type->id != BARKS_STRUCT)
            continue;
        if (out->size_bytes > begin)
            BARKS_TRY(buffer_append(out, ", ", 2));
        if (out->size_bytes - begin >= ROW_BYTES_MAX)
            return buffer_append(out, "...", 3);
        BARKS_TRY(buffer_append(out, field->name, strlen(field->name)));
        BARKS_TRY(buffer_append(out, " ", 1));
        BARKS_TRY(put_value(&batch->columns[i], row, out));
    }
    return NULL;
}
