#include "batch/codec_format.h"
#include "batch/column.h"
#include "batch/prefetch.h"
#include "batch/schema.h"
#include "batch/validity.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

/* What the lengths of a run of strings or lists come to. */
struct length_sum {
    uint64_t total;
    uint32_t width; /* bytes that each takes in the encoding: 1 or 4 */
};

static struct length_sum sum_strings(const barks_str *strings, uint32_t count)
{
    uint64_t total = 0;
    uint32_t any = 0;
    for (uint32_t row = 0; row < count; row++) {
        total += strings[row].length;
        any |= strings[row].length;
    }
    return (struct length_sum){.total = total, .width = any <= UINT8_MAX ? 1 : 4};
}

static struct length_sum sum_slices(const barks_list_slice *slices, uint32_t count)
{
    uint64_t total = 0;
    uint32_t any = 0;
    for (uint32_t row = 0; row < count; row++) {
        total += slices[row].length;
        any |= slices[row].length;
    }
    return (struct length_sum){.total = total, .width = any <= UINT8_MAX ? 1 : 4};
}

/* A range of the rows of a child column. */
struct item_run {
    uint32_t first;
    uint32_t count;
};

/* The items of rows from *row on as far as they lie one behind the other; moves *row past their
 * rows. Batches made by appending have just one run; those that a function put together may have
 * more. No items: a count of 0. */
static struct item_run next_run(const barks_list_slice *slices, uint32_t *row, uint32_t row_end)
{
    struct item_run run = {0};
    for (; *row < row_end; ++*row) {
        barks_list_slice slice = slices[*row];
        if (slice.length == 0)
            continue;
        if (run.count == 0)
            run.first = slice.offset;
        else if (slice.offset != run.first + run.count)
            break;
        run.count += slice.length;
    }
    return run;
}

static bool has_bitmap(const barks_column *column, uint32_t first, uint32_t count)
{
    return column->validity != NULL && !validity_is_full(column->validity, first, count);
}

static uint64_t column_bytes(const barks_column *column, bool nullable, uint32_t first,
                             uint32_t count)
{
    uint64_t bytes = 0;
    if (nullable)
        bytes += has_bitmap(column, first, count) ? 1 + ((uint64_t)count + 7) / 8 : 1;
    switch (column->type->id) {
    case BARKS_BOOL:
    case BARKS_I32:
    case BARKS_I64:
    case BARKS_F32:
    case BARKS_F64:
        return bytes + count * (uint64_t)type_value_bytes(column->type);
    case BARKS_STR:
    case BARKS_BYTES: {
        struct length_sum sum = sum_strings(column_strings(column, first), count);
        return bytes + 1 + (uint64_t)count * sum.width + sum.total;
    }
    case BARKS_LIST: {
        const barks_list_slice *slices = column_slices(column, first);
        bytes += 1 + (uint64_t)count * sum_slices(slices, count).width;
        for (uint32_t row = 0; row < count;) {
            struct item_run run = next_run(slices, &row, count);
            if (run.count > 0)
                bytes += sizeof run.count +
                         column_bytes(&column->children[0], false, run.first, run.count);
        }
        return bytes;
    }
    case BARKS_STRUCT:
        for (uint32_t child = 0; child < column_child_count(column->type); child++)
            bytes += column_bytes(&column->children[child],
                                  column_child_is_nullable(column->type, child), first, count);
        return bytes;
    }
    return bytes;
}

uint64_t codec_encoded_bytes(const barks_batch *batch, uint32_t first, uint32_t row_count)
{
    uint64_t bytes = CODEC_HEADER_BYTES;
    for (uint32_t i = 0; i < batch->schema->field_count; i++)
        bytes +=
            column_bytes(&batch->columns[i], batch->schema->fields[i].nullable, first, row_count);
    return bytes;
}

static uint8_t *put_bytes(uint8_t *out, const void *bytes, size_t n)
{
    if (n > 0)
        memcpy(out, bytes, n);
    return out + n;
}

static uint8_t *put_validity(uint8_t *out, const barks_column *column, uint32_t first,
                             uint32_t count)
{
    bool bitmap = has_bitmap(column, first, count);
    *out++ = bitmap ? CODEC_BITMAP : CODEC_ALL_VALID;
    while (bitmap && count > 0) {
        uint32_t taken = count < 64 ? count : 64;
        uint64_t bits = validity_get(column->validity, first, taken);
        out = put_bytes(out, &bits, (taken + 7) / 8);
        first += taken;
        count -= taken;
    }
    return out;
}

