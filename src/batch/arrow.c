#include "batch/arrow.h"

#include "barks/str.h"
#include "batch/schema.h"
#include "batch/validity.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The batch that arrays point into: each array, and each child that may have been moved out, holds
 * it. */
struct shared_batch {
    _Atomic uint32_t holders;
    struct batch *batch; /* owned */
};

/* What an exported array owns. */
struct array_part {
    const void *buffers[3];
    void *made[3];                    /* owned: buffers that are not the batch's */
    struct ArrowArray *child_structs; /* owned */
    struct ArrowArray **children;     /* owned */
    struct shared_batch *shared;      /* one reference */
};

static void release_shared(struct shared_batch *shared)
{
    if (atomic_fetch_sub_explicit(&shared->holders, 1, memory_order_acq_rel) == 1) {
        batch_destroy(shared->batch);
        free(shared);
    }
}

static void release_array(struct ArrowArray *array)
{
    struct array_part *part = array->private_data;
    for (int64_t i = 0; i < array->n_children; i++) /* one that was moved out has no release */
        if (part->children[i]->release != NULL)
            part->children[i]->release(part->children[i]);
    for (int i = 0; i < 3; i++)
        free(part->made[i]);
    free(part->child_structs);
    free(part->children);
    release_shared(part->shared);
    free(part);
    array->release = NULL;
}

BARKS_CHECKED static barks_status *no_memory(void)
{
    BARKS_FAIL(BARKS_NO_MEMORY, "no memory for an Arrow array");
}

/* An array without children and buffers, for release_array. */
BARKS_CHECKED static barks_status *begin_array(struct shared_batch *shared, uint32_t row_count,
                                               uint32_t child_count, struct ArrowArray *out)
{
    struct array_part *part = calloc(1, sizeof *part);
    if (part != NULL) {
        part->child_structs = calloc((size_t)child_count + 1, sizeof *part->child_structs);
        part->children = calloc((size_t)child_count + 1, sizeof *part->children);
    }
    if (part == NULL || part->child_structs == NULL || part->children == NULL) {
        if (part != NULL) {
            free(part->child_structs);
            free(part->children);
        }
        free(part);
        return no_memory();
    }
    for (uint32_t i = 0; i < child_count; i++)
        part->children[i] = &part->child_structs[i];
    part->shared = shared;
    atomic_fetch_add_explicit(&shared->holders, 1, memory_order_relaxed);
    *out = (struct ArrowArray){.length = row_count,
                               .n_buffers = 1,
                               .n_children = child_count,
                               .buffers = part->buffers,
                               .children = part->children,
                               .release = release_array,
                               .private_data = part};
    return NULL;
}

static void *make_buffer(struct ArrowArray *array, int index, size_t size_bytes)
{
    struct array_part *part = array->private_data;
    part->made[index] = calloc(1, size_bytes + 1);
    part->buffers[index] = part->made[index];
    return part->made[index];
}

static int64_t count_nulls(const barks_column *column, uint32_t row_count)
{
    int64_t nulls = 0;
    for (uint32_t row = 0; column->validity != NULL && row < row_count; row++)
        nulls += !barks_is_valid(column, row);
    return nulls;
}

BARKS_CHECKED static barks_status *export_bools(const barks_column *column, uint32_t row_count,
                                                struct ArrowArray *out)
{
    uint8_t *bits = make_buffer(out, 1, row_count / 8 + 1);
    const uint8_t *values = column->values;
    if (bits == NULL)
        return no_memory();
    for (uint32_t row = 0; row < row_count; row++)
        bits[row / 8] |= (uint8_t)((values[row] & 1) << (row % 8));
    return NULL;
}

