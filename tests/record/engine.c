#include "engine.h"

#include <check.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { REGISTERED_MAX = 64 };
static const barks_function *registered[REGISTERED_MAX];
static size_t registered_count;
uint32_t engine_kept_count;

/* Freed by the end of the test's process; the chain lets leak checkers find it. */
struct memory {
    struct memory *next;
    _Alignas(64) char bytes[];
};
static struct memory *memories;

static void *zeroed(size_t count, size_t item_bytes)
{
    struct memory *memory = aligned_alloc(64, (sizeof *memory + count * item_bytes + 63) / 64 * 64);
    ck_assert_ptr_nonnull(memory);
    memset(memory->bytes, 0, count * item_bytes);
    memory->next = memories;
    memories = memory;
    return memory->bytes;
}

static size_t value_bytes(const barks_type *type)
{
    switch (type->id) {
    case BARKS_BOOL:
        return 1;
    case BARKS_I32:
    case BARKS_F32:
        return 4;
    case BARKS_I64:
    case BARKS_F64:
    case BARKS_LIST:
        return 8;
    case BARKS_STR:
    case BARKS_BYTES:
        return 16;
    case BARKS_STRUCT:
        return 0;
    }
    return 0;
}

static void column_create(barks_column *column, const barks_type *type, bool nullable,
                          uint32_t rows_max)
{
    *column = (barks_column){.type = type};
    if (nullable)
        column->validity = zeroed(rows_max / 64 + 1, sizeof *column->validity);
    if (type->id == BARKS_STRUCT) {
        column->children = zeroed(type->fields->field_count, sizeof *column->children);
        for (uint32_t i = 0; i < type->fields->field_count; i++)
            column_create(&column->children[i], type->fields->fields[i].type,
                          type->fields->fields[i].nullable, rows_max);
        return;
    }
    column->values = zeroed(rows_max, value_bytes(type));
    if (type->id == BARKS_LIST) {
        column->children = zeroed(1, sizeof *column->children);
        column_create(&column->children[0], type->item, false, ENGINE_ITEMS_MAX);
    }
}

void engine_table_create(struct engine_table *table, const barks_schema *schema)
{
    *table = (struct engine_table){0};
    ck_assert_uint_le(schema->field_count, ENGINE_FIELDS_MAX);
    for (uint32_t i = 0; i < schema->field_count; i++) {
        column_create(&table->columns[i], schema->fields[i].type, schema->fields[i].nullable,
                      ENGINE_ROWS_MAX);
        table->pointers[i] = &table->columns[i];
    }
}

static void append_column(barks_column *to, uint32_t to_row, const barks_column *from,
                          uint32_t row_count)
{
    if (to->validity != NULL)
        for (uint32_t i = 0; i < row_count; i++) {
            uint64_t bit = (from->validity[i / 64] >> (i % 64)) & 1;
            uint32_t row = to_row + i;
            to->validity[row / 64] =
                (to->validity[row / 64] & ~((uint64_t)1 << (row % 64))) | bit << (row % 64);
        }
    if (to->type->id == BARKS_STRUCT) {
        for (uint32_t i = 0; i < to->type->fields->field_count; i++)
            append_column(&to->children[i], to_row, &from->children[i], row_count);
        return;
    }
    size_t bytes = value_bytes(to->type);
    memcpy((char *)to->values + to_row * bytes, from->values, row_count * bytes);
    if (to->type->id == BARKS_LIST) {
        barks_list_slice *slices = (barks_list_slice *)to->values + to_row;
        size_t item_bytes = value_bytes(to->type->item);
        ck_assert_uint_le(to->item_count + from->item_count, ENGINE_ITEMS_MAX);
        memcpy((char *)to->children[0].values + to->item_count * item_bytes,
               from->children[0].values, from->item_count * item_bytes);
        for (uint32_t i = 0; i < row_count; i++)
            slices[i].offset += slices[i].length > 0 ? to->item_count : 0;
        to->item_count += from->item_count;
    }
}