/* Copies the bytes of strings one behind the other; with width a constant of the caller's the
 * compiler makes a loop for each. Short ones, the many, are stored as 12 bytes of which the next
 * string overwrites what is too much. */
static inline uint8_t *put_strings_of(uint8_t *out, const barks_str *strings, uint32_t count,
                                      uint64_t total, uint32_t width)
{
    uint8_t *lengths = out;
    uint8_t *bytes = out + (size_t)count * width;
    const uint8_t *end = bytes + total;
    for (uint32_t row = 0; row < count; row++) {
        const barks_str *text = &strings[row];
        uint32_t length = text->length;
        prefetch_string(strings, row, count);
        memcpy(lengths + (size_t)row * width, &length, width);
        if (length > BARKS_STR_INLINE)
            memcpy(bytes, text->pointer, length);
        else if (end - bytes >= BARKS_STR_INLINE)
            memcpy(bytes, text->prefix, BARKS_STR_INLINE);
        else
            memcpy(bytes, text->prefix, length);
        bytes += length;
    }
    return bytes;
}

static uint8_t *put_strings(uint8_t *out, const barks_str *strings, uint32_t count)
{
    struct length_sum sum = sum_strings(strings, count);
    *out++ = (uint8_t)sum.width;
    return sum.width == 1 ? put_strings_of(out, strings, count, sum.total, 1)
                          : put_strings_of(out, strings, count, sum.total, 4);
}

static uint8_t *put_lengths(uint8_t *out, const barks_list_slice *slices, uint32_t count)
{
    uint32_t width = sum_slices(slices, count).width;
    *out++ = (uint8_t)width;
    for (uint32_t row = 0; row < count; row++)
        out = put_bytes(out, &slices[row].length, width);
    return out;
}

static uint8_t *put_column(uint8_t *out, const barks_column *column, bool nullable, uint32_t first,
                           uint32_t count)
{
    if (nullable)
        out = put_validity(out, column, first, count);
    switch (column->type->id) {
    case BARKS_BOOL:
    case BARKS_I32:
    case BARKS_I64:
    case BARKS_F32:
    case BARKS_F64: {
        size_t value_bytes = type_value_bytes(column->type);
        const uint8_t *values = column->values;
        return count == 0 ? out : put_bytes(out, values + first * value_bytes, count * value_bytes);
    }
    case BARKS_STR:
    case BARKS_BYTES:
        return put_strings(out, column_strings(column, first), count);
    case BARKS_LIST: {
        const barks_list_slice *slices = column_slices(column, first);
        out = put_lengths(out, slices, count);
        for (uint32_t row = 0; row < count;) {
            struct item_run run = next_run(slices, &row, count);
            if (run.count == 0)
                continue;
            out = put_bytes(out, &run.count, sizeof run.count);
            out = put_column(out, &column->children[0], false, run.first, run.count);
        }
        return out;
    }
    case BARKS_STRUCT:
        for (uint32_t child = 0; child < column_child_count(column->type); child++)
            out = put_column(out, &column->children[child],
                             column_child_is_nullable(column->type, child), first, count);
        return out;
    }
    return out;
}

void codec_encode(const barks_batch *batch, uint32_t first, uint32_t row_count, uint8_t *out)
{
    assert((uint64_t)first + row_count <= batch->row_count);
    uint8_t *end = out + CODEC_HEADER_BYTES;
    for (uint32_t i = 0; i < batch->schema->field_count; i++)
        end = put_column(end, &batch->columns[i], batch->schema->fields[i].nullable, first,
                         row_count);
    struct codec_header header = {.magic = CODEC_MAGIC,
                                  .version = CODEC_VERSION,
                                  .schema_hash = schema_hash(batch->schema),
                                  .row_count = row_count,
                                  .body_bytes = (uint64_t)(end - out) - CODEC_HEADER_BYTES};
    memcpy(out, &header, sizeof header);
    header.checksum = codec_checksum(out, header.body_bytes);
    memcpy(out, &header, sizeof header);
    assert((uint64_t)(end - out) == codec_encoded_bytes(batch, first, row_count));
}
