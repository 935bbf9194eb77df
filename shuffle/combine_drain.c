/* Emptying the combine table into batches, in the order of hashes or as slots lie. */
#include "base/pool.h"
#include "shuffle/combine_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Slots that are looked at together. */
enum { DRAIN_SLOTS = 2048 };

/* Taken slots are almost in order, so they are put in order by insertion; by qsort where that moves
 * each of them further than this on average, as it does in tables that are crowded. */
enum { INSERTION_MOVES_MAX = 16 };

/* The strings of a batch should not be more than this: whoever copies them has that much twice. */
enum { STRING_BYTES_AIM = 1 << 20 };

struct drain {
    struct combine *combine;
    uint32_t rows_max; /* of a batch */
    barks_status *(*visit)(void *context, struct batch *batch);
    void *context;
    struct slot **taken; /* owned; of the slots looked at together, those to be given out */
    size_t taken_count;
    size_t taken_capacity;
    uint8_t *wrapped; /* owned; copies of slots */
    size_t wrapped_count;
};

static void drain_drop(struct drain *drain)
{
    free(drain->taken);
    free(drain->wrapped);
}

/* --- Staged accumulators become batches --- */

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
    if (combine->has_lists || combine->options.accumulator->to_columns == NULL)
        BARKS_TRY(store_fields(combine));
    else
        combine->options.accumulator->to_columns(combine->staged, row_count, combine->bound_out, 0,
                                                 NULL);
    combine->staged_count = 0;
    return drain->visit(drain->context, output);
}

static uint32_t rows_of_batch(const struct combine *combine)
{
    uint64_t bytes = combine->keep.held_bytes, aim = STRING_BYTES_AIM;
    if (bytes <= aim || bytes / aim <= combine->row_count / BATCH_ROWS)
        return BATCH_ROWS;
    uint64_t rows = combine->row_count / (bytes / aim);
    return rows == 0 ? 1 : rows < BATCH_ROWS ? (uint32_t)rows : BATCH_ROWS;
}

/* --- Order --- */

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

