/* What an accumulator is before the first row is folded into it. */
#include "shuffle/combine_table.h"

#include <assert.h>
#include <string.h>

void combine_bind(struct combine *combine, const barks_batch *batch)
{
    for (uint32_t i = 0; i < combine->load_count; i++)
        combine->bound[i] = &batch->columns[combine->load_columns[i]];
}

/* Makes accumulator what one of no rows is, but for its key, out of row. */
static void begin_with_initial(struct combine *combine, const barks_batch *batch, uint32_t row,
                               void *accumulator)
{
    const struct combine_options *options = &combine->options;
    if (options->initial != NULL)
        memcpy(accumulator, options->initial, options->accumulator->size);
    else
        memset(accumulator, 0, options->accumulator->size);
    for (uint32_t i = 0; i < options->key_count; i++)
        accumulator_load(&combine->fields[options->key_fields[i]],
                         &batch->columns[options->key_columns[i]], row, accumulator);
}

/* Makes accumulators, one behind the other, of rows: indices to be copied. */
static void load_rows(const struct combine *combine, const uint32_t *rows, uint32_t row_count,
                      uint8_t *accumulators)
{
    const barks_record *record = combine->options.accumulator;
    if (record->from_columns != NULL) {
        record->from_columns(combine->bound, rows, row_count, accumulators);
        return;
    }
    for (uint32_t k = 0; k < row_count; k++)
        for (uint32_t i = 0; i < combine->field_count; i++)
            accumulator_load(&combine->fields[i], combine->bound[i], rows[k],
                             accumulators + k * record->size);
}

BARKS_CHECKED static barks_status *own_fields(struct combine *combine, void *accumulator)
{
    for (uint32_t i = 0; i < combine->owned_count; i++) {
        uint32_t field = combine->owned_fields[i];
        BARKS_TRY(accumulator_own(&combine->fields[field], accumulator,
                                  combine_is_key_field(&combine->options, field), &combine->keep));
    }
    return NULL;
}

barks_status *combine_begin_accumulator(struct combine *combine, const barks_batch *batch,
                                        uint32_t row, void *accumulator)
{
    if (combine_folds_first_row(combine))
        begin_with_initial(combine, batch, row, accumulator);
    else
        load_rows(combine, &row, 1, accumulator);
    return own_fields(combine, accumulator);
}

barks_status *combine_begin_accumulators(struct combine *combine, const barks_batch *batch,
                                         uint32_t first_row, uint32_t count, void *accumulators)
{
    const size_t size_bytes = combine->options.accumulator->size;
    uint8_t *begun = accumulators;
    assert(count <= FIND_ROWS);
    if (combine_folds_first_row(combine)) {
        for (uint32_t k = 0; k < count; k++)
            begin_with_initial(combine, batch, first_row + k, begun + k * size_bytes);
    } else {
        uint32_t rows[FIND_ROWS];
        for (uint32_t k = 0; k < count; k++)
            rows[k] = first_row + k;
        load_rows(combine, rows, count, begun);
    }
    for (uint32_t k = 0; k < count && combine->owned_count > 0; k++)
        BARKS_TRY(own_fields(combine, begun + k * size_bytes));
    return NULL;
}
