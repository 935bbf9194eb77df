#include "plan/csv_columns.h"

#include "base/buffer.h"
#include "base/log.h"
#include "base/scope.h"
#include "batch/batch.h"
#include "batch/schema.h"
#include "exec/record_registry.h"
#include "io/csv_source.h"
#include "io/listing.h"
#include "io/path_fields.h"
#include "io/split.h"
#include "io/value_parse.h"
#include "plan/file_node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE_BYTES = 1 << 20, SAMPLE_FILES = 16 };

static struct split whole_of(const struct input_file *file)
{
    return (struct split){.path = file->path,
                          .end = file->size_bytes,
                          .file_bytes = file->size_bytes,
                          .mtime_ns = file->mtime_ns,
                          .compression = file->compression};
}

/* The first record of the first file that has one. */
BARKS_CHECKED static barks_status *read_head(const struct listing *listing,
                                             const struct file_wish *wish,
                                             const struct source_options *options,
                                             struct csv_record *out)
{
    for (size_t f = 0; f < listing->file_count && out->count == 0; f++) {
        struct split whole = whole_of(&listing->files[f]);
        BARKS_TRY(csv_read_first(wish->pool, options, &whole, out));
    }
    return NULL;
}

/* Is the field filled by something else than a column? */
static bool is_elsewhere(const struct listing *listing, const struct source_options *options,
                         const char *name)
{
    if (options->bad_rows == BAD_ROWS_KEEP && strcmp(name, BAD_ROWS_COLUMN) == 0)
        return true;
    return options->partitioned && listing->file_count > 0 &&
           path_has_field(listing->files[0].path, name);
}

static bool has_column(const struct csv_record *head, const char *name)
{
    for (uint32_t c = 0; c < head->count; c++)
        if (strcmp(head->values[c], name) == 0)
            return true;
    return false;
}

/* The columns become the options', whoever they were from. */
static void give_names(struct csv_record *from, struct source_options *options)
{
    options->names = from->values;
    options->name_count = from->count;
    *from = (struct csv_record){0};
}

