#include "exec/step.h"

#include "base/copy.h"
#include "base/pack.h"
#include "batch/codec.h"
#include "exec/emit.h"
#include "exec/record_registry.h"
#include "exec/registry.h"

#include <stdlib.h>
#include <string.h>

/* ---- lists of columns ---- */

barks_status *index_list_copy(const uint32_t *items, uint32_t count, struct index_list *out)
{
    void *copy = NULL;
    BARKS_TRY(copy_bytes(items, count * sizeof *items, &copy));
    *out = (struct index_list){.items = copy, .count = count};
    return NULL;
}

void index_list_drop(struct index_list *list)
{
    free(list->items);
    *list = (struct index_list){0};
}

bool index_list_equal(const struct index_list *a, const struct index_list *b)
{
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->items, b->items, a->count * sizeof *a->items) == 0);
}

/* ---- kinds ---- */

bool step_is_leaf(enum step_kind kind) { return step_inputs_max(kind) == 0; }

uint32_t step_inputs_max(enum step_kind kind)
{
    switch (kind) {
    case STEP_NONE:
    case STEP_FILES:
    case STEP_ROWS:
    case STEP_NUMBERS:
    case STEP_CUSTOM:
    case STEP_SHUFFLE:
    case STEP_BROADCAST:
    case STEP_KEPT:
        return 0;
    case STEP_FUNCTION:
    case STEP_COMBINE:
    case STEP_SORT:
    case STEP_PROJECT:
    case STEP_SAMPLE:
    case STEP_NUMBER:
    case STEP_GROUP:
    case STEP_GLOM:
    case STEP_PIPE:
    case STEP_KEEP:
    case STEP_BOUND:
    case STEP_INDEX:
    case STEP_HEADS:
    case STEP_SCAN:
    case STEP_PROBE:
    case STEP_COALESCE:
    case STEP_PICK:
    case STEP_EXCHANGE:
        return 1;
    case STEP_PAIR:
    case STEP_JOIN:
    case STEP_LOOKUP:
    case STEP_CROSS:
    case STEP_WINDOWS:
        return 2;
    case STEP_COGROUP:
        return STEP_INPUTS_MAX;
    case STEP_UNION:
        return UINT32_MAX;
    }
    return 0;
}

const char *step_kind_name(enum step_kind kind)
{
    static const char *const names[] = {[STEP_NONE] = "nothing",
                                        [STEP_FILES] = "files",
                                        [STEP_ROWS] = "rows",
                                        [STEP_NUMBERS] = "numbers",
                                        [STEP_CUSTOM] = "source",
                                        [STEP_SHUFFLE] = "shuffle",
                                        [STEP_FUNCTION] = "function",
                                        [STEP_COMBINE] = "combine",
                                        [STEP_SORT] = "sort",
                                        [STEP_PROJECT] = "select",
                                        [STEP_SAMPLE] = "sample",
                                        [STEP_NUMBER] = "number",
                                        [STEP_GROUP] = "group",
                                        [STEP_GLOM] = "glom",
                                        [STEP_PIPE] = "pipe",
                                        [STEP_KEEP] = "keep",
                                        [STEP_BOUND] = "bound",
                                        [STEP_HEADS] = "heads",
                                        [STEP_SCAN] = "scan",
                                        [STEP_WINDOWS] = "windows",
                                        [STEP_INDEX] = "index",
                                        [STEP_PROBE] = "probe",
                                        [STEP_COALESCE] = "coalesce",
                                        [STEP_PICK] = "pick",
                                        [STEP_UNION] = "union",
                                        [STEP_PAIR] = "zip",
                                        [STEP_JOIN] = "join",
                                        [STEP_BROADCAST] = "broadcast",
                                        [STEP_KEPT] = "local checkpoint",
                                        [STEP_LOOKUP] = "broadcast join",
                                        [STEP_COGROUP] = "cogroup",
                                        [STEP_CROSS] = "cartesian",
                                        [STEP_EXCHANGE] = "exchange"};
    return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : "unknown";
}

