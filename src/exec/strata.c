#include "exec/strata.h"

#include "batch/codec.h"

#include <stdlib.h>
#include <string.h>

barks_status *strata_put(struct step *step, const struct stratum *strata, uint32_t count,
                         const barks_batch *keys)
{
    size_t strata_bytes = count * sizeof *strata;
    size_t key_bytes = keys != NULL ? codec_encoded_bytes(keys, 0, count) : 0;
    uint8_t *bytes = malloc(strata_bytes + key_bytes + 1);
    if (bytes == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %u keys of a sample", count);
    if (count > 0)
        memcpy(bytes, strata, strata_bytes);
    if (keys != NULL)
        codec_encode(keys, 0, count, bytes + strata_bytes);
    step->bytes = bytes;
    step->size_bytes = strata_bytes + key_bytes;
    step->numbers[2] = count;
    return NULL;
}

BARKS_CHECKED static barks_status *open_keys(struct strata *strata, const struct step *step,
                                             struct pool *pool)
{
    size_t strata_bytes = strata->count * sizeof *strata->strata;
    const barks_schema *schema = &step->initial_record->schema;
    uint32_t key_count = strata->key_columns->count;
    BARKS_TRY(batch_create(pool, schema, strata->count + 1, &strata->keys));
    BARKS_TRY(codec_decode(step->bytes + strata_bytes, step->size_bytes - strata_bytes, NULL,
                           strata->keys));
    strata->own_columns = calloc((size_t)key_count + 1, sizeof *strata->own_columns);
    if (strata->own_columns == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the keys of a sample");
    for (uint32_t k = 0; k < key_count; k++)
        strata->own_columns[k] = k;
    if (strata->keys->base.row_count != strata->count || schema->field_count != key_count)
        BARKS_FAIL(BARKS_BAD_INPUT, "%u keys for %u fractions", strata->keys->base.row_count,
                   strata->count);
    return join_table_build(&strata->table, pool, strata->keys, strata->own_columns, key_count);
}

barks_status *strata_open(struct strata *strata, const struct step *step, struct pool *pool)
{
    uint64_t count = (uint64_t)step->numbers[2];
    *strata = (struct strata){.strata = (const struct stratum *)(const void *)step->bytes,
                              .count = (uint32_t)count,
                              .key_columns = &step->keys[0]};
    if (count > step->size_bytes / sizeof(struct stratum))
        BARKS_FAIL(BARKS_BAD_INPUT, "a sample of strata that did not come");
    if (strata->key_columns->count == 0)
        return NULL;
    barks_status *status = open_keys(strata, step, pool);
    if (status != NULL)
        strata_drop(strata);
    return status;
}

void strata_drop(struct strata *strata)
{
    join_table_drop(&strata->table);
    batch_destroy(strata->keys);
    free(strata->own_columns);
    free(strata->found);
    *strata = (struct strata){0};
}

BARKS_CHECKED static barks_status *reserve(struct strata *strata, uint32_t row_count)
{
    if (row_count <= strata->capacity_rows)
        return NULL;
    uint32_t *found = calloc(row_count, sizeof *found);
    if (found == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the keys of %u rows", row_count);
    free(strata->found);
    strata->found = found;
    strata->capacity_rows = row_count;
    return NULL;
}

barks_status *strata_find(struct strata *strata, const barks_batch *batch,
                          const uint32_t **out_found)
{
    BARKS_TRY(reserve(strata, batch->row_count)); /* zeros: the only stratum */
    if (strata->key_columns->count > 0)
        join_table_find(&strata->table, batch, strata->key_columns->items, strata->found);
    *out_found = strata->found;
    return NULL;
}
