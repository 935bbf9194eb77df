#include "exec/record_registry.h"

#include "base/buffer.h"
#include "base/pack.h"
#include "base/scope.h"
#include "batch/schema.h"
#include "shuffle/accumulator.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A linked list, since constructors must not fail; jobs have tens of records, and plans are read
 * once a stage. */
struct registered_record {
    const barks_record *record;
    struct registered_record *next;
};

static struct registered_record *records; /* written by constructors alone */

void barks_register_record(const barks_record *record)
{
    struct registered_record *registered = malloc(sizeof *registered);
    if (registered == NULL)
        return; /* the look-up says that it is not there */
    *registered = (struct registered_record){.record = record, .next = records};
    records = registered;
}

static __attribute__((destructor)) void forget_records(void)
{
    while (records != NULL) {
        struct registered_record *next = records->next;
        free(records);
        records = next;
    }
}

barks_status *registry_require_record(const char *name, const barks_record **out_record)
{
    const barks_record *found = NULL;
    for (const struct registered_record *at = records; at != NULL; at = at->next) {
        if (strcmp(at->record->name, name) != 0)
            continue;
        if (found != NULL && !schema_equal(&found->schema, &at->record->schema))
            BARKS_FAIL(BARKS_INVALID,
                       "two records are named '%s' and differ in their fields; rename one", name);
        found = at->record;
    }
    if (found == NULL)
        BARKS_FAIL(BARKS_INVALID, "this rank's program has no record '%s'", name);
    *out_record = found;
    return NULL;
}

/* ---- derived ---- */

enum { SCHEMA_BYTES_MAX = 1 << 24 };

struct derived_record {
    barks_record record;  /* first */
    barks_schema *schema; /* owned */
    uint64_t hash;
    struct derived_record *next;
};

/* Never freed: see the header. The mutex is held for a search or a few allocations, and nothing is
 * waited for under it, so it needs no rank. */
static pthread_mutex_t derived_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct derived_record *derived; /* guarded by derived_mutex */

static __attribute__((destructor)) void forget_derived_records(void)
{
    while (derived != NULL) {
        struct derived_record *next = derived->next;
        schema_destroy(derived->schema);
        free((void *)(uintptr_t)derived->record.name);
        free((void *)(uintptr_t)derived->record.offsets);
        free(derived);
        derived = next;
    }
}

BARKS_CHECKED static barks_status *name_of_schema(const barks_schema *schema, char **out_name)
{
    BARKS_AUTO(buffer) text = {.limit_bytes = SCHEMA_BYTES_MAX};
    BARKS_TRY(buffer_append(&text, "(", 1));
    BARKS_TRY(schema_print(schema, &text));
    BARKS_TRY(buffer_append(&text, ")", 2)); /* with the zero */
    *out_name = (char *)text.data;
    text = (struct buffer){0};
    return NULL;
}

BARKS_CHECKED static barks_status *fill_derived(const barks_schema *schema,
                                                struct derived_record *made)
{
    char *name = NULL;
    uint32_t *offsets = calloc((size_t)schema->field_count + 1, sizeof *offsets);
    made->record.offsets = offsets;
    if (offsets == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a record of %u fields", schema->field_count);
    BARKS_TRY(schema_copy(schema, &made->schema));
    made->record.schema = *made->schema;
    BARKS_TRY(record_layout(made->schema, offsets, &made->record.size));
    BARKS_TRY(name_of_schema(schema, &name));
    made->record.name = name;
    made->hash = schema_hash(schema);
    return NULL;
}

BARKS_CHECKED static barks_status *derive(const barks_schema *schema,
                                          const barks_record **out_record)
{
    uint64_t hash = schema_hash(schema);
    for (const struct derived_record *at = derived; at != NULL; at = at->next)
        if (at->hash == hash && schema_equal(&at->record.schema, schema)) {
            *out_record = &at->record;
            return NULL;
        }
    struct derived_record *made = calloc(1, sizeof *made);
    if (made == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a record");
    barks_status *status = fill_derived(schema, made);
    if (status != NULL) {
        schema_destroy(made->schema);
        free((void *)(uintptr_t)made->record.offsets);
        free(made);
        return status;
    }
    made->next = derived;
    derived = made;
    *out_record = &made->record;
    return NULL;
}

barks_status *registry_derive_record(const barks_schema *schema, const barks_record **out_record)
{
    if (schema->field_count > SCHEMA_FIELDS_MAX)
        BARKS_FAIL(BARKS_LIMIT, "rows of %u fields; the limit is %d", schema->field_count,
                   SCHEMA_FIELDS_MAX);
    pthread_mutex_lock(&derived_mutex);
    barks_status *status = derive(schema, out_record);
    pthread_mutex_unlock(&derived_mutex);
    return status;
}

bool record_is_derived(const barks_record *record) { return record->from_columns == NULL; }

void record_pack(struct packer *out, const barks_record *record)
{
    BARKS_AUTO(buffer) bytes = {.limit_bytes = SCHEMA_BYTES_MAX};
    pack_text(out, record != NULL ? record->name : NULL);
    if (record == NULL)
        return;
    barks_status *status =
        record_is_derived(record) ? schema_encode(&record->schema, &bytes) : NULL;
    out->failed |= status != NULL;
    barks_status_free(status);
    pack_bytes(out, bytes.data, bytes.size_bytes);
}

barks_status *record_unpack(struct unpacker *in, const barks_record **out_record)
{
    char *name = unpack_text(in);
    *out_record = NULL;
    if (name == NULL)
        return NULL;
    size_t size_bytes = 0, used_bytes = 0;
    barks_schema *schema = NULL;
    const uint8_t *bytes = unpack_bytes(in, &size_bytes);
    barks_status *status = bytes == NULL ? registry_require_record(name, out_record)
                                         : schema_decode(bytes, size_bytes, &used_bytes, &schema);
    free(name);
    if (status == NULL && bytes != NULL)
        status = registry_derive_record(schema, out_record);
    schema_destroy(schema);
    return status;
}