/* ---- life ---- */

void step_drop(struct step *step)
{
    free(step->env);
    free(step->merge_env);
    free(step->initial);
    batch_destroy(step->initial_rows);
    for (uint32_t i = 0; i < STEP_INPUTS_MAX; i++) {
        index_list_drop(&step->keys[i]);
        index_list_drop(&step->columns[i]);
    }
    free(step->order);
    for (uint32_t i = 0; i < step->text_count; i++)
        free(step->texts[i]);
    free(step->texts);
    free(step->bytes);
    *step = (struct step){0};
}

/* The struct that bodies are handed, from the row that travels. */
BARKS_CHECKED static barks_status *make_initial(struct step *step)
{
    const barks_record *record = step->initial_record;
    uint32_t field_count = record->schema.field_count;
    if (record->from_columns == NULL)
        BARKS_FAIL(BARKS_INVALID, "a first value of rows that no BARKS_RECORD names");
    if (step->initial_rows->base.row_count != 1)
        BARKS_FAIL(BARKS_BAD_INPUT, "a first value of %u rows", step->initial_rows->base.row_count);
    const barks_column **columns = calloc((size_t)field_count + 1, sizeof(const barks_column *));
    step->initial = calloc(1, record->size + 1);
    if (columns == NULL || step->initial == NULL) {
        free(columns);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the first value of '%s'", record->name);
    }
    for (uint32_t i = 0; i < field_count; i++)
        columns[i] = &step->initial_rows->base.columns[i];
    record->from_columns(columns, NULL, 1, step->initial);
    free(columns);
    return NULL;
}

barks_status *step_set_initial(struct step *step, const barks_record *record, const void *initial,
                               struct pool *pool)
{
    if (record->to_columns == NULL)
        BARKS_FAIL(BARKS_INVALID, "a first value of rows that no BARKS_RECORD names");
    step->initial_record = record;
    BARKS_TRY(batch_create(pool, &record->schema, 1, &step->initial_rows));
    BARKS_TRY(rows_to_batch(record, initial, 1, pool, step->initial_rows));
    return make_initial(step);
}

BARKS_CHECKED static barks_status *copy_initial(const struct step *from, struct step *out)
{
    out->initial_record = from->initial_record;
    BARKS_TRY(batch_create(from->initial_rows->pool, &from->initial_record->schema, 1,
                           &out->initial_rows));
    BARKS_TRY(batch_append(out->initial_rows, from->initial_rows, 0, 1, BATCH_COPY));
    return make_initial(out);
}

