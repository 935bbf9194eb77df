#include "batch/bind.h"

#include "batch/schema.h"

barks_status *bind_columns(const barks_schema *columns, const barks_schema *wanted,
                           const char *what, const char *where, uint32_t *out_columns)
{
    for (uint32_t i = 0; i < wanted->field_count; i++) {
        const barks_field *field = &wanted->fields[i];
        int32_t column = schema_find(columns, field->name);
        if (column < 0) {
            const char *nearest = schema_nearest(columns, field->name);
            BARKS_FAIL(BARKS_INVALID,
                       "%s: %s wants a field '%s', which the rows it is given lack%s%s%s", where,
                       what, field->name, nearest != NULL ? "; did you mean '" : "",
                       nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
        }
        const barks_field *given = &columns->fields[column];
        if (!type_equal(given->type, field->type))
            BARKS_FAIL(BARKS_INVALID,
                       "%s: %s wants field '%s' as %s, but the rows it is given have it as %s",
                       where, what, field->name, type_id_name(field->type->id),
                       type_id_name(given->type->id));
        if (given->nullable && !field->nullable)
            BARKS_FAIL(BARKS_INVALID,
                       "%s: %s wants field '%s' always there, but it may be null in the rows it is "
                       "given: declare it "
                       "(optional(%s), %s)",
                       where, what, field->name, type_id_name(field->type->id), field->name);
        out_columns[i] = (uint32_t)column;
    }
    return NULL;
}
