#include "exec/record_registry.h"

#include "batch/schema.h"

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