BARKS_CHECKED static barks_status *copy_texts(const struct step *from, struct step *out)
{
    if (from->text_count == 0)
        return NULL;
    out->texts = calloc((size_t)from->text_count + 1, sizeof *out->texts);
    if (out->texts == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %u texts", from->text_count);
    out->text_count = from->text_count;
    for (uint32_t i = 0; i < from->text_count; i++)
        BARKS_TRY(copy_text(from->texts[i], &out->texts[i]));
    return NULL;
}

BARKS_CHECKED static barks_status *copy_all(const struct step *from, struct step *out)
{
    *out = (struct step){.kind = from->kind,
                         .initial_record = from->initial_record,
                         .function = from->function,
                         .merge = from->merge,
                         .keeps_keys = from->keeps_keys};
    memcpy(out->numbers, from->numbers, sizeof out->numbers);
    memcpy(out->reals, from->reals, sizeof out->reals);
    if (from->env != NULL)
        BARKS_TRY(copy_bytes(from->env, from->function->env_size, &out->env));
    if (from->merge_env != NULL)
        BARKS_TRY(copy_bytes(from->merge_env, from->merge->env_size, &out->merge_env));
    if (from->initial_rows != NULL)
        BARKS_TRY(copy_initial(from, out));
    for (uint32_t i = 0; i < STEP_INPUTS_MAX; i++) {
        if (from->keys[i].count > 0)
            BARKS_TRY(index_list_copy(from->keys[i].items, from->keys[i].count, &out->keys[i]));
        if (from->columns[i].count > 0)
            BARKS_TRY(
                index_list_copy(from->columns[i].items, from->columns[i].count, &out->columns[i]));
    }
    if (from->order_count > 0)
        BARKS_TRY(
            copy_bytes(from->order, from->order_count * sizeof *from->order, (void **)&out->order));
    out->order_count = from->order_count;
    if (from->bytes != NULL)
        BARKS_TRY(copy_bytes(from->bytes, from->size_bytes, (void **)&out->bytes));
    out->size_bytes = from->size_bytes;
    return copy_texts(from, out);
}

barks_status *step_copy(const struct step *from, struct step *out)
{
    barks_status *status = copy_all(from, out);
    if (status != NULL)
        step_drop(out);
    return status;
}

/* ---- bytes ---- */

static void pack_u32s(struct packer *out, const struct index_list *list)
{
    pack_u64(out, list->count);
    for (uint32_t i = 0; i < list->count; i++)
        pack_u64(out, list->items[i]);
}

static void pack_function(struct packer *out, const barks_function *function, const void *env)
{
    pack_text(out, function != NULL ? function->name : NULL);
    if (function == NULL)
        return;
    pack_u64(out, function->kind);
    pack_bytes(out, env, function->env_size);
}

static void pack_rows(struct packer *out, const struct batch *rows)
{
    if (rows == NULL) {
        pack_bytes(out, NULL, 0);
        return;
    }
    uint64_t encoded_bytes = codec_encoded_bytes(&rows->base, 0, rows->base.row_count);
    uint8_t *encoded = malloc(encoded_bytes);
    if (encoded == NULL) {
        out->failed = true;
        return;
    }
    codec_encode(&rows->base, 0, rows->base.row_count, encoded);
    pack_bytes(out, encoded, encoded_bytes);
    free(encoded);
}

static void pack_real(struct packer *out, double real)
{
    uint64_t bits;
    memcpy(&bits, &real, sizeof bits);
    pack_u64(out, bits);
}

void step_pack(struct packer *out, const struct step *step)
{
    pack_u64(out, step->kind);
    pack_function(out, step->function, step->env);
    pack_function(out, step->merge, step->merge_env);
    record_pack(out, step->initial_record);
    pack_rows(out, step->initial_rows);
    for (uint32_t i = 0; i < STEP_INPUTS_MAX; i++) {
        pack_u32s(out, &step->keys[i]);
        pack_u32s(out, &step->columns[i]);
        pack_i64(out, step->numbers[i]);
        pack_real(out, step->reals[i]);
    }
    pack_u64(out, step->order_count);
    for (uint32_t i = 0; i < step->order_count; i++) {
        pack_u64(out, step->order[i].column);
        pack_bool(out, step->order[i].descending);
        pack_bool(out, step->order[i].nulls_first);
    }
    pack_u64(out, step->text_count);
    for (uint32_t i = 0; i < step->text_count; i++)
        pack_text(out, step->texts[i]);
    pack_bytes(out, step->bytes, step->size_bytes);
    pack_bool(out, step->keeps_keys);
}

_Static_assert(STEP_INPUTS_MAX == sizeof((struct step *)0)->numbers / sizeof(int64_t) &&
                   STEP_INPUTS_MAX == sizeof((struct step *)0)->reals / sizeof(double),
               "numbers and reals travel in one loop with the inputs' columns");

static struct index_list unpack_u32s(struct unpacker *in)
{
    uint32_t count = unpack_count(in);
    uint32_t *items = unpack_array(in, count, sizeof *items);
    for (uint32_t i = 0; i < count && items != NULL; i++)
        items[i] = unpack_u32(in);
    return (struct index_list){.items = items, .count = items != NULL ? count : 0};
}

/* Name and kind of a function become the function of this rank's binary. */
BARKS_CHECKED static barks_status *
unpack_function(struct unpacker *in, const barks_function **out_function, void **out_env)
{
    char *name = unpack_text(in);
    if (name == NULL)
        return NULL;
    barks_status *status =
        registry_require(name, (barks_function_kind)unpack_u32(in), out_function);
    free(name);
    BARKS_TRY(status);
    size_t given_bytes = 0;
    const uint8_t *given = unpack_bytes(in, &given_bytes);
    if (given == NULL)
        return NULL;
    if (given_bytes != (*out_function)->env_size)
        BARKS_FAIL(BARKS_INVALID,
                   "the env of '%s' has %zu bytes at the driver and %zu here: the ranks run "
                   "different programs",
                   (*out_function)->name, given_bytes, (*out_function)->env_size);
    return copy_bytes(given, given_bytes, out_env);
}

BARKS_CHECKED static barks_status *unpack_initial(struct unpacker *in, struct pool *pool,
                                                  struct step *out)
{
    BARKS_TRY(record_unpack(in, &out->initial_record));
    size_t size_bytes = 0;
    const uint8_t *bytes = unpack_bytes(in, &size_bytes);
    if (bytes == NULL)
        return NULL;
    if (out->initial_record == NULL)
        BARKS_FAIL(BARKS_BAD_INPUT, "a step of a plan has a first value of no record");
    BARKS_TRY(batch_create(pool, &out->initial_record->schema, 1, &out->initial_rows));
    BARKS_TRY(codec_decode(bytes, size_bytes, NULL, out->initial_rows));
    return make_initial(out);
}

static void unpack_order(struct unpacker *in, struct step *out)
{
    uint32_t count = unpack_count(in);
    out->order = unpack_array(in, count, sizeof *out->order);
    for (uint32_t i = 0; i < count && out->order != NULL; i++) {
        out->order[i].column = unpack_u32(in);
        out->order[i].descending = unpack_bool(in);
        out->order[i].nulls_first = unpack_bool(in);
    }
    out->order_count = out->order != NULL ? count : 0;
}

BARKS_CHECKED static barks_status *unpack_texts_and_bytes(struct unpacker *in, struct step *out)
{
    uint32_t count = unpack_count(in);
    out->texts = unpack_array(in, count, sizeof *out->texts);
    out->text_count = out->texts != NULL ? count : 0;
    for (uint32_t i = 0; i < out->text_count; i++)
        out->texts[i] = unpack_text(in);
    size_t size_bytes = 0;
    const uint8_t *bytes = unpack_bytes(in, &size_bytes);
    if (bytes != NULL)
        BARKS_TRY(copy_bytes(bytes, size_bytes, (void **)&out->bytes));
    out->size_bytes = size_bytes;
    return NULL;
}

barks_status *step_unpack(struct unpacker *in, struct pool *pool, struct step *out)
{
    *out = (struct step){.kind = (enum step_kind)unpack_u32(in)};
    BARKS_TRY(unpack_function(in, &out->function, &out->env));
    BARKS_TRY(unpack_function(in, &out->merge, &out->merge_env));
    BARKS_TRY(unpack_initial(in, pool, out));
    for (uint32_t i = 0; i < STEP_INPUTS_MAX; i++) {
        out->keys[i] = unpack_u32s(in);
        out->columns[i] = unpack_u32s(in);
        out->numbers[i] = unpack_i64(in);
        uint64_t bits = unpack_u64(in);
        memcpy(&out->reals[i], &bits, sizeof bits);
    }
    unpack_order(in, out);
    BARKS_TRY(unpack_texts_and_bytes(in, out));
    out->keeps_keys = unpack_bool(in);
    return NULL;
}
