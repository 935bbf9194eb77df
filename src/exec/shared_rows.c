#include "exec/shared_rows.h"

#include "base/lock.h"
#include "batch/bind.h"

#include <inttypes.h>
#include <stdlib.h>

struct shared_object {
    const struct shared_kind *kind;
    void *object; /* owned: kind->destroy */
    struct shared_object *next;
};

struct shared_value {
    uint64_t id;
    struct batch *rows; /* owned */
    int holders;
    bool is_dropped; /* the last holder destroys it */
    struct shared_object *objects;
    struct shared_value *next;
};

struct shared_rows {
    struct lock lock;
    struct {
        struct shared_value *values;
    } locked;
};

barks_status *shared_rows_create(struct shared_rows **out_shared)
{
    struct shared_rows *shared = calloc(1, sizeof *shared);
    if (shared == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for broadcast values");
    lock_init(&shared->lock, LOCK_OPERATOR, "broadcast values");
    *out_shared = shared;
    return NULL;
}

static void destroy_value(struct shared_value *value)
{
    while (value->objects != NULL) {
        struct shared_object *next = value->objects->next;
        value->objects->kind->destroy(value->objects->object);
        free(value->objects);
        value->objects = next;
    }
    batch_destroy(value->rows);
    free(value);
}

void shared_rows_destroy(struct shared_rows *shared)
{
    if (shared == NULL)
        return;
    while (shared->locked.values != NULL) {
        struct shared_value *next = shared->locked.values->next;
        destroy_value(shared->locked.values);
        shared->locked.values = next;
    }
    lock_drop(&shared->lock);
    free(shared);
}

barks_status *shared_rows_put(struct shared_rows *shared, uint64_t id, struct batch *rows)
{
    struct shared_value *value = calloc(1, sizeof *value);
    if (value == NULL) {
        batch_destroy(rows);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a broadcast value");
    }
    *value = (struct shared_value){.id = id, .rows = rows};
    lock_acquire(&shared->lock);
    value->next = shared->locked.values;
    shared->locked.values = value;
    lock_release(&shared->lock);
    return NULL;
}

/* By number, also one that is dropped and held; out of the list where it goes. */
static struct shared_value *change_locked(struct shared_rows *shared, uint64_t id, int by,
                                          bool drops)
{
    struct shared_value **link = &shared->locked.values;
    while (*link != NULL && (*link)->id != id)
        link = &(*link)->next;
    struct shared_value *found = *link;
    if (found == NULL)
        return NULL;
    found->holders += by;
    found->is_dropped |= drops;
    if (found->holders > 0 || !found->is_dropped)
        return NULL;
    *link = found->next;
    return found;
}

static void change(struct shared_rows *shared, uint64_t id, int by, bool drops)
{
    lock_acquire(&shared->lock);
    struct shared_value *gone = change_locked(shared, id, by, drops);
    lock_release(&shared->lock);
    if (gone != NULL)
        destroy_value(gone);
}

void shared_rows_hold(struct shared_rows *shared, uint64_t id, int by)
{
    change(shared, id, by, false);
}

void shared_rows_drop(struct shared_rows *shared, uint64_t id) { change(shared, id, 0, true); }

static struct shared_value *find_locked(struct shared_rows *shared, uint64_t id)
{
    struct shared_value *value = shared->locked.values;
    while (value != NULL && (value->id != id || value->is_dropped))
        value = value->next;
    return value;
}

BARKS_CHECKED static barks_status *fail_unknown(uint64_t id)
{
    BARKS_FAIL(BARKS_INVALID,
               "broadcast value %" PRIu64
               " is not there: it was destroyed before this task, or never made",
               id);
}

barks_status *shared_rows_find(struct shared_rows *shared, uint64_t id,
                               const struct batch **out_rows)
{
    lock_acquire(&shared->lock);
    const struct shared_value *value = find_locked(shared, id);
    if (value != NULL)
        *out_rows = value->rows;
    lock_release(&shared->lock);
    return value != NULL ? NULL : fail_unknown(id);
}

BARKS_CHECKED static barks_status *object_locked(struct shared_value *value,
                                                 const struct shared_kind *kind, const void *wanted,
                                                 void **out_object)
{
    for (struct shared_object *known = value->objects; known != NULL; known = known->next)
        if (known->kind == kind && kind->is_wanted(known->object, wanted)) {
            *out_object = known->object;
            return NULL;
        }
    struct shared_object *made = calloc(1, sizeof *made);
    if (made == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a broadcast value");
    barks_status *status = kind->make(wanted, value->rows, &made->object);
    if (status != NULL) {
        free(made);
        return status;
    }
    made->kind = kind;
    made->next = value->objects;
    value->objects = made;
    *out_object = made->object;
    return NULL;
}

barks_status *shared_rows_object(struct shared_rows *shared, uint64_t id,
                                 const struct shared_kind *kind, const void *wanted,
                                 void **out_object)
{
    lock_acquire(&shared->lock);
    struct shared_value *value = find_locked(shared, id);
    barks_status *status = NULL;
    if (value != NULL)
        status = object_locked(value, kind, wanted, out_object);
    lock_release(&shared->lock);
    return value != NULL ? status : fail_unknown(id);
}

/* ---- structs ---- */

struct structs {
    const barks_record *record;
    void *rows; /* owned */
    uint32_t count;
};

static void destroy_structs(void *object)
{
    free(((struct structs *)object)->rows);
    free(object);
}

BARKS_CHECKED static barks_status *fill_structs(const barks_record *record,
                                                const struct batch *rows, void *out)
{
    uint32_t field_count = record->schema.field_count;
    uint32_t *columns = calloc((size_t)field_count + 1, sizeof *columns);
    const barks_column **bound = calloc((size_t)field_count + 1, sizeof(const barks_column *));
    barks_status *status = NULL;
    if (columns == NULL || bound == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "no memory for columns");
    if (status == NULL)
        status = bind_columns(rows->base.schema, &record->schema, record->name, "barks_shared_rows",
                              columns);
    if (status == NULL) {
        for (uint32_t i = 0; i < field_count; i++)
            bound[i] = &rows->base.columns[columns[i]];
        record->from_columns(bound, NULL, rows->base.row_count, out);
    }
    free(columns);
    free(bound);
    return status;
}

static barks_status *make_structs(const void *wanted, const struct batch *rows, void **out_object)
{
    const barks_record *record = wanted;
    struct structs *structs = calloc(1, sizeof *structs);
    void *memory = calloc((size_t)rows->base.row_count + 1, record->size);
    barks_status *status = NULL;
    if (structs == NULL || memory == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                  "no memory for the %" PRIu32 " rows of a broadcast value",
                                  rows->base.row_count);
    if (status == NULL)
        status = fill_structs(record, rows, memory);
    if (status != NULL) {
        free(structs);
        free(memory);
        return status;
    }
    *structs = (struct structs){.record = record, .rows = memory, .count = rows->base.row_count};
    *out_object = structs;
    return NULL;
}

static bool are_structs_of(const void *object, const void *wanted)
{
    return ((const struct structs *)object)->record == wanted;
}

static const struct shared_kind structs_kind = {
    .make = make_structs, .is_wanted = are_structs_of, .destroy = destroy_structs};

barks_status *shared_rows_structs(struct shared_rows *shared, uint64_t id,
                                  const barks_record *record, const void **out_rows,
                                  uint32_t *out_count)
{
    void *object = NULL;
    BARKS_TRY(shared_rows_object(shared, id, &structs_kind, record, &object));
    *out_rows = ((struct structs *)object)->rows;
    *out_count = ((struct structs *)object)->count;
    return NULL;
}
