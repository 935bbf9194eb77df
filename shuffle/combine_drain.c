/* Emptying the combine table into batches, in the order of hashes or as slots lie. */
#include "shuffle/combine_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Taken slots that are sorted by insertion; a longer run, which only crowded tables have, by qsort.
 */
enum { SHORT_RUN = 32 };

struct drain {
    struct combine *combine;
    barks_status *(*visit)(void *context, struct batch *batch);
    void *context;
    struct slot **run; /* owned; taken slots that are put in order together */
    size_t run_capacity;
};

static void drain_drop(struct drain *drain) { free(drain->run); }

/* --- Staged accumulators become batches
 * ------------------------------------------------------------ */

BARKS_CHECKED static barks_status *prepare_output(struct combine *combine)
{
    const barks_record *record = combine->options.accumulator;
    if (combine->staged == NULL)
        combine->staged = malloc(BATCH_ROWS * (record->size + 1));
    if (combine->staged == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for rows of '%s'", record->name);
    if (combine->output == NULL) {
        BARKS_TRY(
            batch_create(combine->options.pool, &record->schema, BATCH_ROWS, &combine->output));
        for (uint32_t i = 0; i < combine->field_count; i++)
            combine->bound_out[i] = &combine->output->base.columns[i];
    }
    combine->staged_count = 0;
    return NULL;
}

BARKS_CHECKED static barks_status *store_fields(struct combine *combine)
{
    size_t size_bytes = combine->options.accumulator->size;
    for (uint32_t row = 0; row < combine->staged_count; row++)
        for (uint32_t i = 0; i < combine->field_count; i++)
            BARKS_TRY(accumulator_store(&combine->fields[i], combine->staged + row * size_bytes,
                                        combine->output, &combine->output->base.columns[i], row));
    return NULL;
}

BARKS_CHECKED static barks_status *visit_staged(struct drain *drain)
{
    struct combine *combine = drain->combine;
    struct batch *output = combine->output;
    uint32_t row_count = combine->staged_count;
    if (row_count == 0)
        return NULL;
    batch_clear(output);
    BARKS_TRY(batch_reserve(output, row_count));
    for (uint32_t i = 0; i < combine->keep.block_count; i++)
        BARKS_TRY(batch_keep_block(output, combine->keep.blocks[i]));
    output->base.row_count = row_count; /* so that what a failure leaves half written is cleared */
    if (combine->has_lists)
        BARKS_TRY(store_fields(combine));
    else
        combine->options.accumulator->to_columns(combine->staged, row_count, combine->bound_out, 0,
                                                 NULL);
    combine->staged_count = 0;
    return drain->visit(drain->context, output);
}

BARKS_CHECKED static barks_status *give_out(struct drain *drain, struct slot *slot)
{
    struct combine *combine = drain->combine;
    size_t size_bytes = combine->options.accumulator->size;
    memcpy(combine->staged + combine->staged_count * size_bytes, slot_accumulator(slot),
           size_bytes);
    slot->hash = 0;
    combine->staged_count++;
    return combine->staged_count < BATCH_ROWS ? NULL : visit_staged(drain);
}

/* --- Order
 * ------------------------------------------------------------------------------------------- */

static int compare_keys(const struct combine *combine, struct slot *a, struct slot *b)
{
    for (uint32_t i = 0; i < combine->options.key_count; i++) {
        int order = accumulator_compare(&combine->fields[combine->options.key_fields[i]],
                                        slot_accumulator(a), slot_accumulator(b));
        if (order != 0)
            return order;
    }
    return 0;
}

static inline bool goes_before(const struct combine *combine, struct slot *a, struct slot *b)
{
    if (a->hash != b->hash)
        return a->hash < b->hash;
    return compare_keys(combine, a, b) < 0;
}

static int compare_slots(const void *a, const void *b, void *combine)
{
    struct slot *left = *(struct slot *const *)a, *right = *(struct slot *const *)b;
    if (left->hash != right->hash)
        return left->hash < right->hash ? -1 : 1;
    return compare_keys(combine, left, right);
}

BARKS_CHECKED static barks_status *add_to_run(struct drain *drain, struct slot *slot,
                                              size_t *run_length)
{
    if (*run_length == drain->run_capacity) {
        size_t capacity = drain->run_capacity == 0 ? 256 : 2 * drain->run_capacity;
        struct slot **run = realloc(drain->run, capacity * sizeof(struct slot *));
        if (run == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory to put %zu accumulators in order", capacity);
        drain->run = run;
        drain->run_capacity = capacity;
    }
    drain->run[(*run_length)++] = slot;
    return NULL;
}

BARKS_CHECKED static barks_status *give_out_run(struct drain *drain, size_t length)
{
    struct slot **run = drain->run;
    if (length > SHORT_RUN) {
        qsort_r(run, length, sizeof(struct slot *), compare_slots, drain->combine);
    } else {
        for (size_t i = 1; i < length; i++) {
            struct slot *slot = run[i];
            size_t to = i;
            for (; to > 0 && goes_before(drain->combine, slot, run[to - 1]); to--)
                run[to] = run[to - 1];
            run[to] = slot;
        }
    }
    for (size_t i = 0; i < length; i++)
        BARKS_TRY(give_out(drain, run[i]));
    return NULL;
}

/* A run of taken slots holds exactly the keys that hash into it, so that runs one after the other
 * are in order once each of them is. The run at the very end may go on at the beginning: those that
 * did come last, and what hashed to the beginning first. */
BARKS_CHECKED static barks_status *drain_in_order(struct drain *drain)
{
    struct combine *combine = drain->combine;
    const uint64_t slot_count = combine_slot_count(combine);
    uint64_t first_empty = 0;
    size_t length = 0;
    for (; combine_slot(combine, first_empty)->hash != 0; first_empty++) {
        struct slot *slot = combine_slot(combine, first_empty);
        if (combine_home(combine, slot->hash) <= first_empty)
            BARKS_TRY(add_to_run(drain, slot, &length));
    }
    BARKS_TRY(give_out_run(drain, length));
    length = 0;
    for (uint64_t i = first_empty + 1; i < slot_count; i++) {
        struct slot *slot = combine_slot(combine, i);
        if (slot->hash != 0) {
            BARKS_TRY(add_to_run(drain, slot, &length));
        } else if (length > 0) {
            BARKS_TRY(give_out_run(drain, length));
            length = 0;
        }
    }
    for (uint64_t i = 0; i < first_empty; i++) {
        struct slot *slot = combine_slot(combine, i);
        if (slot->hash != 0)
            BARKS_TRY(add_to_run(drain, slot, &length));
    }
    return give_out_run(drain, length);
}

BARKS_CHECKED static barks_status *drain_as_it_lies(struct drain *drain)
{
    const uint64_t slot_count = combine_slot_count(drain->combine);
    for (uint64_t i = 0; i < slot_count; i++) {
        struct slot *slot = combine_slot(drain->combine, i);
        if (slot->hash != 0)
            BARKS_TRY(give_out(drain, slot));
    }
    return NULL;
}

BARKS_CHECKED static barks_status *drain_all(struct drain *drain, bool ordered)
{
    BARKS_TRY(prepare_output(drain->combine));
    BARKS_TRY(ordered ? drain_in_order(drain) : drain_as_it_lies(drain));
    return visit_staged(drain);
}

barks_status *combine_drain(struct combine *combine, bool ordered,
                            barks_status *(*visit)(void *context, struct batch *batch),
                            void *context)
{
    struct drain drain = {.combine = combine, .visit = visit, .context = context};
    barks_status *status = combine->row_count == 0 ? NULL : drain_all(&drain, ordered);
    drain_drop(&drain);
    combine_clear(combine, status == NULL);
    if (combine->output != NULL)
        batch_clear(combine->output);
    return status;
}

/* --- Rows that pass
 * ------------------------------------------------------------------------------------ */

BARKS_CHECKED static barks_status *pass_rows(struct drain *drain, const barks_batch *rows,
                                             uint32_t *out_row)
{
    struct combine *combine = drain->combine;
    size_t size_bytes = combine->options.accumulator->size;
    bool folds = combine->options.function != NULL &&
                 combine->options.function->kind == BARKS_KIND_AGGREGATE;
    BARKS_TRY(prepare_output(combine));
    combine_bind(combine, rows);
    for (uint32_t first = 0; first < rows->row_count; first += FIND_ROWS) {
        uint32_t count = rows->row_count - first < FIND_ROWS ? rows->row_count - first : FIND_ROWS;
        for (uint32_t k = 0; k < count; k++) {
            combine->rows[k] = first + k;
            combine->accumulators[k] = combine->staged + (combine->staged_count + k) * size_bytes;
            BARKS_TRY(
                combine_begin_accumulator(combine, rows, first + k, combine->accumulators[k]));
        }
        if (folds)
            BARKS_TRY(combine_fold(combine, rows, count, out_row));
        combine->staged_count += count;
        if (combine->staged_count + FIND_ROWS > BATCH_ROWS)
            BARKS_TRY(visit_staged(drain));
    }
    return visit_staged(drain);
}

barks_status *combine_pass(struct combine *combine, const struct batch *batch, uint32_t *out_row,
                           barks_status *(*visit)(void *context, struct batch *batch),
                           void *context)
{
    assert(combine->row_count == 0);
    struct drain drain = {.combine = combine, .visit = visit, .context = context};
    barks_status *status = pass_rows(&drain, &batch->base, out_row);
    keeper_drop(&combine->keep);
    combine->fold_kept_bytes = 0;
    if (combine->output != NULL)
        batch_clear(combine->output);
    if (status == NULL)
        combine->rows_added += batch->base.row_count;
    return status;
}
