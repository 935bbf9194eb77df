/* The encoding of rows of a batch, little-endian, without padding:
 *
 *     header, 40 bytes
 *         u32 magic "brka"      u32 version 1
 *         u64 schema_hash       u64 row_count (at most 2^31)
 *         u64 body_bytes        u64 checksum: xxh3_64 of the body, seeded with xxh3_64 of the 32
 * bytes before body: a column for each field of the schema, in order
 *
 *     column of n values
 *         nullable field:       u8 0: all are there
 *                               u8 1, bitmap of (n + 7) / 8 bytes: bit i % 8 of byte i / 8 set:
 * value i is there; bits beyond n are 0; where a value is missing it is 0, or a string or list of
 * length 0 bool                  n bytes of 0 or 1 i32 f32 i64 f64       n values str bytes u8
 * width (1 or 4), n lengths of so many bytes, the bytes of all strings list                  u8
 * width (1 or 4), n lengths of so many bytes, then runs until there are as many items as the
 * lengths sum up to: u32 m (at least 1), column of m items struct                a column of n
 * values for each of its fields
 *
 * Lengths of one byte where all are below 256 make a word and its count 15 bytes instead of 18. */
#include "batch/codec.h"

#include "base/checked.h"
#include "batch/block.h"
#include "batch/codec_format.h"
#include "batch/column.h"
#include "batch/row_strings.h"
#include "batch/schema.h"
#include "batch/validity.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

/* Of the bytes that a decoded batch would make its block stay for, at least one in so many must be
 * of its strings. */
enum { BYTES_HELD_PER_STRING_BYTE = 8 };

struct reader {
    const uint8_t *bytes; /* the encoding, header and all */
    const uint8_t *at;
    const uint8_t *end;
    uint64_t long_bytes; /* of strings read that are not held in their views */
    struct batch *batch;
};

static size_t bytes_left(const struct reader *reader) { return (size_t)(reader->end - reader->at); }

/* Words what is wrong at the reader's place. */
BARKS_CHECKED __attribute__((returns_nonnull)) static barks_status *
malformed(const struct reader *reader, const char *what)
{
    BARKS_FAIL(BARKS_BAD_INPUT, "an encoded batch is malformed at byte %zu of %zu: %s",
               (size_t)(reader->at - reader->bytes), (size_t)(reader->end - reader->bytes), what);
}

BARKS_CHECKED static barks_status *take(struct reader *reader, uint64_t count, uint64_t each_bytes,
                                        const uint8_t **out_bytes)
{
    uint64_t n = 0;
    if (ckd_mul(&n, count, each_bytes) || n > bytes_left(reader))
        return malformed(reader, "more values than bytes");
    *out_bytes = reader->at;
    reader->at += n;
    return NULL;
}

BARKS_CHECKED static barks_status *take_u8(struct reader *reader, uint8_t *out_value)
{
    if (bytes_left(reader) < 1)
        return malformed(reader, "it ends too early");
    *out_value = *reader->at++;
    return NULL;
}

/* The least that a value of the type takes in the encoding: so that a small body cannot claim many
 * rows and have memory reserved for them. */
static uint64_t bytes_min(const barks_type *type)
{
    switch (type->id) {
    case BARKS_BOOL:
    case BARKS_I32:
    case BARKS_I64:
    case BARKS_F32:
    case BARKS_F64:
        return type_value_bytes(type);
    case BARKS_STR:
    case BARKS_BYTES:
    case BARKS_LIST:
        return 1;
    case BARKS_STRUCT: {
        uint64_t bytes = 0;
        for (uint32_t i = 0; i < type->fields->field_count; i++)
            bytes += bytes_min(type->fields->fields[i].type);
        return bytes;
    }
    }
    return 0;
}

BARKS_CHECKED static barks_status *check_count(const struct reader *reader, uint64_t count,
                                               uint64_t each_bytes_min)
{
    uint64_t n = 0;
    if (count > COLUMN_ROWS_MAX || ckd_mul(&n, count, each_bytes_min) || n > bytes_left(reader))
        return malformed(reader, "it claims more values than its bytes can hold");
    return NULL;
}