/* Fields in their order. */
BARKS_CHECKED static barks_status *name_by_order(const struct listing *listing,
                                                 const barks_schema *schema,
                                                 struct source_options *options)
{
    options->names = calloc((size_t)schema->field_count + 1, sizeof *options->names);
    for (uint32_t i = 0; options->names != NULL && i < schema->field_count; i++) {
        if (is_elsewhere(listing, options, schema->fields[i].name))
            continue;
        char *name = strdup(schema->fields[i].name);
        options->names[options->name_count] = name;
        if (name == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for columns");
        options->name_count++;
    }
    if (options->names == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for columns");
    return NULL;
}

BARKS_CHECKED static barks_status *fail_missing(const struct listing *listing,
                                                const struct csv_record *head, const char *name)
{
    BARKS_AUTO(buffer) columns = {.limit_bytes = 400};
    for (uint32_t c = 0; c < head->count; c++) {
        barks_status *status = buffer_append(&columns, " ", c > 0);
        if (status == NULL)
            status = buffer_append(&columns, head->values[c], strlen(head->values[c]));
        barks_status_free(status); /* what fits is enough */
    }
    BARKS_FAIL(BARKS_INVALID,
               "no column of '%s' is named '%s' (they are: %.*s): name the field as the column, or "
               "say .header = BARKS_NEVER where files have none",
               listing->files[0].path, name, (int)columns.size_bytes,
               columns.data != NULL ? (const char *)columns.data : "");
}

/* Adds the names of a record that names has not, and empties the record. */
BARKS_CHECKED static barks_status *add_names(struct csv_record *names, struct csv_record *from)
{
    for (uint32_t c = 0; c < from->count; c++) {
        if (has_column(names, from->values[c]))
            continue;
        char **values = realloc(names->values, (names->count + 1) * sizeof *values);
        if (values == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for columns");
        names->values = values;
        names->values[names->count++] = from->values[c];
        from->values[c] = NULL; /* freed as nothing */
    }
    csv_record_drop(from);
    return NULL;
}

static const char *find_missing(const struct listing *listing, const struct csv_record *names,
                                const barks_schema *schema, const struct source_options *options)
{
    for (uint32_t i = 0; i < schema->field_count; i++)
        if (!is_elsewhere(listing, options, schema->fields[i].name) &&
            !has_column(names, schema->fields[i].name))
            return schema->fields[i].name;
    return NULL;
}

/* The names of all files' columns, in the order in which they are met; with a schema only until
 * each of its fields has been. */
BARKS_CHECKED static barks_status *
unite_names(const struct listing *listing, const struct file_wish *wish, const barks_schema *schema,
            const struct source_options *options, struct csv_record *names)
{
    for (size_t f = 0; f < listing->file_count; f++) {
        struct split whole = whole_of(&listing->files[f]);
        struct csv_record head = {0};
        BARKS_TRY(csv_read_header(wish->pool, options, &whole, &head));
        barks_status *status = add_names(names, &head);
        csv_record_drop(&head);
        BARKS_TRY(status);
        if (schema != NULL && find_missing(listing, names, schema, options) == NULL)
            return NULL;
    }
    return NULL;
}

/* Each file says its columns itself; here only a field that no file has is found. */
BARKS_CHECKED static barks_status *find_by_name(const struct listing *listing,
                                                const struct file_wish *wish,
                                                const barks_schema *schema,
                                                struct source_options *options)
{
    struct csv_record names = {0};
    options->header = true;
    barks_status *status = unite_names(listing, wish, schema, options, &names);
    const char *missing = status == NULL ? find_missing(listing, &names, schema, options) : NULL;
    if (missing != NULL && names.count > 0)
        status = fail_missing(listing, &names, missing);
    csv_record_drop(&names);
    return status;
}

barks_status *csv_find_columns(const struct listing *listing, const struct file_wish *wish,
                               const barks_schema *schema, struct source_options *options)
{
    struct csv_record head = {0};
    barks_status *status = NULL;
    const char *missing = NULL;
    if (options->columns != CSV_SAME_COLUMNS)
        return find_by_name(listing, wish, schema, options);
    if (wish->options->header != BARKS_NEVER)
        status = read_head(listing, wish, options, &head);
    if (status == NULL)
        status = csv_record_to_names(&head);
    if (status == NULL)
        missing = find_missing(listing, &head, schema, options);
    options->header = head.count > 0 && missing == NULL;
    if (status == NULL && wish->options->header == BARKS_ALWAYS && head.count > 0 &&
        missing != NULL)
        status = fail_missing(listing, &head, missing);
    if (status == NULL && options->header)
        give_names(&head, options);
    else if (status == NULL)
        status = name_by_order(listing, schema, options);
    csv_record_drop(&head);
    return status;
}

/* ---- types from values ---- */

/* What all values of a column can be read as. */
struct guess {
    bool any, boolean, integer, real;
};

static void look_at(struct guess *guess, const char *bytes, size_t length)
{
    int64_t integer = 0;
    double real = 0;
    bool is_word = (length == 4 && strncasecmp(bytes, "true", 4) == 0) ||
                   (length == 5 && strncasecmp(bytes, "false", 5) == 0);
    guess->any = true;
    guess->boolean &= is_word;
    guess->integer &= parse_i64(bytes, length, &integer);
    guess->real &= parse_f64(bytes, length, &real);
}

static const barks_type *guessed_type(const struct guess *guess)
{
    static const barks_type types[] = {
        {.id = BARKS_BOOL}, {.id = BARKS_I64}, {.id = BARKS_F64}, {.id = BARKS_STR}};
    if (!guess->any)
        return &types[3];
    return guess->boolean   ? &types[0]
           : guess->integer ? &types[1]
           : guess->real    ? &types[2]
                            : &types[3];
}

/* A header's values are there, differ, and none is a number. */
static bool looks_like_header(const struct csv_record *head)
{
    double number = 0;
    for (uint32_t c = 0; c < head->count; c++) {
        if (head->values[c][0] == '\0' ||
            parse_f64(head->values[c], strlen(head->values[c]), &number))
            return false;
        for (uint32_t d = 0; d < c; d++)
            if (strcmp(head->values[c], head->values[d]) == 0)
                return false;
    }
    return head->count > 0;
}

BARKS_CHECKED static barks_status *number_columns(struct csv_record *head)
{
    for (uint32_t c = 0; c < head->count; c++) {
        char name[16];
        snprintf(name, sizeof name, "c%u", (unsigned)c + 1);
        char *copy = strdup(name);
        if (copy == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for columns");
        free(head->values[c]);
        head->values[c] = copy;
    }
    return NULL;
}

/* Looks at what the first MiB of a file holds. */
BARKS_CHECKED static barks_status *sample_file(const struct input_file *file,
                                               const struct file_wish *wish,
                                               const struct source_options *options,
                                               const barks_schema *strings, struct guess *guesses)
{
    struct split split = whole_of(file);
    struct source *source = NULL;
    struct batch *batch = NULL;
    struct bad_rows bad = {.mode = BAD_ROWS_DROP}; /* the job will tell them */
    uint64_t most = file->compression == COMPRESSION_NONE ? UINT64_MAX : SAMPLE_BYTES;
    if (split.end > SAMPLE_BYTES && file->compression == COMPRESSION_NONE)
        split.end = SAMPLE_BYTES;
    BARKS_TRY(csv_source_open(wish->pool, options, strings, &split, 1, &bad, &source));
    barks_status *status = batch_create(wish->pool, strings, 0, &batch);
    uint64_t seen_bytes = 0;
    while (status == NULL && seen_bytes < most) {
        status = source_next(source, batch);
        if (status != NULL || batch->base.row_count == 0)
            break;
        for (uint32_t c = 0; c < strings->field_count; c++)
            for (uint32_t i = 0; i < batch->base.row_count; i++) {
                const barks_str *value = (const barks_str *)batch->base.columns[c].values + i;
                if (barks_is_valid(&batch->base.columns[c], i))
                    look_at(&guesses[c], barks_str_bytes(value), value->length);
                seen_bytes += value->length + 1;
            }
    }
    batch_destroy(batch);
    source_close(source);
    return status;
}

BARKS_CHECKED static barks_status *sample(const struct listing *listing,
                                          const struct file_wish *wish,
                                          const struct source_options *options,
                                          const barks_schema *strings, struct guess *guesses)
{
    size_t files = listing->file_count < SAMPLE_FILES ? listing->file_count : SAMPLE_FILES;
    for (uint32_t c = 0; c < strings->field_count; c++)
        guesses[c] = (struct guess){.boolean = true, .integer = true, .real = true};
    for (size_t i = 0; i < files; i++) { /* spread over the list */
        const struct input_file *file = &listing->files[i * listing->file_count / files];
        if (file->size_bytes > 0)
            BARKS_TRY(sample_file(file, wish, options, strings, guesses));
    }
    return NULL;
}

/* Fields that the paths name. */
struct path_names {
    const struct listing *listing;
    barks_field *fields;
    struct guess *guesses;
    uint32_t first, count, limit;
    bool failed;
};

static void add_path_field(void *context, const char *name, const char *value)
{
    struct path_names *names = context;
    for (uint32_t i = 0; i < names->count; i++)
        if (strcmp(names->fields[i].name, name) == 0) {
            if (i >= names->first)
                look_at(&names->guesses[i], value, strlen(value));
            return;
        }
    char *copy = names->count < names->limit ? strdup(name) : NULL;
    if (copy == NULL) {
        names->failed = true;
        return;
    }
    names->guesses[names->count] = (struct guess){.integer = true};
    look_at(&names->guesses[names->count], value, strlen(value));
    names->guesses[names->count].boolean = names->guesses[names->count].real = false;
    names->fields[names->count++].name = copy;
}

BARKS_CHECKED static barks_status *log_schema(const struct listing *listing,
                                              const barks_schema *schema)
{
    BARKS_AUTO(buffer) text = {.limit_bytes = 65536};
    BARKS_TRY(schema_print(schema, &text));
    LOG(LEVEL_INFO, "plan", "columns of '%s' and %zu more files: %.*s", listing->files[0].path,
        listing->file_count - 1, (int)text.size_bytes, (const char *)text.data);
    return NULL;
}

/* Fields: the columns, first as strings, then of the types that were seen, then the paths'. */
BARKS_CHECKED static barks_status *make_fields(const struct listing *listing,
                                               const struct file_wish *wish,
                                               const struct source_options *options,
                                               barks_field *fields, struct guess *guesses,
                                               const barks_record **out_record)
{
    static const barks_type str_type = {.id = BARKS_STR};
    uint32_t columns = options->name_count;
    for (uint32_t c = 0; c < columns; c++)
        fields[c] = (barks_field){.name = options->names[c], .type = &str_type, .nullable = true};
    barks_schema schema = {.field_count = columns, .fields = fields};
    BARKS_TRY(sample(listing, wish, options, &schema, guesses));
    struct path_names names = {
        .fields = fields, .guesses = guesses, .first = columns, .count = columns};
    names.limit = columns + SAMPLE_FILES;
    for (size_t f = 0; options->partitioned && f < listing->file_count; f++)
        path_fields_each(listing->files[f].path, add_path_field, &names);
    barks_status *status = NULL;
    if (names.failed)
        status =
            barks_status_new(BARKS_LIMIT, NULL, BARKS_HERE,
                             "paths name more than %d fields, or memory is gone", SAMPLE_FILES);
    for (uint32_t i = 0; i < names.count; i++) {
        fields[i].type = guessed_type(&guesses[i]);
        fields[i].nullable = true;
    }
    schema.field_count = names.count;
    if (status == NULL)
        status = log_schema(listing, &schema);
    if (status == NULL)
        status = registry_derive_record(&schema, out_record);
    for (uint32_t i = columns; i < names.count; i++)
        free((char *)(uintptr_t)fields[i].name); /* ours */
    return status;
}

barks_status *csv_infer(const struct listing *listing, const struct file_wish *wish,
                        struct source_options *options, const barks_record **out_record)
{
    struct csv_record head = {0};
    bool by_name = options->columns != CSV_SAME_COLUMNS;
    options->header = by_name;
    barks_status *status = by_name ? unite_names(listing, wish, NULL, options, &head)
                                   : read_head(listing, wish, options, &head);
    if (status == NULL && head.count == 0)
        status = barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                  "no file has a row to infer columns from: name the fields");
    bool is_header = by_name || wish->options->header == BARKS_ALWAYS ||
                     (wish->options->header == BARKS_AUTO_CHOICE && looks_like_header(&head));
    options->header = is_header;
    if (status == NULL)
        status = is_header ? csv_record_to_names(&head) : number_columns(&head);
    uint32_t room = head.count + SAMPLE_FILES + 1;
    barks_field *fields = calloc(room, sizeof *fields);
    struct guess *guesses = calloc(room, sizeof *guesses);
    if (status == NULL && (fields == NULL || guesses == NULL))
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "no memory for columns");
    give_names(&head, options);
    if (status == NULL)
        status = make_fields(listing, wish, options, fields, guesses, out_record);
    free(fields);
    free(guesses);
    return status;
}
