#include "shuffle/combine.h"

#include "base/calling.h"
#include "base/checked.h"
#include "base/pool.h"
#include "batch/schema.h"
#include "shuffle/combine_table.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Of a million rows one in ten may repeat a key and combining does not pay. The fewer rows there
 * are the fewer of them repeat one of as many keys, in proportion. */
static const uint64_t useless_rows = UINT64_C(1) << 20;
static const uint64_t useless_rows_min = UINT64_C(1) << 18;
static const uint64_t useless_full_rows_min = UINT64_C(1) << 16;

/* Garbage that bodies leave by keeping another string in an accumulator is left until then. */
static const uint64_t garbage_bytes_min = UINT64_C(1) << 20;

/* --- Making --- */

BARKS_CHECKED static barks_status *check_function(const struct combine_options *options)
{
    const barks_function *function = options->function;
    const barks_record *accumulator = options->accumulator;
    if (function == NULL)
        return NULL;
    if (function->kind != BARKS_KIND_REDUCE && function->kind != BARKS_KIND_AGGREGATE)
        BARKS_FAIL(BARKS_INVALID, "function '%s' neither reduces nor aggregates", function->name);
    if (function->in == NULL)
        return NULL; /* one that takes rows of any record */
    const barks_record *folded = function->kind == BARKS_KIND_REDUCE ? function->in : function->out;
    if (folded->size != accumulator->size || !schema_equal(&folded->schema, &accumulator->schema))
        BARKS_FAIL(BARKS_INVALID, "function '%s' folds into record '%s', not into '%s'",
                   function->name, folded->name, accumulator->name);
    return NULL;
}

static const barks_schema *load_schema(const struct combine_options *options)
{
    if (options->function == NULL)
        return &options->accumulator->schema;
    return options->function->in != NULL ? &options->function->in->schema : options->in;
}

BARKS_CHECKED static barks_status *check_columns(const struct combine_options *options)
{
    const barks_schema *in = options->in, *out = &options->accumulator->schema;
    for (uint32_t i = 0; i < options->key_count; i++) {
        if (options->key_columns[i] >= in->field_count ||
            options->key_fields[i] >= out->field_count)
            BARKS_FAIL(BARKS_INVALID,
                       "key %" PRIu32 " is no column of the rows or no field of '%s'", i,
                       options->accumulator->name);
        const barks_field *column = &in->fields[options->key_columns[i]];
        const barks_field *field = &out->fields[options->key_fields[i]];
        if (!type_equal(column->type, field->type) || (column->nullable && !field->nullable))
            BARKS_FAIL(BARKS_INVALID, "key column '%s' differs in type from field '%s' of '%s'",
                       column->name, field->name, options->accumulator->name);
    }
    const barks_schema *loaded = load_schema(options);
    for (uint32_t i = 0; i < loaded->field_count; i++) {
        uint32_t column = options->function_columns == NULL ? i : options->function_columns[i];
        if (column >= in->field_count ||
            !type_equal(in->fields[column].type, loaded->fields[i].type) ||
            (in->fields[column].nullable && !loaded->fields[i].nullable))
            BARKS_FAIL(BARKS_INVALID, "the rows have no column for field '%s' of '%s'",
                       loaded->fields[i].name, options->accumulator->name);
    }
    return NULL;
}

static enum find_kind choose_find_kind(const struct combine_options *options)
{
    if (options->key_count == 0)
        return FIND_ONE;
    if (options->key_count > 1 ||
        options->accumulator->schema.fields[options->key_fields[0]].nullable ||
        options->in->fields[options->key_columns[0]].nullable)
        return FIND_ANY;
    barks_type_id id = options->in->fields[options->key_columns[0]].type->id;
    if (id == BARKS_STR || id == BARKS_BYTES)
        return FIND_STR;
    return id == BARKS_I64 ? FIND_I64 : id == BARKS_I32 ? FIND_I32 : FIND_ANY;
}

static bool needs_canonical_form(const barks_type *type)
{
    if (type->id == BARKS_LIST)
        return needs_canonical_form(type->item);
    if (type->id == BARKS_STRUCT)
        for (uint32_t i = 0; i < type->fields->field_count; i++)
            if (needs_canonical_form(type->fields->fields[i].type))
                return true;
    return type->id == BARKS_F32 || type->id == BARKS_F64;
}

