#include "exec/scanner.h"

#include "base/calling.h"

#include <stdlib.h>
#include <string.h>

barks_status *scanner_init(struct scanner *scanner, struct pool *pool,
                           const barks_function *function, const void *env)
{
    *scanner = (struct scanner){.function = function, .env = env, .kept = {.pool = pool}};
    scanner->value = calloc(1, function->in->size + 1);
    if (scanner->value == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a value of '%s'", function->name);
    return accumulator_fields_create(function->in, &scanner->fields);
}

void scanner_drop(struct scanner *scanner)
{
    if (scanner->function != NULL)
        accumulator_fields_destroy(scanner->fields, scanner->function->in->schema.field_count);
    free(scanner->value);
    keeper_drop(&scanner->kept);
    *scanner = (struct scanner){0};
}

void scanner_clear(struct scanner *scanner)
{
    scanner->has_value = false;
    keeper_drop(&scanner->kept);
}

BARKS_CHECKED static barks_status *own_all(struct scanner *scanner)
{
    for (uint32_t i = 0; i < scanner->function->in->schema.field_count; i++)
        if (scanner->fields[i].has_pointers)
            BARKS_TRY(accumulator_own(&scanner->fields[i], scanner->value, false, &scanner->kept));
    return NULL;
}

barks_status *scanner_begin(struct scanner *scanner, const void *value)
{
    scanner_clear(scanner);
    memcpy(scanner->value, value, scanner->function->in->size);
    scanner->has_value = true;
    return own_all(scanner);
}

barks_status *scanner_begin_row(struct scanner *scanner, const barks_column *const *columns,
                                uint32_t row)
{
    scanner_clear(scanner);
    memset(scanner->value, 0, scanner->function->in->size);
    for (uint32_t i = 0; i < scanner->function->in->schema.field_count; i++)
        accumulator_load(&scanner->fields[i], columns[i], row, scanner->value);
    scanner->has_value = true;
    return own_all(scanner);
}

barks_status *scanner_add(struct scanner *scanner, const barks_column *const *columns, uint32_t row,
                          barks_task_info *task)
{
    if (!scanner->has_value)
        return scanner_begin_row(scanner, columns, row);
    struct call_scope scope = {.keep = &scanner->kept};
    barks_call call = {.columns = columns,
                       .row_count = row + 1,
                       .env = scanner->env,
                       .task_self = &scope,
                       .task = task};
    struct calling before = calling_begin(
        (struct calling){.name = scanner->function->name, .where = scanner->function->where});
    scanner->function->fold(&call, &scanner->value, row, 1);
    calling_end(before);
    return call.status;
}

barks_status *scanner_store(const struct scanner *scanner, struct batch *batch,
                            const uint32_t *to_columns, uint32_t row)
{
    for (uint32_t i = 0; i < scanner->function->in->schema.field_count; i++)
        BARKS_TRY(accumulator_store(&scanner->fields[i], scanner->value, batch,
                                    &batch->base.columns[to_columns != NULL ? to_columns[i] : i],
                                    row));
    return NULL;
}

barks_status *scanner_lend(const struct scanner *scanner, struct batch *batch)
{
    for (uint32_t i = 0; i < scanner->kept.block_count; i++)
        BARKS_TRY(batch_keep_block(batch, scanner->kept.blocks[i]));
    return NULL;
}

barks_status *scanner_forget(struct scanner *scanner)
{
    if (scanner->kept.block_count == 0)
        return NULL;
    uint32_t earlier = keeper_begin_copy(&scanner->kept);
    if (scanner->has_value)
        BARKS_TRY(own_all(scanner));
    keeper_release_first(&scanner->kept, earlier);
    return NULL;
}
