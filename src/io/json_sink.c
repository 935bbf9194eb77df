#include "barks/str.h"
#include "batch/column.h"
#include "io/file_writer.h"
#include "io/json_text.h"
#include "io/number_text.h"
#include "io/sink.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

BARKS_CHECKED static barks_status *json_check_schema(const barks_schema *schema)
{
    (void)schema; /* JSON holds every type; bytes as strings of UTF-8 */
    return NULL;
}

BARKS_CHECKED static barks_status *put_object(struct file_writer *writer,
                                              const barks_schema *schema,
                                              const barks_column *columns, uint32_t row);

BARKS_CHECKED static barks_status *put_real(struct file_writer *writer, char *at, char *end,
                                            bool is_finite)
{
    if (is_finite) {
        file_writer_advance(writer, end);
        return NULL;
    }
    char word[NUMBER_TEXT_MAX];
    size_t length = (size_t)(end - at);
    memcpy(word, at, length); /* NaN, Infinity, -Infinity: no numbers of JSON */
    return json_put_text(writer, word, length);
}

BARKS_CHECKED static barks_status *put_number(struct file_writer *writer,
                                              const barks_column *column, uint32_t row)
{
    char *at = NULL;
    char *end = NULL;
    BARKS_TRY(file_writer_room(writer, NUMBER_TEXT_MAX, &at));
    if (column->type->id == BARKS_I32) {
        end = number_put_i64(at, ((const int32_t *)column->values)[row]);
    } else if (column->type->id == BARKS_I64) {
        end = number_put_i64(at, ((const int64_t *)column->values)[row]);
    } else if (column->type->id == BARKS_F32) {
        float value = ((const float *)column->values)[row];
        return put_real(writer, at, number_put_f32(at, value), isfinite(value));
    } else {
        double value = ((const double *)column->values)[row];
        return put_real(writer, at, number_put_f64(at, value), isfinite(value));
    }
    file_writer_advance(writer, end);
    return NULL;
}

BARKS_CHECKED static barks_status *put_value(struct file_writer *writer, const barks_column *column,
                                             uint32_t row)
{
    if (!barks_is_valid(column, row))
        return file_writer_put(writer, "null", 4);
    switch (column->type->id) {
    case BARKS_BOOL:
        return ((const uint8_t *)column->values)[row] != 0 ? file_writer_put(writer, "true", 4)
                                                           : file_writer_put(writer, "false", 5);
    case BARKS_I32:
    case BARKS_I64:
    case BARKS_F32:
    case BARKS_F64:
        return put_number(writer, column, row);
    case BARKS_STR:
    case BARKS_BYTES: {
        const barks_str *text = (const barks_str *)column->values + row;
        return json_put_text(writer, barks_str_bytes(text), text->length);
    }
    case BARKS_LIST: {
        barks_list_slice items = ((const barks_list_slice *)column->values)[row];
        BARKS_TRY(file_writer_put(writer, "[", 1));
        for (uint32_t i = 0; i < items.length; i++) {
            if (i > 0)
                BARKS_TRY(file_writer_put(writer, ",", 1));
            BARKS_TRY(put_value(writer, &column->children[0], items.offset + i));
        }
        return file_writer_put(writer, "]", 1);
    }
    case BARKS_STRUCT:
        return put_object(writer, column->type->fields, column->children, row);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *put_object(struct file_writer *writer,
                                              const barks_schema *schema,
                                              const barks_column *columns, uint32_t row)
{
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const char *name = schema->fields[i].name;
        BARKS_TRY(file_writer_put(writer, i == 0 ? "{" : ",", 1));
        BARKS_TRY(json_put_text(writer, name, strlen(name)));
        BARKS_TRY(file_writer_put(writer, ":", 1));
        BARKS_TRY(put_value(writer, &columns[i], row));
    }
    return schema->field_count == 0 ? file_writer_put(writer, "{}", 2)
                                    : file_writer_put(writer, "}", 1);
}

BARKS_CHECKED static barks_status *json_write(struct sink *sink, const barks_batch *batch)
{
    for (uint32_t row = 0; row < batch->row_count; row++) {
        BARKS_TRY(put_object(sink->writer, batch->schema, batch->columns, row));
        BARKS_TRY(file_writer_put(sink->writer, "\n", 1));
    }
    return NULL;
}

BARKS_CHECKED static barks_status *json_finish(struct sink *sink)
{
    (void)sink; /* lines have no end but their own */
    return NULL;
}

static void json_drop(struct sink *sink) { free(sink); }

static const struct sink_ops json_sink_ops = {
    .write = json_write, .finish = json_finish, .drop = json_drop};

BARKS_CHECKED static barks_status *json_create(struct file_writer *writer,
                                               const barks_schema *schema, struct sink **out_sink)
{
    struct sink *sink = malloc(sizeof *sink);
    if (sink == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to write '%s'", writer->path);
    *sink = (struct sink){.ops = &json_sink_ops, .schema = schema, .writer = writer};
    *out_sink = sink;
    return NULL;
}

const struct sink_format json_format = {
    .name = "json",
    .suffix = ".json",
    .check_schema = json_check_schema,
    .create = json_create,
};
