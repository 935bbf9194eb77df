#include "barks/str.h"
#include "batch/schema.h"
#include "io/file_writer.h"
#include "io/number_text.h"
#include "io/sink.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
    CELL_BYTES_MAX = NUMBER_TEXT_MAX + 1, /* a number, or a short text, and what follows it */
    PIECE_BYTES = 64 * 1024,              /* of a long text, at a time: with quotes twice as much */
    COLUMNS_MAX = 65536,
};
_Static_assert(2 * PIECE_BYTES + CELL_BYTES_MAX < WRITER_BUFFER_BYTES, "a piece always has room");

BARKS_CHECKED static barks_status *csv_check_schema(const barks_schema *schema)
{
    if (schema->field_count == 0 || schema->field_count > COLUMNS_MAX)
        BARKS_FAIL(BARKS_INVALID, "CSV has from 1 to %d columns, but the rows have %u", COLUMNS_MAX,
                   (unsigned)schema->field_count);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        barks_type_id id = schema->fields[i].type->id;
        if (id == BARKS_LIST || id == BARKS_STRUCT)
            BARKS_FAIL(BARKS_INVALID,
                       "column '%s' is a %s, which CSV cannot hold: drop it, or map it to str",
                       schema->fields[i].name, type_id_name(id));
    }
    return NULL;
}

/* Is one of eight bytes a comma, a quote, \n or \r? Each test is exact for "is any byte zero". */
static inline uint64_t special_of(uint64_t eight)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t comma = eight ^ (ones * ',');
    uint64_t quote = eight ^ (ones * '"');
    uint64_t newline = eight ^ (ones * '\n');
    uint64_t carriage = eight ^ (ones * '\r');
    return (((comma - ones) & ~comma) | ((quote - ones) & ~quote) | ((newline - ones) & ~newline) |
            ((carriage - ones) & ~carriage)) &
           (ones * 0x80);
}

static inline uint64_t load_8(const void *from)
{
    uint64_t eight = 0;
    memcpy(&eight, from, 8);
    return eight;
}

/* Of a text of more than 12 bytes. */
static bool has_special(const char *bytes, size_t length)
{
    uint64_t special = special_of(load_8(bytes + length - 8)); /* overlaps what the loop saw */
    for (size_t i = 0; i + 8 < length && special == 0; i += 8)
        special = special_of(load_8(bytes + i));
    return special != 0;
}

static char *put_doubled(char *at, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        *at = bytes[i];
        at[1] = '"';
        at += 1 + (bytes[i] == '"');
    }
    return at;
}

/* A text that may be longer than the buffer has room. */
BARKS_CHECKED static barks_status *write_long(struct file_writer *writer, const char *bytes,
                                              size_t length, bool quoted)
{
    if (!quoted)
        return file_writer_put(writer, bytes, length);
    BARKS_TRY(file_writer_put(writer, "\"", 1));
    for (size_t i = 0; i < length; i += PIECE_BYTES) {
        size_t piece_bytes = length - i < PIECE_BYTES ? length - i : PIECE_BYTES;
        char *at = NULL;
        BARKS_TRY(file_writer_room(writer, (size_t)2 * PIECE_BYTES, &at));
        file_writer_advance(writer, put_doubled(at, bytes + i, piece_bytes));
    }
    return file_writer_put(writer, "\"", 1);
}

/* Whatever the short way of write_cell does not do: what has to be quoted, and what is long. */
BARKS_CHECKED static barks_status *write_text(struct file_writer *writer, const barks_str *text)
{
    const char *bytes = barks_str_bytes(text);
    size_t length = text->length;
    char *at = NULL;
    bool quoted = length <= BARKS_STR_INLINE || has_special(bytes, length);
    if (quoted || length > PIECE_BYTES)
        return write_long(writer, bytes, length, quoted);
    BARKS_TRY(file_writer_room(writer, length, &at));
    memcpy(at, bytes, length);
    file_writer_advance(writer, at + length);
    return NULL;
}

/* Behind its text an inlined view is zero, which is not special: two overlapping words see all of
 * it. */
static inline bool is_short_and_plain(const barks_str *text)
{
    const char *bytes = (const char *)text + offsetof(barks_str, prefix);
    return text->length - 1 < BARKS_STR_INLINE &&
           (special_of(load_8(bytes)) | special_of(load_8(bytes + 4))) == 0;
}

static char *put_bool(char *at, uint8_t value)
{
    memcpy(at, value != 0 ? "true" : "false", 5); /* "true" has its zero as fifth byte */
    return at + 5 - (value != 0);
}

