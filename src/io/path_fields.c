#include "io/path_fields.h"

#include "base/copy.h"
#include "batch/schema.h"
#include "batch/validity.h"
#include "io/value_parse.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES_MAX = 1024 }; /* of a directory: file systems have 255 */

static const char null_mark[] = "__HIVE_DEFAULT_PARTITION__";

/* A directory's name as field and value. */
struct path_field {
    char name[NAME_BYTES_MAX];
    char value[NAME_BYTES_MAX];
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void decode(const char *bytes, size_t length, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        int high = bytes[i] == '%' && i + 2 < length ? hex_digit(bytes[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(bytes[i + 2]) : -1;
        if (bytes[i] == '%' && i + 2 < length && high >= 0 && low >= 0 && high + low > 0) {
            out[n++] = (char)(16 * high + low);
            i += 2;
        } else {
            out[n++] = bytes[i];
        }
    }
    out[n] = '\0';
}

/* The next directory of the form name=value from *at on. */
static bool next_field(const char **at, struct path_field *out)
{
    for (const char *slash = NULL; (slash = strchr(*at, '/')) != NULL;) {
        const char *begin = *at;
        size_t length = (size_t)(slash - begin);
        const char *equals = memchr(begin, '=', length);
        *at = slash + 1;
        if (equals == NULL || equals == begin || length >= NAME_BYTES_MAX)
            continue;
        decode(begin, (size_t)(equals - begin), out->name);
        decode(equals + 1, (size_t)(slash - equals) - 1, out->value);
        return true;
    }
    return false;
}

bool path_has_field(const char *path, const char *field)
{
    struct path_field found;
    while (next_field(&path, &found))
        if (strcmp(found.name, field) == 0)
            return true;
    return false;
}

void path_fields_each(const char *path,
                      void (*visit)(void *context, const char *name, const char *value),
                      void *context)
{
    struct path_field found;
    while (next_field(&path, &found))
        visit(context, found.name, found.value);
}

BARKS_CHECKED static barks_status *fill_field(const char *path, const struct path_field *found,
                                              struct batch *batch, uint32_t field)
{
    const barks_field *of = &batch->base.schema->fields[field];
    barks_column *column = &batch->base.columns[field];
    size_t length = strlen(found->value);
    void *value = NULL; /* a copy that lives as long as the rows */
    bool is_null = strcmp(found->value, null_mark) == 0;
    if (is_null && !of->nullable)
        BARKS_FAIL(BARKS_BAD_INPUT, "'%s' is null in the path '%s', and its field is not optional",
                   of->name, path);
    BARKS_TRY(batch_make_bytes(batch, length + 1, &value));
    memcpy(value, found->value, length);
    if (of->nullable) /* a bad row that is kept has nulls */
        validity_fill(column->validity, 0, batch->base.row_count);
    for (uint32_t row = 0; row < batch->base.row_count; row++) {
        if (is_null)
            put_null(column, row);
        else if (!parse_value(value, length, column, row))
            BARKS_FAIL(BARKS_BAD_INPUT, "'%s' is '%s' in the path '%s', which is no %s", of->name,
                       found->value, path, type_id_name(column->type->id));
    }
    return NULL;
}

barks_status *path_fields_fill(const char *path, struct batch *batch)
{
    struct path_field found;
    const char *at = path;
    while (next_field(&at, &found)) {
        int32_t field = schema_find(batch->base.schema, found.name);
        if (field >= 0)
            BARKS_TRY(fill_field(path, &found, batch, (uint32_t)field));
    }
    return NULL;
}

/* ---- which directories are wanted ---- */

void path_wish_drop(struct path_wish *wish)
{
    free(wish->text);
    free(wish->fields);
    *wish = (struct path_wish){0};
}

/* Ends the text before the spaces at its end, and gives where those at its beginning end. */
static char *trim(char *text)
{
    text += strspn(text, " ");
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == ' ')
        text[--length] = '\0';
    return text;
}

/* Cuts one "name=value" out of item. */
BARKS_CHECKED static barks_status *add_wish(struct path_wish *wish, char *item, const char *text)
{
    char *equals = strchr(item, '=');
    if (equals == NULL || equals == item)
        BARKS_FAIL(BARKS_INVALID,
                   ".where_path is '%s', and '%s' in it is no name=value, as in "
                   "\"year=2024, country=de\"",
                   text, item);
    *equals = '\0';
    const char *name = trim(item);
    for (size_t i = 0; i < wish->count; i++)
        if (strcmp(wish->fields[i].name, name) == 0)
            BARKS_FAIL(BARKS_INVALID, ".where_path is '%s', which names '%s' twice", text, name);
    wish->fields[wish->count++] = (struct path_wish_field){.name = name, .value = trim(equals + 1)};
    return NULL;
}

barks_status *path_wish_parse(const char *text, struct path_wish *out)
{
    size_t most = 1;
    if (text == NULL)
        return NULL;
    for (const char *comma = text; (comma = strchr(comma, ',')) != NULL; comma++)
        most++;
    BARKS_TRY(copy_text(text, &out->text));
    out->fields = calloc(most, sizeof *out->fields);
    if (out->fields == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for .where_path");
    char *rest = out->text;
    for (char *item = NULL; (item = strsep(&rest, ",")) != NULL;)
        BARKS_TRY(add_wish(out, trim(item), text));
    return NULL;
}

bool path_wish_fits(const struct path_wish *wish, const char *path, bool wholly)
{
    struct path_field found;
    size_t met = 0;
    while (next_field(&path, &found))
        for (size_t i = 0; i < wish->count; i++) {
            if (strcmp(wish->fields[i].name, found.name) != 0)
                continue;
            if (strcmp(wish->fields[i].value, found.value) != 0)
                return false;
            met++;
        }
    return !wholly || met >= wish->count;
}