static bool holds_list(const barks_schema *schema)
{
    for (uint32_t i = 0; i < schema->field_count; i++) {
        const barks_type *type = schema->fields[i].type;
        if (type->id == BARKS_LIST || (type->id == BARKS_STRUCT && holds_list(type->fields)))
            return true;
    }
    return false;
}

static uint32_t *copy_indices(const uint32_t *indices, uint32_t count)
{
    uint32_t *copy = calloc((size_t)count + 1, sizeof *copy);
    for (uint32_t i = 0; copy != NULL && i < count; i++)
        copy[i] = indices == NULL ? i : indices[i];
    return copy;
}

BARKS_CHECKED static barks_status *init(struct combine *combine,
                                        const struct combine_options *options)
{
    const barks_record *accumulator = options->accumulator;
    combine->options = *options;
    combine->options.hash_and = options->hash_and == 0 ? UINT64_MAX : options->hash_and;
    combine->options.hash_or = options->hash_or | 1;
    combine->is_test = options->hash_and != 0 || options->hash_or != 0;
    combine->hashes = combine->hash_room[0];
    combine->next_hashes = combine->hash_room[1];
    combine->first_bits = FIRST_BITS;
    combine->window = options->window;
    combine->keep.pool = options->pool;
    combine->scope.keep = &combine->keep;
    combine->field_count = accumulator->schema.field_count;
    combine->load_count = load_schema(options)->field_count;
    combine->options.key_columns = copy_indices(options->key_columns, options->key_count);
    combine->options.key_fields = copy_indices(options->key_fields, options->key_count);
    combine->load_columns = copy_indices(options->function_columns, combine->load_count);
    combine->owned_fields = calloc((size_t)combine->field_count + 1, sizeof(uint32_t));
    combine->bound = calloc((size_t)combine->load_count + 1, sizeof *combine->bound);
    combine->bound_out = calloc((size_t)combine->field_count + 1, sizeof *combine->bound_out);
    if (combine->options.key_columns == NULL || combine->options.key_fields == NULL ||
        combine->load_columns == NULL || combine->owned_fields == NULL || combine->bound == NULL ||
        combine->bound_out == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a table of '%s'", accumulator->name);
    BARKS_TRY(accumulator_fields_create(accumulator, &combine->fields));
    combine->has_lists = holds_list(&accumulator->schema);
    for (uint32_t i = 0; i < combine->field_count; i++)
        if (combine->fields[i].has_pointers ||
            (combine_is_key_field(options, i) && needs_canonical_form(combine->fields[i].type)))
            combine->owned_fields[combine->owned_count++] = i;
    combine->find_kind = choose_find_kind(options);
    if (options->key_count > 0)
        combine->key_offset = combine->fields[options->key_fields[0]].offset;
    combine->stride_bytes = sizeof(struct slot) + ((accumulator->size + 7) & ~(size_t)7);
    return NULL;
}

barks_status *combine_create(const struct combine_options *options, struct combine **out_combine)
{
    BARKS_TRY(check_function(options));
    BARKS_TRY(check_columns(options));
    struct combine *combine = calloc(1, sizeof *combine);
    if (combine == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a table of '%s'", options->accumulator->name);
    barks_status *status = init(combine, options);
    if (status != NULL) {
        combine_destroy(combine);
        return status;
    }
    *out_combine = combine;
    return NULL;
}

static void free_indices(const uint32_t *indices)
{
    free((void *)(uintptr_t)indices); /* our own copy */
}

void combine_release_slots(struct combine *combine)
{
    if (combine->slots != NULL)
        pool_release(combine->options.pool, combine->slots + combine->released_bytes,
                     combine->slots_bytes - combine->released_bytes);
    combine->slots = NULL;
    combine->slots_bytes = 0;
    combine->released_bytes = 0;
    combine->bits = 0;
    combine->displacement = 0;
    combine->inserted = 0;
    combine->distance_max = 0;
}

void combine_destroy(struct combine *combine)
{
    if (combine == NULL)
        return;
    combine_release_slots(combine);
    combine_array_release(combine);
    keeper_drop(&combine->keep);
    batch_destroy(combine->output);
    accumulator_fields_destroy(combine->fields, combine->field_count);
    free_indices(combine->options.key_columns);
    free_indices(combine->options.key_fields);
    free(combine->load_columns);
    free(combine->owned_fields);
    free(combine->bound);
    free(combine->bound_out);
    free(combine->staged);
    free(combine);
}

/* --- Adding --- */

/* A call of the function for rows of one batch, stretch by stretch. */
struct fold {
    barks_call call;
    uint64_t kept_bytes; /* before */
    struct calling before;
};

static struct fold fold_begin(struct combine *combine, const barks_batch *batch)
{
    const barks_function *function = combine->options.function;
    return (struct fold){
        .before = calling_begin((struct calling){.name = function->name, .where = function->where}),
        .call = {.columns = combine->bound,
                 .row_count = batch->row_count,
                 .env = combine->options.env,
                 .batch = batch,
                 .task_self = &combine->scope},
        .kept_bytes = combine->keep.kept_bytes};
}

static bool fold_stretch(struct combine *combine, struct fold *fold, void *const *accumulators,
                         uint32_t first_row, uint32_t count)
{
    if (count > 0)
        combine->options.function->fold(&fold->call, accumulators, first_row, count);
    return fold->call.status == NULL;
}

BARKS_CHECKED static barks_status *fold_end(struct combine *combine, const struct fold *fold,
                                            uint32_t *out_row)
{
    calling_end(fold->before);
    combine->fold_kept_bytes += combine->keep.kept_bytes - fold->kept_bytes;
    if (fold->call.status != NULL)
        *out_row = fold->call.row_index;
    return fold->call.status;
}

barks_status *combine_fold(struct combine *combine, const barks_batch *batch,
                           void *const *accumulators, uint32_t first_row, uint32_t count,
                           uint32_t *out_row)
{
    if (combine->options.function == NULL)
        return NULL;
    struct fold fold = fold_begin(combine, batch);
    (void)fold_stretch(combine, &fold, accumulators, first_row, count); /* fold_end tells */
    return fold_end(combine, &fold, out_row);
}

/* Folds the rows of a look-up, but not those that an accumulator began as a copy of: what lies
 * between these is often short. */
BARKS_CHECKED static barks_status *fold_found(struct combine *combine, const barks_batch *batch,
                                              uint32_t first, uint32_t row_count, uint32_t *out_row)
{
    if (combine->options.function == NULL || combine_folds_first_row(combine))
        return combine_fold(combine, batch, combine->accumulators, first, row_count, out_row);
    struct fold fold = fold_begin(combine, batch);
    uint32_t begin = 0;
    bool is_well = true;
    for (uint32_t f = 0; f < combine->fresh_count && is_well; f++) {
        uint32_t end = combine->fresh[f];
        is_well =
            fold_stretch(combine, &fold, &combine->accumulators[begin], first + begin, end - begin);
        begin = end + 1;
    }
    if (is_well)
        (void)fold_stretch(combine, &fold, &combine->accumulators[begin], first + begin,
                           row_count - begin); /* fold_end tells */
    return fold_end(combine, &fold, out_row);
}

/* Copies what accumulators point to once more and lets go of the rest. */
BARKS_CHECKED static barks_status *compact(struct combine *combine)
{
    uint32_t old_blocks = keeper_begin_copy(&combine->keep);
    uint64_t kept_bytes = combine->keep.kept_bytes;
    for (uint64_t i = 0; i < combine_slot_count(combine); i++) {
        struct slot *slot = combine_slot(combine, i);
        for (uint32_t f = 0; slot->hash != 0 && f < combine->owned_count; f++)
            BARKS_TRY(accumulator_own(&combine->fields[combine->owned_fields[f]],
                                      slot_accumulator(slot), false, &combine->keep));
    }
    keeper_release_first(&combine->keep, old_blocks);
    combine->live_bytes = combine->keep.kept_bytes - kept_bytes;
    combine->fold_kept_bytes = 0;
    return NULL;
}

/* What is live is copied before the rest goes. Where that may be too much, the table is better
 * drained, which leaves the garbage behind; but no accumulator alone is smaller then. */
static bool may_compact(const struct combine *combine)
{
    uint64_t limit = combine->options.bytes_limit;
    return limit == 0 || combine->row_count == 1 ||
           combine_bytes(combine) + combine->keep.held_bytes <= limit;
}

barks_status *combine_add(struct combine *combine, const struct batch *batch, uint32_t *out_row)
{
    const barks_batch *rows = &batch->base;
    combine_bind(combine, rows);
    for (uint32_t first = 0; first < rows->row_count; first += FIND_ROWS) {
        uint32_t count = rows->row_count - first;
        if (count > FIND_ROWS)
            count = FIND_ROWS;
        BARKS_TRY(combine_check_cancelled(combine));
        BARKS_TRY(combine_make_room(combine, count));
        BARKS_TRY(combine_find(combine, rows, first, count));
        BARKS_TRY(fold_found(combine, rows, first, count, out_row));
    }
    combine->rows_added += rows->row_count;
    combine->rows_since_drain += rows->row_count;
    if (combine->fold_kept_bytes <= garbage_bytes_min + combine->live_bytes)
        return NULL;
    if (may_compact(combine))
        return compact(combine);
    combine->is_full = true;
    return NULL;
}

void combine_clear(struct combine *combine)
{
    /* Not emptied slot by slot: most tables are drained once, and to write to all slots would cost
     * as much as to read them did. */
    bool far_too_many = combine_slot_count(combine) > 16 * combine->row_count &&
                        combine->slots_bytes > COMBINE_SMALL_BYTES;
    combine->first_bits = combine->slots == NULL || far_too_many ? FIRST_BITS : combine->bits;
    combine_release_slots(combine);
    combine_array_release(combine);
    keeper_drop(&combine->keep);
    combine->row_count = 0;
    combine->rows_since_drain = 0;
    combine->fold_kept_bytes = 0;
    combine->live_bytes = 0;
    combine->is_full = false;
}

void combine_begin_part(struct combine *combine, uint32_t shared_bits)
{
    assert(combine->row_count == 0);
    uint32_t shift = shared_bits < 64 ? shared_bits : 63;
    if (shift != combine->hash_shift)
        combine->first_bits = FIRST_BITS; /* of another size than the last table */
    combine->hash_shift = shift;
}

/* --- Counts --- */

uint64_t combine_row_count(const struct combine *combine) { return combine->row_count; }

uint64_t combine_rows_added(const struct combine *combine) { return combine->rows_added; }

uint64_t combine_bytes(const struct combine *combine)
{
    return combine->slots_bytes - combine->released_bytes + combine->array.bytes -
           combine->array.released_bytes + combine->keep.held_bytes;
}

struct key_window combine_key_window(const struct combine *combine) { return combine->window; }

bool combine_is_full(const struct combine *combine)
{
    uint64_t bytes = combine_bytes(combine), limit = combine->options.bytes_limit;
    if (combine->row_count == 0)
        return false;
    if (combine->is_full)
        return true;
    if (limit == 0)
        return false;
    bool grows_next = combine_would_pass(combine, BATCH_ROWS, LOAD_EIGHTHS);
    return bytes > limit || (grows_next && bytes + combine->slots_bytes > limit);
}

bool combine_outgrows(const struct combine *combine, uint64_t bytes, uint32_t row_count)
{
    uint64_t grown_bytes = combine->slots_bytes;
    if (combine_would_pass(combine, row_count, LOAD_EIGHTHS))
        grown_bytes *= 2;
    return grown_bytes > bytes && combine->row_count * 2 >= combine->rows_since_drain;
}

bool combine_is_useless(const struct combine *combine)
{
    const uint64_t rows = combine->rows_since_drain, repeated = rows - combine->row_count;
    bool is_full = combine_is_full(combine);
    if (rows < (is_full ? useless_full_rows_min : useless_rows_min))
        return false;
    return repeated <
           (is_full || rows > useless_rows ? rows / 10 : rows * rows / 10 / useless_rows);
}

bool combine_is_sound(const struct combine *combine)
{
    uint64_t taken = 0;
    for (uint64_t i = 0; i < combine_slot_count(combine); i++) {
        uint64_t hash = combine_slot(combine, i)->hash;
        if (hash == 0)
            continue;
        taken++;
        /* No empty slot between where the search begins and where the accumulator is. */
        for (uint64_t at = combine_home(combine, hash); at != i;
             at = (at + 1) & (combine_slot_count(combine) - 1))
            if (combine_slot(combine, at)->hash == 0)
                return false;
    }
    uint64_t place = 0, in_array = 0;
    for (; combine_array_next(combine, &place) != NULL; place++)
        in_array++;
    return in_array == combine->array.taken_count && taken + in_array == combine->row_count;
}