static char *put_number(char *at, const barks_column *column, uint32_t row)
{
    switch (column->type->id) {
    case BARKS_BOOL:
        return put_bool(at, ((const uint8_t *)column->values)[row]);
    case BARKS_I32:
        return number_put_i64(at, ((const int32_t *)column->values)[row]);
    case BARKS_I64:
        return number_put_i64(at, ((const int64_t *)column->values)[row]);
    case BARKS_F32:
        return number_put_f32(at, ((const float *)column->values)[row]);
    case BARKS_F64:
        return number_put_f64(at, ((const double *)column->values)[row]);
    case BARKS_STR:
    case BARKS_BYTES:
    case BARKS_LIST:
    case BARKS_STRUCT:
        break;
    }
    assert(false && "csv_check_schema lets no other type through");
    return at;
}

/* Writes a value and what follows it, at *at, which has CELL_BYTES_MAX of room before and after. */
BARKS_CHECKED static inline barks_status *write_cell(struct file_writer *writer,
                                                     const barks_column *column, uint32_t row,
                                                     char follows, char **at)
{
    char *end = *at;
    if (!barks_is_valid(column, row)) {
        *end++ = follows;
    } else if (column->type->id == BARKS_STR || column->type->id == BARKS_BYTES) {
        const barks_str *text = (const barks_str *)column->values + row;
        if (!is_short_and_plain(text)) {
            file_writer_advance(writer, end);
            BARKS_TRY(write_text(writer, text));
            BARKS_TRY(file_writer_room(writer, CELL_BYTES_MAX, at));
            end = *at;
        } else {
            memcpy(end, (const char *)text + offsetof(barks_str, prefix), BARKS_STR_INLINE);
            end += text->length;
        }
        *end++ = follows;
    } else {
        end = put_number(end, column, row);
        *end++ = follows;
    }
    *at = end;
    if (__builtin_expect(end > writer->buffer + WRITER_BUFFER_BYTES - CELL_BYTES_MAX, 0)) {
        file_writer_advance(writer, end);
        BARKS_TRY(file_writer_room(writer, CELL_BYTES_MAX, at));
    }
    return NULL;
}

BARKS_CHECKED static barks_status *csv_write(struct sink *sink, const barks_batch *batch)
{
    struct file_writer *writer = sink->writer;
    uint32_t last = batch->schema->field_count - 1;
    char *at = NULL;
    BARKS_TRY(file_writer_room(writer, CELL_BYTES_MAX, &at));
    for (uint32_t row = 0; row < batch->row_count; row++) {
        for (uint32_t c = 0; c < last; c++)
            BARKS_TRY(write_cell(writer, &batch->columns[c], row, ',', &at));
        BARKS_TRY(write_cell(writer, &batch->columns[last], row, '\n', &at));
    }
    file_writer_advance(writer, at);
    return NULL;
}

BARKS_CHECKED static barks_status *csv_finish(struct sink *sink)
{
    (void)sink; /* the last line is a line like any other */
    return NULL;
}

static void csv_drop(struct sink *sink) { free(sink); }

static const struct sink_ops csv_sink_ops = {
    .write = csv_write, .finish = csv_finish, .drop = csv_drop};

BARKS_CHECKED static barks_status *write_header(struct file_writer *writer,
                                                const barks_schema *schema)
{
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const char *name = schema->fields[i].name;
        barks_str text = barks_str_of(name, strlen(name));
        if (is_short_and_plain(&text))
            BARKS_TRY(file_writer_put(writer, name, text.length));
        else
            BARKS_TRY(write_text(writer, &text));
        BARKS_TRY(file_writer_put(writer, i + 1 < schema->field_count ? "," : "\n", 1));
    }
    return NULL;
}

BARKS_CHECKED static barks_status *csv_create(struct file_writer *writer,
                                              const barks_schema *schema, struct sink **out_sink)
{
    struct sink *sink = malloc(sizeof *sink);
    if (sink == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to write '%s'", writer->path);
    *sink = (struct sink){.ops = &csv_sink_ops, .schema = schema, .writer = writer};
    barks_status *status = write_header(writer, schema);
    if (status != NULL) {
        free(sink);
        return status;
    }
    *out_sink = sink;
    return NULL;
}

const struct sink_format csv_format = {
    .name = "csv",
    .suffix = ".csv",
    .check_schema = csv_check_schema,
    .create = csv_create,
};
