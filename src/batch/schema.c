#include "batch/schema.h"

#include "base/buffer.h"
#include "base/hash.h"
#include "base/spelling.h"
#include "batch/schema_build.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool type_equal(const barks_type *a, const barks_type *b)
{
    if (a == b)
        return true;
    if (a->id != b->id)
        return false;
    if (a->id == BARKS_LIST)
        return type_equal(a->item, b->item);
    return a->id != BARKS_STRUCT || schema_equal(a->fields, b->fields);
}

bool schema_equal(const barks_schema *a, const barks_schema *b)
{
    if (a == b)
        return true;
    if (a->field_count != b->field_count)
        return false;
    for (uint32_t i = 0; i < a->field_count; i++)
        if (a->fields[i].nullable != b->fields[i].nullable ||
            strcmp(a->fields[i].name, b->fields[i].name) != 0 ||
            !type_equal(a->fields[i].type, b->fields[i].type))
            return false;
    return true;
}

int32_t schema_find(const barks_schema *schema, const char *name)
{
    for (uint32_t i = 0; i < schema->field_count; i++)
        if (strcmp(schema->fields[i].name, name) == 0)
            return (int32_t)i;
    return -1;
}

const char *schema_nearest(const barks_schema *schema, const char *name)
{
    struct spelling spelling = spelling_begin(name);
    for (uint32_t i = 0; i < schema->field_count; i++)
        spelling_offer(&spelling, schema->fields[i].name);
    return spelling.nearest;
}

const char *type_id_name(barks_type_id id)
{
    switch (id) {
    case BARKS_BOOL:
        return "bool";
    case BARKS_I32:
        return "i32";
    case BARKS_I64:
        return "i64";
    case BARKS_F32:
        return "f32";
    case BARKS_F64:
        return "f64";
    case BARKS_STR:
        return "str";
    case BARKS_BYTES:
        return "bytes";
    case BARKS_LIST:
        return "list";
    case BARKS_STRUCT:
        return "struct";
    }
    return "unknown";
}

size_t type_value_bytes(const barks_type *type)
{
    switch (type->id) {
    case BARKS_BOOL:
        return 1;
    case BARKS_I32:
    case BARKS_F32:
        return 4;
    case BARKS_I64:
    case BARKS_F64:
        return 8;
    case BARKS_STR:
    case BARKS_BYTES:
        return sizeof(barks_str);
    case BARKS_LIST:
        return sizeof(barks_list_slice);
    case BARKS_STRUCT:
        return 0;
    }
    return 0;
}

BARKS_CHECKED static barks_status *put_text(struct buffer *out, const char *text)
{
    return buffer_append(out, text, strlen(text));
}

barks_status *type_print(const barks_type *type, struct buffer *out)
{
    BARKS_TRY(put_text(out, type_id_name(type->id)));
    if (type->id != BARKS_LIST && type->id != BARKS_STRUCT)
        return NULL;
    BARKS_TRY(put_text(out, "<"));
    if (type->id == BARKS_LIST)
        BARKS_TRY(type_print(type->item, out));
    else
        BARKS_TRY(schema_print(type->fields, out));
    return put_text(out, ">");
}

barks_status *schema_print(const barks_schema *schema, struct buffer *out)
{
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const barks_field *field = &schema->fields[i];
        if (i > 0)
            BARKS_TRY(put_text(out, ", "));
        BARKS_TRY(put_text(out, field->name));
        BARKS_TRY(put_text(out, " "));
        BARKS_TRY(type_print(field->type, out));
        if (field->nullable)
            BARKS_TRY(put_text(out, "?"));
    }
    return NULL;
}

static uint64_t hash_schema(const barks_schema *schema, uint64_t hash);

static uint64_t hash_type(const barks_type *type, uint64_t hash)
{
    uint8_t id = (uint8_t)type->id;
    hash = hash_bytes_seeded(&id, sizeof id, hash);
    if (type->id == BARKS_LIST)
        return hash_type(type->item, hash);
    return type->id == BARKS_STRUCT ? hash_schema(type->fields, hash) : hash;
}

static uint64_t hash_schema(const barks_schema *schema, uint64_t hash)
{
    hash = hash_bytes_seeded(&schema->field_count, sizeof schema->field_count, hash);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const barks_field *field = &schema->fields[i];
        uint8_t nullable = field->nullable;
        hash = hash_bytes_seeded(field->name, strlen(field->name), hash);
        hash = hash_bytes_seeded(&nullable, sizeof nullable, hash);
        hash = hash_type(field->type, hash);
    }
    return hash;
}

uint64_t schema_hash(const barks_schema *schema) { return hash_schema(schema, 0); }

barks_status *schema_memory_create(struct schema_memory *memory)
{
    memory->bytes = calloc(1, memory->struct_bytes + memory->name_bytes);
    if (memory->bytes == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a schema");
    return NULL;
}

void *schema_memory_struct(struct schema_memory *memory, size_t size_bytes)
{
    assert(memory->struct_bytes - memory->struct_used >= size_bytes);
    void *place = memory->bytes + memory->struct_used;
    memory->struct_used += size_bytes;
    return place;
}

const char *schema_memory_name(struct schema_memory *memory, const char *name, size_t length)
{
    assert(memory->name_bytes - memory->name_used >= length + 1);
    char *place = memory->bytes + memory->struct_bytes + memory->name_used;
    memcpy(place, name, length); /* what follows is zero already */
    memory->name_used += length + 1;
    return place;
}

static void plan_schema(struct schema_memory *memory, const barks_schema *schema);

static void plan_type(struct schema_memory *memory, const barks_type *type)
{
    schema_memory_plan(memory, sizeof *type, 0);
    if (type->id == BARKS_LIST)
        plan_type(memory, type->item);
    else if (type->id == BARKS_STRUCT)
        plan_schema(memory, type->fields);
}

static void plan_schema(struct schema_memory *memory, const barks_schema *schema)
{
    schema_memory_plan(memory, sizeof *schema + schema->field_count * sizeof(barks_field), 0);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        schema_memory_plan(memory, 0, strlen(schema->fields[i].name) + 1);
        plan_type(memory, schema->fields[i].type);
    }
}

static barks_schema *build_schema(struct schema_memory *memory, const barks_schema *schema);

static const barks_type *build_type(struct schema_memory *memory, const barks_type *type)
{
    barks_type *copy = schema_memory_struct(memory, sizeof *copy);
    copy->id = type->id;
    if (type->id == BARKS_LIST)
        copy->item = build_type(memory, type->item);
    else if (type->id == BARKS_STRUCT)
        copy->fields = build_schema(memory, type->fields);
    return copy;
}

static barks_schema *build_schema(struct schema_memory *memory, const barks_schema *schema)
{
    barks_schema *copy = schema_memory_struct(memory, sizeof *copy);
    barks_field *fields = schema_memory_struct(memory, schema->field_count * sizeof *fields);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const barks_field *field = &schema->fields[i];
        fields[i].name = schema_memory_name(memory, field->name, strlen(field->name));
        fields[i].type = build_type(memory, field->type);
        fields[i].nullable = field->nullable;
    }
    copy->field_count = schema->field_count;
    copy->fields = fields;
    return copy;
}

barks_status *schema_copy(const barks_schema *schema, barks_schema **out_schema)
{
    struct schema_memory memory = {0};
    plan_schema(&memory, schema);
    BARKS_TRY(schema_memory_create(&memory));
    *out_schema = build_schema(&memory, schema);
    return NULL;
}

void schema_destroy(barks_schema *schema)
{
    free(schema); /* the schema stands first in the one allocation */
}