BARKS_CHECKED static barks_status *read_validity(struct reader *reader, barks_column *column,
                                                 uint32_t row, uint32_t count,
                                                 const uint8_t **out_bitmap)
{
    uint8_t kind = 0;
    *out_bitmap = NULL;
    BARKS_TRY(take_u8(reader, &kind));
    if (kind == CODEC_ALL_VALID)
        return NULL; /* bits beyond the rows in use are set */
    if (kind != CODEC_BITMAP)
        return malformed(reader, "neither a bitmap nor none");
    const uint8_t *bitmap = NULL;
    BARKS_TRY(take(reader, ((uint64_t)count + 7) / 8, 1, &bitmap));
    for (uint32_t done = 0; done < count; done += 64) {
        uint32_t taken = count - done < 64 ? count - done : 64;
        uint64_t bits = 0;
        memcpy(&bits, bitmap + done / 8, (taken + 7) / 8);
        if ((bits & ~(~UINT64_C(0) >> (64 - taken))) != 0)
            return malformed(reader, "bits beyond the last row");
        validity_put(column->validity, row + done, bits, taken);
    }
    *out_bitmap = bitmap;
    return NULL;
}

/* Where a value is missing there must be zeros: hashes, comparisons and functions need not look
 * twice then. */
BARKS_CHECKED static barks_status *check_missing(const struct reader *reader,
                                                 const barks_column *column, uint32_t first,
                                                 uint32_t count)
{
    size_t value_bytes = type_value_bytes(column->type);
    const uint8_t *values = column->values;
    static const uint8_t zeros[sizeof(barks_str)];
    for (uint32_t row = first; row < first + count; row++)
        if (!barks_is_valid(column, row) && value_bytes > 0 &&
            memcmp(values + row * value_bytes, zeros, value_bytes) != 0)
            return malformed(reader, "a missing value that is not zero");
    return NULL;
}

BARKS_CHECKED static barks_status *read_fixed(struct reader *reader, barks_column *column,
                                              uint32_t row, uint32_t count)
{
    size_t value_bytes = type_value_bytes(column->type);
    const uint8_t *bytes = NULL;
    BARKS_TRY(take(reader, count, value_bytes, &bytes));
    if (count == 0)
        return NULL;
    memcpy((uint8_t *)column->values + row * value_bytes, bytes, count * value_bytes);
    if (column->type->id != BARKS_BOOL)
        return NULL;
    uint8_t any = 0;
    for (uint32_t i = 0; i < count; i++)
        any |= bytes[i];
    return any > 1 ? malformed(reader, "a bool that is neither 0 nor 1") : NULL;
}

/* Reads the width and finds the lengths. */
BARKS_CHECKED static barks_status *read_lengths(struct reader *reader, uint32_t count,
                                                uint8_t *out_width, const uint8_t **out_lengths)
{
    BARKS_TRY(take_u8(reader, out_width));
    if (*out_width != 1 && *out_width != 4)
        return malformed(reader, "lengths of neither 1 nor 4 bytes");
    return take(reader, count, *out_width, out_lengths);
}

/* Masks for the bytes 0 to 3 and 4 to 11 of a string by its length, 12 standing for all that are
 * longer. */
static const uint32_t head_masks[BARKS_STR_INLINE + 1] = {
    0,          0xff,       0xffff,     0xffffff,   0xffffffff, 0xffffffff, 0xffffffff,
    0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff};
static const uint64_t tail_masks[BARKS_STR_INLINE + 1] = {0,
                                                          0,
                                                          0,
                                                          0,
                                                          0,
                                                          0xff,
                                                          0xffff,
                                                          0xffffff,
                                                          0xffffffff,
                                                          0xffffffffff,
                                                          0xffffffffffff,
                                                          0xffffffffffffff,
                                                          0xffffffffffffffff};

/* The view of length bytes, 12 of which can be read whatever the length: no branch depends on it.
 */
static inline barks_str view_of(const uint8_t *bytes, uint32_t length)
{
    uint32_t head = 0;
    uint64_t tail = 0;
    memcpy(&head, bytes, sizeof head);
    memcpy(&tail, bytes + sizeof head, sizeof tail);
    uint32_t known = length < BARKS_STR_INLINE ? length : BARKS_STR_INLINE;
    head &= head_masks[known];
    tail &= tail_masks[known];
    tail = length > BARKS_STR_INLINE ? (uint64_t)(uintptr_t)bytes : tail;
    barks_str text;
    memcpy(&text, &length, sizeof length);
    memcpy(text.prefix, &head, sizeof head);
    memcpy(text.rest, &tail, sizeof tail);
    return text;
}

_Static_assert(sizeof(uintptr_t) == sizeof(uint64_t), "view_of stores pointers as numbers");