BARKS_CHECKED static barks_status *reserve(struct drain *drain, size_t slot_count)
{
    if (drain->taken_count + slot_count <= drain->taken_capacity)
        return NULL;
    size_t capacity = 2 * (drain->taken_count + slot_count);
    struct slot **taken = realloc(drain->taken, capacity * sizeof(struct slot *));
    if (taken == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to put %zu accumulators in order", capacity);
    drain->taken = taken;
    drain->taken_capacity = capacity;
    return NULL;
}

/* Adds those of slots [begin, end) that are taken; without branches, since which ones are is as
 * good as random. */
BARKS_CHECKED static barks_status *collect(struct drain *drain, uint64_t begin, uint64_t end)
{
    BARKS_TRY(reserve(drain, end - begin));
    size_t count = drain->taken_count;
    for (uint64_t i = begin; i < end; i++) {
        struct slot *slot = combine_slot(drain->combine, i);
        drain->taken[count] = slot;
        count += slot->hash != 0;
    }
    drain->taken_count = count;
    return NULL;
}

static void put_in_order(struct drain *drain)
{
    struct slot **taken = drain->taken;
    size_t moves_left = INSERTION_MOVES_MAX * drain->taken_count;
    for (size_t i = 1; i < drain->taken_count; i++) {
        struct slot *slot = taken[i];
        size_t to = i;
        for (; to > 0 && goes_before(drain->combine, slot, taken[to - 1]); to--)
            taken[to] = taken[to - 1];
        taken[to] = slot;
        if (i - to > moves_left) {
            qsort_r(taken, drain->taken_count, sizeof(struct slot *), compare_slots,
                    drain->combine);
            return;
        }
        moves_left -= i - to;
    }
}

BARKS_CHECKED static barks_status *give_out_taken(struct drain *drain)
{
    struct combine *combine = drain->combine;
    size_t size_bytes = combine->options.accumulator->size;
    for (size_t i = 0; i < drain->taken_count; i++) {
        copy_words(combine->staged + combine->staged_count * size_bytes,
                   slot_accumulator(drain->taken[i]), size_bytes);
        if (++combine->staged_count >= drain->rows_max)
            BARKS_TRY(visit_staged(drain));
    }
    drain->taken_count = 0;
    return NULL;
}

/* Whether what is in slot index went on searching from the end of the table to its beginning. */
static bool is_wrapped(const struct combine *combine, uint64_t index)
{
    const struct slot *slot = combine_slot(combine, index);
    return slot->hash != 0 && combine_home(combine, slot->hash) > index;
}

/* Copies those of the first slots that are wrapped: they come last, when these slots are gone. */
BARKS_CHECKED static barks_status *copy_wrapped(struct drain *drain, uint64_t first_empty)
{
    struct combine *combine = drain->combine;
    for (uint64_t i = 0; i < first_empty; i++)
        drain->wrapped_count += is_wrapped(combine, i);
    drain->wrapped = malloc(drain->wrapped_count * combine->stride_bytes + 1);
    if (drain->wrapped == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to put accumulators in order");
    uint8_t *to = drain->wrapped;
    for (uint64_t i = 0; i < first_empty; i++)
        if (is_wrapped(combine, i)) {
            copy_words(to, combine_slot(combine, i), combine->stride_bytes);
            to += combine->stride_bytes;
        }
    return NULL;
}

BARKS_CHECKED static barks_status *collect_first(struct drain *drain, uint64_t first_empty)
{
    BARKS_TRY(reserve(drain, first_empty));
    for (uint64_t i = 0; i < first_empty; i++)
        if (!is_wrapped(drain->combine, i))
            drain->taken[drain->taken_count++] = combine_slot(drain->combine, i);
    return NULL;
}

BARKS_CHECKED static barks_status *collect_wrapped(struct drain *drain)
{
    BARKS_TRY(reserve(drain, drain->wrapped_count));
    for (size_t i = 0; i < drain->wrapped_count; i++) {
        void *slot = drain->wrapped + i * drain->combine->stride_bytes;
        drain->taken[drain->taken_count++] = slot;
    }
    return NULL;
}

/* Slots before this one have been given out: their memory is for what they have become. */
static void release_before(struct combine *combine, uint64_t index)
{
    size_t front_bytes = index * combine->stride_bytes - combine->released_bytes;
    combine->released_bytes +=
        pool_release_front(combine->options.pool, combine->slots + combine->released_bytes,
                           combine->slots_bytes - combine->released_bytes, front_bytes);
}

/* A run of taken slots holds exactly the keys that hash into it, so that pieces which end at empty
 * slots are in order once each of them is. The run at the very end may go on at the beginning:
 * those that did come last, and what hashed to the beginning first. */
BARKS_CHECKED static barks_status *drain_in_order(struct drain *drain)
{
    struct combine *combine = drain->combine;
    const uint64_t slot_count = combine_slot_count(combine);
    uint64_t first_empty = 0;
    while (combine_slot(combine, first_empty)->hash != 0)
        first_empty++;
    BARKS_TRY(copy_wrapped(drain, first_empty));
    BARKS_TRY(collect_first(drain, first_empty));
    put_in_order(drain);
    BARKS_TRY(give_out_taken(drain));
    for (uint64_t begin = first_empty, end; begin < slot_count; begin = end) {
        end = begin + DRAIN_SLOTS < slot_count ? begin + DRAIN_SLOTS : slot_count;
        while (end < slot_count && combine_slot(combine, end)->hash != 0)
            end++;
        BARKS_TRY(collect(drain, begin, end));
        if (end == slot_count)
            BARKS_TRY(collect_wrapped(drain));
        put_in_order(drain);
        BARKS_TRY(give_out_taken(drain));
        release_before(combine, end);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *drain_as_it_lies(struct drain *drain)
{
    const uint64_t slot_count = combine_slot_count(drain->combine);
    for (uint64_t begin = 0, end; begin < slot_count; begin = end) {
        end = begin + DRAIN_SLOTS < slot_count ? begin + DRAIN_SLOTS : slot_count;
        BARKS_TRY(collect(drain, begin, end));
        BARKS_TRY(give_out_taken(drain));
        release_before(drain->combine, end);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *drain_array(struct drain *drain)
{
    struct combine *combine = drain->combine;
    size_t size_bytes = combine->options.accumulator->size;
    uint8_t *accumulator = NULL;
    for (uint64_t place = 0; (accumulator = combine_array_next(combine, &place)) != NULL; place++) {
        copy_words(combine->staged + combine->staged_count * size_bytes, accumulator, size_bytes);
        if (++combine->staged_count < drain->rows_max)
            continue;
        BARKS_TRY(visit_staged(drain));
        combine_array_release_before(combine, place + 1);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *drain_all(struct drain *drain, bool ordered)
{
    BARKS_TRY(prepare_output(drain->combine));
    assert(!ordered || drain->combine->array.places == NULL);
    BARKS_TRY(drain_array(drain));
    BARKS_TRY(ordered ? drain_in_order(drain) : drain_as_it_lies(drain));
    return visit_staged(drain);
}

barks_status *combine_drain(struct combine *combine, bool ordered,
                            barks_status *(*visit)(void *context, struct batch *batch),
                            void *context)
{
    struct drain drain = {
        .combine = combine, .rows_max = rows_of_batch(combine), .visit = visit, .context = context};
    barks_status *status = combine->row_count == 0 ? NULL : drain_all(&drain, ordered);
    drain_drop(&drain);
    combine_clear(combine);
    if (combine->output != NULL)
        batch_clear(combine->output);
    return status;
}

/* --- Rows that pass --- */

BARKS_CHECKED static barks_status *pass_rows(struct drain *drain, const barks_batch *rows,
                                             uint32_t *out_row)
{
    struct combine *combine = drain->combine;
    size_t size_bytes = combine->options.accumulator->size;
    bool folds = combine_folds_first_row(combine);
    BARKS_TRY(prepare_output(combine));
    combine_bind(combine, rows);
    for (uint32_t first = 0; first < rows->row_count; first += FIND_ROWS) {
        uint32_t count = rows->row_count - first < FIND_ROWS ? rows->row_count - first : FIND_ROWS;
        uint8_t *begun = combine->staged + combine->staged_count * size_bytes;
        BARKS_TRY(combine_check_cancelled(combine));
        BARKS_TRY(combine_begin_accumulators(combine, rows, first, count, begun));
        for (uint32_t k = 0; k < count; k++)
            combine->accumulators[k] = begun + k * size_bytes;
        if (folds)
            BARKS_TRY(combine_fold(combine, rows, combine->accumulators, first, count, out_row));
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
