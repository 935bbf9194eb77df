/* Accumulators that were drained go on where they stood. */
#include "base/pool.h"
#include "shuffle/combine_table.h"

BARKS_CHECKED static barks_status *load(struct combine *combine, const barks_batch *rows,
                                        uint32_t row, void *accumulator)
{
    for (uint32_t i = 0; i < combine->field_count; i++)
        accumulator_load(&combine->fields[i], &rows->columns[i], row, accumulator);
    for (uint32_t i = 0; i < combine->owned_count; i++)
        BARKS_TRY(accumulator_own(&combine->fields[combine->owned_fields[i]], accumulator, false,
                                  &combine->keep));
    return NULL;
}

/* Into the first empty slot from where the search for it begins. */
BARKS_CHECKED static barks_status *place(struct combine *combine, const barks_batch *rows,
                                         uint32_t row, uint64_t hash)
{
    const uint64_t mask = combine_slot_count(combine) - 1, home = combine_home(combine, hash);
    uint64_t distance = 0;
    while (combine_slot(combine, (home + distance) & mask)->hash != 0)
        distance++;
    struct slot *slot = combine_slot(combine, (home + distance) & mask);
    BARKS_TRY(load(combine, rows, row, slot_accumulator(slot)));
    combine_take_slot(combine, slot, hash, distance);
    return NULL;
}

barks_status *combine_load(struct combine *combine, const struct batch *accumulators)
{
    const barks_batch *rows = &accumulators->base;
    for (uint32_t first = 0; first < rows->row_count; first += FIND_ROWS) {
        uint32_t count = rows->row_count - first;
        if (count > FIND_ROWS)
            count = FIND_ROWS;
        uint64_t hashes[FIND_ROWS];
        combine_hash(combine, rows, combine->options.key_fields, first, count, hashes);
        BARKS_TRY(combine_make_room(combine, count));
        for (uint32_t k = 0; k < count; k++)
            BARKS_TRY(place(combine, rows, first + k, combine_slot_hash(combine, hashes[k])));
    }
    combine->rows_since_drain += rows->row_count;
    return NULL;
}