/* Leaves behind what a body could wrongly rely on. */
static void spoil(barks_column *column)
{
    if (column->validity != NULL)
        memset(column->validity, 0xaa, BARKS_OUT_ROWS / 8);
    if (column->type->id == BARKS_STRUCT)
        for (uint32_t i = 0; i < column->type->fields->field_count; i++)
            spoil(&column->children[i]);
    else
        memset(column->values, 0xaa, BARKS_OUT_ROWS * value_bytes(column->type));
    column->item_count = 0;
}

void engine_out_begin(struct engine_out *engine, const barks_schema *schema,
                      struct engine_table *table)
{
    *engine = (struct engine_out){.table = table};
    engine_table_create(&engine->staged, schema);
    engine_table_create(table, schema);
    for (uint32_t i = 0; i < schema->field_count; i++)
        spoil(&engine->staged.columns[i]);
    engine->out.columns = engine->staged.pointers;
    engine->out.operator_self = engine;
}

void barks_out_flush(barks_out *out)
{
    struct engine_out *engine = out->operator_self;
    ck_assert_uint_le(out->row_count, BARKS_OUT_ROWS);
    ck_assert_uint_le(engine->table->row_count + out->row_count, ENGINE_ROWS_MAX);
    for (uint32_t i = 0; engine->staged.pointers[i] != NULL; i++) {
        append_column(&engine->table->columns[i], engine->table->row_count,
                      &engine->staged.columns[i], out->row_count);
        spoil(&engine->staged.columns[i]);
    }
    engine->table->row_count += out->row_count;
    out->row_count = 0;
    if (++engine->flush_count == engine->stop_after)
        out->stopped = true;
}

void engine_out_end(struct engine_out *engine) { barks_out_flush(&engine->out); }

void *barks_out_bytes(barks_out *out, size_t n)
{
    struct engine_out *engine = out->operator_self;
    if (!engine->out_of_memory)
        return zeroed(n, 1);
    out->stopped = true;
    return NULL;
}

barks_list_slice barks_put_items(barks_out *out, const barks_column *list, const void *items,
                                 uint32_t count)
{
    struct engine_out *engine = out->operator_self;
    for (uint32_t i = 0; i < ENGINE_FIELDS_MAX; i++) {
        barks_column *column = &engine->staged.columns[i];
        if (column != list)
            continue;
        size_t item_bytes = value_bytes(column->type->item);
        ck_assert_uint_le(column->item_count + count, ENGINE_ITEMS_MAX);
        memcpy((char *)column->children[0].values + column->item_count * item_bytes, items,
               count * item_bytes);
        column->item_count += count;
        return (barks_list_slice){column->item_count - count, count};
    }
    ck_abort_msg("not a column of this out");
    return (barks_list_slice){0};
}

barks_str barks_keep(barks_call *call, barks_str text)
{
    (void)call;
    engine_kept_count++;
    char *copy = zeroed(text.length, 1);
    memcpy(copy, barks_str_bytes(&text), text.length);
    return barks_str_of(copy, text.length);
}

const void *barks_keep_items(barks_call *call, const void *items, size_t bytes)
{
    (void)call;
    engine_kept_count++;
    void *copy = zeroed(bytes, 1);
    memcpy(copy, items, bytes);
    return copy;
}

void barks_call_fail(barks_call *call, const char *where, const char *format, ...)
{
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (call->status == NULL)
        call->status = barks_status_new(BARKS_USER_ERROR, NULL, where, "%s", text);
}

const char *engine_failure(const barks_call *call)
{
    return call->status != NULL ? barks_status_text(call->status) : NULL;
}

void barks_register(const barks_function *function)
{
    if (registered_count < REGISTERED_MAX)
        registered[registered_count++] = function;
}

const barks_function *engine_registered(const char *name)
{
    for (size_t i = 0; i < registered_count; i++)
        if (strcmp(registered[i]->name, name) == 0)
            return registered[i];
    return NULL;
}

/* The records of these tests are reached by their names in C. */
void barks_register_record(const barks_record *record) { (void)record; }
