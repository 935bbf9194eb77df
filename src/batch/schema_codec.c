/* Schemas as bytes, for plans and file heads. Little-endian:
 *
 *     schema: u32 field_count, then for each field
 *             u8 nullable (0 or 1), u16 name length (1 or more), name bytes (no zero byte), type
 *     type:   u8 id of barks_type_id; list: the type of its items; struct: its schema
 *
 * A schema, with all that it nests, has at most SCHEMA_FIELDS_MAX fields, SCHEMA_DEPTH_MAX deep. */
#include "base/buffer.h"
#include "batch/schema.h"
#include "batch/schema_build.h"

#include <assert.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "integers are encoded as they stand");

BARKS_CHECKED static barks_status *encode_schema(const barks_schema *schema, uint32_t depth,
                                                 struct buffer *out);

BARKS_CHECKED static barks_status *encode_type(const barks_type *type, uint32_t depth,
                                               struct buffer *out)
{
    if (depth > SCHEMA_DEPTH_MAX)
        BARKS_FAIL(BARKS_LIMIT, "types nest deeper than %d", SCHEMA_DEPTH_MAX);
    uint8_t id = (uint8_t)type->id;
    BARKS_TRY(buffer_append(out, &id, sizeof id));
    if (type->id == BARKS_LIST)
        return encode_type(type->item, depth + 1, out);
    return type->id == BARKS_STRUCT ? encode_schema(type->fields, depth + 1, out) : NULL;
}

barks_status *encode_schema(const barks_schema *schema, uint32_t depth, struct buffer *out)
{
    BARKS_TRY(buffer_append(out, &schema->field_count, sizeof schema->field_count));
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const barks_field *field = &schema->fields[i];
        size_t length = strlen(field->name);
        if (length == 0 || length > UINT16_MAX)
            BARKS_FAIL(BARKS_LIMIT, "the name of field %u has %zu bytes, allowed are 1 to %u", i,
                       length, UINT16_MAX);
        uint8_t nullable = field->nullable;
        uint16_t name_length = (uint16_t)length;
        BARKS_TRY(buffer_append(out, &nullable, sizeof nullable));
        BARKS_TRY(buffer_append(out, &name_length, sizeof name_length));
        BARKS_TRY(buffer_append(out, field->name, length));
        BARKS_TRY(encode_type(field->type, depth, out));
    }
    return NULL;
}

barks_status *schema_encode(const barks_schema *schema, struct buffer *out)
{
    size_t before_bytes = out->size_bytes;
    barks_status *status = encode_schema(schema, 1, out);
    if (status != NULL)
        out->size_bytes = before_bytes;
    return status;
}

/* Walks the encoding twice: with memory NULL it checks and plans, then it builds what the first
 * walk has checked. */
struct schema_reader {
    const uint8_t *bytes;
    size_t size_bytes;
    size_t at;
    uint32_t field_count; /* of all levels */
    struct schema_memory *plan;
    struct schema_memory *memory;
};

BARKS_CHECKED static barks_status *read_bytes(struct schema_reader *reader, size_t n,
                                              const void **out_bytes)
{
    if (reader->size_bytes - reader->at < n)
        BARKS_FAIL(BARKS_BAD_INPUT, "an encoded schema of %zu bytes is cut at byte %zu",
                   reader->size_bytes, reader->at);
    *out_bytes = reader->bytes + reader->at;
    reader->at += n;
    return NULL;
}

BARKS_CHECKED static barks_status *read_u8(struct schema_reader *reader, uint8_t *out)
{
    const void *bytes = NULL;
    BARKS_TRY(read_bytes(reader, sizeof *out, &bytes));
    memcpy(out, bytes, sizeof *out);
    return NULL;
}

BARKS_CHECKED static barks_status *read_schema(struct schema_reader *reader, uint32_t depth,
                                               barks_schema **out_schema);

static bool id_is_known(uint8_t id) { return id >= BARKS_BOOL && id <= BARKS_STRUCT; }