BARKS_CHECKED static barks_status *export_strings(const barks_column *column, uint32_t row_count,
                                                  struct ArrowArray *out)
{
    const barks_str *values = column->values;
    uint64_t total = 0;
    for (uint32_t row = 0; row < row_count; row++)
        total += values[row].length;
    if (total > INT32_MAX)
        BARKS_FAIL(BARKS_LIMIT,
                   "a column has %ju bytes of strings, but Arrow's utf8 has at most "
                   "2^31: collect it in parts",
                   (uintmax_t)total);
    int32_t *offsets = make_buffer(out, 1, ((size_t)row_count + 1) * sizeof *offsets);
    char *bytes = make_buffer(out, 2, (size_t)total);
    if (offsets == NULL || bytes == NULL)
        return no_memory();
    int32_t at = 0;
    for (uint32_t row = 0; row < row_count; row++) {
        memcpy(bytes + at, barks_str_bytes(&values[row]), values[row].length);
        at += (int32_t)values[row].length; /* total fits */
        offsets[row + 1] = at;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *export_column(struct shared_batch *shared,
                                                 const barks_column *column, uint32_t row_count,
                                                 struct ArrowArray *out);

/* In a batch that was appended to, the items of lists follow each other. */
BARKS_CHECKED static barks_status *export_list(struct shared_batch *shared,
                                               const barks_column *column, uint32_t row_count,
                                               struct ArrowArray *out)
{
    const barks_list_slice *slices = column->values;
    int32_t *offsets = make_buffer(out, 1, ((size_t)row_count + 1) * sizeof *offsets);
    uint32_t at = 0;
    if (offsets == NULL)
        return no_memory();
    for (uint32_t row = 0; row < row_count; row++) {
        if (slices[row].length > 0 && slices[row].offset != at)
            BARKS_FAIL(BARKS_INTERNAL, "the lists of a batch do not follow each other");
        at += slices[row].length;
        offsets[row + 1] = (int32_t)at; /* items of a column are below 2^31 */
    }
    return export_column(shared, &column->children[0], at, out->children[0]);
}

BARKS_CHECKED static barks_status *export_column(struct shared_batch *shared,
                                                 const barks_column *column, uint32_t row_count,
                                                 struct ArrowArray *out)
{
    barks_type_id id = column->type->id;
    uint32_t children = id == BARKS_LIST     ? 1
                        : id == BARKS_STRUCT ? column->type->fields->field_count
                                             : 0;
    BARKS_TRY(begin_array(shared, row_count, children, out));
    out->null_count = count_nulls(column, row_count);
    out->buffers[0] = column->validity;
    out->n_buffers = id == BARKS_STRUCT ? 1 : id == BARKS_STR || id == BARKS_BYTES ? 3 : 2;
    switch (id) {
    case BARKS_BOOL:
        return export_bools(column, row_count, out);
    case BARKS_I32:
    case BARKS_I64:
    case BARKS_F32:
    case BARKS_F64:
        out->buffers[1] = column->values;
        return NULL;
    case BARKS_STR:
    case BARKS_BYTES:
        return export_strings(column, row_count, out);
    case BARKS_LIST:
        return export_list(shared, column, row_count, out);
    case BARKS_STRUCT:
        for (uint32_t i = 0; i < children; i++)
            BARKS_TRY(export_column(shared, &column->children[i], row_count, out->children[i]));
        return NULL;
    }
    return NULL;
}

/* ---- schemas ---- */

struct schema_part {
    char *name;                        /* owned */
    struct ArrowSchema *child_structs; /* owned */
    struct ArrowSchema **children;     /* owned */
};

static void release_schema(struct ArrowSchema *schema)
{
    struct schema_part *part = schema->private_data;
    for (int64_t i = 0; i < schema->n_children; i++)
        if (part->children[i]->release != NULL)
            part->children[i]->release(part->children[i]);
    free(part->name);
    free(part->child_structs);
    free(part->children);
    free(part);
    schema->release = NULL;
}

static const char *format_of(barks_type_id id)
{
    static const char *const formats[] = {
        [BARKS_BOOL] = "b",  [BARKS_I32] = "i",   [BARKS_I64] = "l",
        [BARKS_F32] = "f",   [BARKS_F64] = "g",   [BARKS_STR] = "u",
        [BARKS_BYTES] = "z", [BARKS_LIST] = "+l", [BARKS_STRUCT] = "+s"};
    return formats[id];
}

BARKS_CHECKED static barks_status *begin_schema(const char *name, const char *format, bool nullable,
                                                uint32_t child_count, struct ArrowSchema *out)
{
    struct schema_part *part = calloc(1, sizeof *part);
    if (part == NULL)
        return no_memory();
    part->name = strdup(name);
    part->child_structs = calloc((size_t)child_count + 1, sizeof *part->child_structs);
    part->children = calloc((size_t)child_count + 1, sizeof *part->children);
    if (part->name == NULL || part->child_structs == NULL || part->children == NULL) {
        free(part->name);
        free(part->child_structs);
        free(part->children);
        free(part);
        return no_memory();
    }
    for (uint32_t i = 0; i < child_count; i++)
        part->children[i] = &part->child_structs[i];
    *out = (struct ArrowSchema){.format = format,
                                .name = part->name,
                                .flags = nullable ? ARROW_FLAG_NULLABLE : 0,
                                .n_children = child_count,
                                .children = part->children,
                                .release = release_schema,
                                .private_data = part};
    return NULL;
}

BARKS_CHECKED static barks_status *export_type(const char *name, const barks_type *type,
                                               bool nullable, struct ArrowSchema *out)
{
    uint32_t children = type->id == BARKS_LIST     ? 1
                        : type->id == BARKS_STRUCT ? type->fields->field_count
                                                   : 0;
    BARKS_TRY(begin_schema(name, format_of(type->id), nullable, children, out));
    if (type->id == BARKS_LIST)
        return export_type("item", type->item, false, out->children[0]);
    for (uint32_t i = 0; i < children; i++)
        BARKS_TRY(export_type(type->fields->fields[i].name, type->fields->fields[i].type,
                              type->fields->fields[i].nullable, out->children[i]));
    return NULL;
}

barks_status *arrow_export(struct batch *batch, struct ArrowArray *out_array,
                           struct ArrowSchema *out_schema)
{
    const barks_schema *schema = batch->base.schema;
    barks_type rows_type = {.id = BARKS_STRUCT, .fields = schema};
    barks_column rows = {.type = &rows_type, .children = batch->base.columns};
    struct ArrowArray array = {0};
    struct ArrowSchema described = {0};
    struct shared_batch *shared = calloc(1, sizeof *shared);
    if (shared == NULL)
        return no_memory();
    atomic_init(&shared->holders, 1);
    barks_status *status = export_column(shared, &rows, batch->base.row_count, &array);
    if (status == NULL)
        status = export_type("", &rows_type, false, &described);
    if (status == NULL)
        shared->batch = batch;
    if (status != NULL && array.release != NULL)
        array.release(&array);
    if (status != NULL && described.release != NULL)
        described.release(&described);
    release_shared(shared);
    if (status != NULL)
        return status;
    *out_array = array;
    *out_schema = described;
    return NULL;
}