/* With width a constant of the caller's the compiler makes a loop for each. */
static inline barks_status *read_strings_of(struct reader *reader, barks_str *out, uint32_t count,
                                            const uint8_t *lengths, uint32_t width)
{
    const uint8_t *at = reader->at;
    const uint8_t *end = reader->end;
    uint64_t long_bytes = 0;
    for (uint32_t row = 0; row < count; row++) {
        uint32_t length = 0;
        memcpy(&length, lengths + (size_t)row * width, width);
        size_t left_bytes = (size_t)(end - at);
        if (left_bytes >= (size_t)length + BARKS_STR_INLINE) {
            out[row] = view_of(at, length);
        } else { /* the last strings of the encoding */
            if (left_bytes < length)
                return malformed(reader, "a string longer than what is left");
            out[row] = barks_str_of_exactly((const char *)at, length);
        }
        long_bytes += length > BARKS_STR_INLINE ? length : 0;
        at += length;
    }
    reader->at = at;
    reader->long_bytes += long_bytes;
    return NULL;
}

BARKS_CHECKED static barks_status *read_strings(struct reader *reader, barks_column *column,
                                                uint32_t row, uint32_t count)
{
    uint8_t width = 0;
    const uint8_t *lengths = NULL;
    BARKS_TRY(read_lengths(reader, count, &width, &lengths));
    barks_str *out = column_strings(column, row);
    return width == 1 ? read_strings_of(reader, out, count, lengths, 1)
                      : read_strings_of(reader, out, count, lengths, 4);
}

BARKS_CHECKED static barks_status *read_column(struct reader *reader, barks_column *column,
                                               bool nullable, uint32_t row, uint32_t count);