BARKS_CHECKED static barks_status *read_type(struct schema_reader *reader, uint32_t depth,
                                             const barks_type **out_type)
{
    if (depth > SCHEMA_DEPTH_MAX)
        BARKS_FAIL(BARKS_BAD_INPUT, "an encoded schema nests types deeper than %d",
                   SCHEMA_DEPTH_MAX);
    uint8_t id = 0;
    BARKS_TRY(read_u8(reader, &id));
    if (!id_is_known(id))
        BARKS_FAIL(BARKS_BAD_INPUT, "an encoded schema has type %u, which this version lacks", id);
    barks_type *type = NULL;
    if (reader->memory == NULL) {
        schema_memory_plan(reader->plan, sizeof *type, 0);
    } else {
        type = schema_memory_struct(reader->memory, sizeof *type);
        type->id = (barks_type_id)id;
    }
    if (id == BARKS_LIST) {
        BARKS_TRY(read_type(reader, depth + 1, type == NULL ? NULL : &type->item));
    } else if (id == BARKS_STRUCT) {
        barks_schema *fields = NULL;
        BARKS_TRY(read_schema(reader, depth + 1, &fields));
        if (type != NULL)
            type->fields = fields;
    }
    if (type != NULL)
        *out_type = type;
    return NULL;
}

BARKS_CHECKED static barks_status *read_field(struct schema_reader *reader, uint32_t depth,
                                              barks_field *field)
{
    uint8_t nullable = 0;
    const void *bytes = NULL;
    uint16_t length = 0;
    BARKS_TRY(read_u8(reader, &nullable));
    BARKS_TRY(read_bytes(reader, sizeof length, &bytes));
    memcpy(&length, bytes, sizeof length);
    BARKS_TRY(read_bytes(reader, length, &bytes));
    if (nullable > 1 || length == 0 || memchr(bytes, 0, length) != NULL)
        BARKS_FAIL(BARKS_BAD_INPUT, "an encoded schema has a malformed field before byte %zu",
                   reader->at);
    if (field == NULL) {
        schema_memory_plan(reader->plan, 0, (size_t)length + 1);
    } else {
        field->nullable = nullable == 1;
        field->name = schema_memory_name(reader->memory, bytes, length);
    }
    return read_type(reader, depth, field == NULL ? NULL : &field->type);
}

barks_status *read_schema(struct schema_reader *reader, uint32_t depth, barks_schema **out_schema)
{
    uint32_t field_count = 0;
    const void *bytes = NULL;
    BARKS_TRY(read_bytes(reader, sizeof field_count, &bytes));
    memcpy(&field_count, bytes, sizeof field_count);
    if (field_count > SCHEMA_FIELDS_MAX - reader->field_count)
        BARKS_FAIL(BARKS_BAD_INPUT, "an encoded schema has more than %d fields", SCHEMA_FIELDS_MAX);
    reader->field_count += field_count;
    barks_schema *schema = NULL;
    barks_field *fields = NULL;
    if (reader->memory == NULL) {
        schema_memory_plan(reader->plan, sizeof *schema + field_count * sizeof *fields, 0);
    } else {
        schema = schema_memory_struct(reader->memory, sizeof *schema);
        fields = schema_memory_struct(reader->memory, field_count * sizeof *fields);
        schema->field_count = field_count;
        schema->fields = fields;
    }
    for (uint32_t i = 0; i < field_count; i++)
        BARKS_TRY(read_field(reader, depth, fields == NULL ? NULL : &fields[i]));
    if (schema != NULL)
        *out_schema = schema;
    return NULL;
}

barks_status *schema_decode(const uint8_t *bytes, size_t size_bytes, size_t *out_used_bytes,
                            barks_schema **out_schema)
{
    struct schema_memory memory = {0};
    struct schema_reader planner = {.bytes = bytes, .size_bytes = size_bytes, .plan = &memory};
    barks_schema *schema = NULL;
    BARKS_TRY(read_schema(&planner, 1, &schema));
    BARKS_TRY(schema_memory_create(&memory));
    struct schema_reader builder = {.bytes = bytes, .size_bytes = size_bytes, .memory = &memory};
    barks_status *status = read_schema(&builder, 1, &schema);
    if (status != NULL) { /* the bytes have changed under us */
        schema_destroy((barks_schema *)(void *)memory.bytes);
        return status;
    }
    *out_used_bytes = planner.at;
    *out_schema = schema;
    return NULL;
}