BARKS_CHECKED static barks_status *read_items(struct reader *reader, barks_column *list,
                                              uint32_t item_count)
{
    while (item_count > 0) {
        const uint8_t *bytes = NULL;
        uint32_t run_count = 0;
        BARKS_TRY(take(reader, 1, sizeof run_count, &bytes));
        memcpy(&run_count, bytes, sizeof run_count);
        if (run_count == 0 || run_count > item_count)
            return malformed(reader, "a run of items that its list does not have");
        BARKS_TRY(read_column(reader, &list->children[0], false, list->item_count, run_count));
        list->item_count += run_count;
        item_count -= run_count;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *read_lists(struct reader *reader, barks_column *column,
                                              uint32_t row, uint32_t count)
{
    uint8_t width = 0;
    const uint8_t *lengths = NULL;
    BARKS_TRY(read_lengths(reader, count, &width, &lengths));
    barks_list_slice *slices = column_slices(column, row);
    uint64_t offset = column->item_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t length = 0;
        memcpy(&length, lengths + (size_t)i * width, width);
        slices[i].offset = length == 0 ? 0 : (uint32_t)offset;
        slices[i].length = length;
        offset += length; /* 2^31 lengths of 32 bits at most */
    }
    uint64_t item_count = offset - column->item_count;
    BARKS_TRY(check_count(reader, item_count, bytes_min(column->type->item)));
    BARKS_TRY(column_reserve_items(reader->batch, column, (uint32_t)item_count));
    return read_items(reader, column, (uint32_t)item_count);
}

BARKS_CHECKED static barks_status *read_values(struct reader *reader, barks_column *column,
                                               uint32_t row, uint32_t count)
{
    switch (column->type->id) {
    case BARKS_BOOL:
    case BARKS_I32:
    case BARKS_I64:
    case BARKS_F32:
    case BARKS_F64:
        return read_fixed(reader, column, row, count);
    case BARKS_STR:
    case BARKS_BYTES:
        return read_strings(reader, column, row, count);
    case BARKS_LIST:
        return read_lists(reader, column, row, count);
    case BARKS_STRUCT:
        for (uint32_t child = 0; child < column_child_count(column->type); child++)
            BARKS_TRY(read_column(reader, &column->children[child],
                                  column_child_is_nullable(column->type, child), row, count));
        return NULL;
    }
    return NULL;
}

/* Reads count values to rows from row on, for which the column has room. */
barks_status *read_column(struct reader *reader, barks_column *column, bool nullable, uint32_t row,
                          uint32_t count)
{
    const uint8_t *bitmap = NULL;
    if (nullable)
        BARKS_TRY(read_validity(reader, column, row, count, &bitmap));
    BARKS_TRY(read_values(reader, column, row, count));
    return bitmap == NULL ? NULL : check_missing(reader, column, row, count);
}

BARKS_CHECKED static barks_status *read_rows(struct reader *reader, uint32_t row_count,
                                             struct block *block)
{
    struct batch *batch = reader->batch;
    for (uint32_t i = 0; i < batch->base.schema->field_count; i++)
        BARKS_TRY(read_column(reader, &batch->base.columns[i],
                              batch->base.schema->fields[i].nullable, batch->base.row_count,
                              row_count));
    if (reader->at != reader->end)
        return malformed(reader, "bytes after the last column");
    if (reader->long_bytes == 0)
        return NULL;
    uint64_t encoded_bytes = (uint64_t)(reader->end - reader->bytes);
    if (block != NULL && reader->long_bytes >= encoded_bytes / BYTES_HELD_PER_STRING_BYTE)
        return batch_keep_block(batch, block);
    return batch_own_strings(batch, row_count, NULL, BATCH_COPY);
}

BARKS_CHECKED static barks_status *read_header(const uint8_t *bytes, size_t size_bytes,
                                               struct codec_header *out_header)
{
    uint64_t encoded_bytes = 0;
    if (size_bytes < CODEC_HEADER_BYTES)
        BARKS_FAIL(BARKS_BAD_INPUT, "%zu bytes are less than the head of an encoded batch",
                   size_bytes);
    struct codec_header header;
    memcpy(&header, bytes, sizeof header);
    if (header.magic != CODEC_MAGIC)
        BARKS_FAIL(BARKS_BAD_INPUT, "not an encoded batch: it begins with %08x", header.magic);
    if (header.version != CODEC_VERSION)
        BARKS_FAIL(BARKS_BAD_INPUT, "a batch was encoded by version %u, this one reads %d",
                   header.version, CODEC_VERSION);
    if (header.row_count > COLUMN_ROWS_MAX ||
        ckd_add(&encoded_bytes, header.body_bytes, (uint64_t)CODEC_HEADER_BYTES))
        BARKS_FAIL(BARKS_BAD_INPUT, "an encoded batch claims %llu rows in %llu bytes",
                   (unsigned long long)header.row_count, (unsigned long long)header.body_bytes);
    *out_header = header;
    return NULL;
}

barks_status *codec_peek(const uint8_t *bytes, size_t size_bytes, uint64_t *out_encoded_bytes)
{
    struct codec_header header = {0};
    BARKS_TRY(read_header(bytes, size_bytes, &header));
    *out_encoded_bytes = header.body_bytes + CODEC_HEADER_BYTES;
    return NULL;
}

BARKS_CHECKED static barks_status *check_header(const uint8_t *bytes, size_t size_bytes,
                                                const barks_schema *schema,
                                                const struct codec_header *header)
{
    if (header->body_bytes > size_bytes - CODEC_HEADER_BYTES)
        BARKS_FAIL(BARKS_BAD_INPUT, "an encoded batch of %llu bytes is cut after %zu",
                   (unsigned long long)header->body_bytes + CODEC_HEADER_BYTES, size_bytes);
    uint64_t checksum = codec_checksum(bytes, header->body_bytes);
    if (checksum != header->checksum)
        BARKS_FAIL(BARKS_BAD_INPUT,
                   "an encoded batch of %llu bytes was changed: its checksum is %016llx, not "
                   "%016llx",
                   (unsigned long long)header->body_bytes + CODEC_HEADER_BYTES,
                   (unsigned long long)checksum, (unsigned long long)header->checksum);
    if (header->schema_hash != schema_hash(schema))
        BARKS_FAIL(BARKS_BAD_INPUT, "an encoded batch has another schema than is read here");
    return NULL;
}

barks_status *codec_decode(const uint8_t *bytes, size_t size_bytes, struct block *block,
                           struct batch *batch)
{
    struct codec_header header = {0};
    BARKS_TRY(read_header(bytes, size_bytes, &header));
    BARKS_TRY(check_header(bytes, size_bytes, batch->base.schema, &header));
    assert(block == NULL || block_contains(block, bytes, size_bytes));
    struct reader reader = {.bytes = bytes,
                            .at = bytes + CODEC_HEADER_BYTES,
                            .end = bytes + CODEC_HEADER_BYTES + header.body_bytes,
                            .batch = batch};
    uint64_t row_bytes_min = 0;
    for (uint32_t i = 0; i < batch->base.schema->field_count; i++)
        row_bytes_min += bytes_min(batch->base.schema->fields[i].type);
    BARKS_TRY(check_count(&reader, header.row_count, row_bytes_min));
    uint32_t row_count = (uint32_t)header.row_count;
    BARKS_TRY(batch_reserve(batch, row_count));
    barks_status *status = read_rows(&reader, row_count, block);
    if (status != NULL) {
        batch_forget_uncounted(batch);
        return status;
    }
    batch->base.row_count += row_count;
    assert(batch_is_sound(batch));
    return NULL;
}
