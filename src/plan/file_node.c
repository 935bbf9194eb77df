#include "plan/file_node.h"

#include "base/copy.h"
#include "base/pack.h"
#include "base/scope.h"
#include "batch/schema.h"
#include "exec/record_registry.h"
#include "io/csv_source.h"
#include "io/delimited.h"
#include "io/format.h"
#include "io/json_array.h"
#include "io/listing.h"
#include "io/path_fields.h"
#include "io/schema_text.h"
#include "io/split.h"
#include "plan/csv_columns.h"
#include "plan/node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { HEAD_BYTES_USUAL = 1 << 20 };

/* An absolute directory that is there. */
BARKS_CHECKED static barks_status *make_quarantine(const char *directory, char **out)
{
    if (directory == NULL)
        BARKS_FAIL(BARKS_INVALID,
                   "bad rows are to be put aside, but .quarantine names no directory");
    if (mkdir(directory, 0777) != 0 && errno != EEXIST)
        BARKS_FAIL(BARKS_IO, "cannot make the directory '%s' for bad rows: %s", directory,
                   strerror(errno));
    *out = realpath(directory, NULL);
    if (*out == NULL)
        BARKS_FAIL(BARKS_IO, "cannot find the directory '%s' for bad rows: %s", directory,
                   strerror(errno));
    return NULL;
}

BARKS_CHECKED static barks_status *take_separator(const struct file_wish *wish,
                                                  struct source_options *out)
{
    void *copy = NULL;
    if (wish->separator == NULL)
        return NULL;
    size_t size_bytes = wish->separator_bytes > 0 ? wish->separator_bytes : strlen(wish->separator);
    if (size_bytes == 0)
        BARKS_FAIL(BARKS_INVALID, ".separator is empty: give one byte or more (a NUL with "
                                  ".separator_bytes = 1), or leave it out for lines");
    BARKS_TRY(copy_bytes(wish->separator, size_bytes, &copy));
    out->record_separator = copy;
    out->record_separator_bytes = size_bytes;
    return NULL;
}

BARKS_CHECKED static barks_status *take_options(const struct file_wish *wish,
                                                struct source_options *out)
{
    const barks_read_options *from = wish->options;
    *out = (struct source_options){
        .separator = from->separator,
        .quote = from->quote,
        .escape = from->escape,
        .comment = from->comment,
        .multiline = from->multiline != BARKS_NEVER,
        .strict = from->strict,
        .array = from->array,
        .columns = (enum csv_columns)from->columns, /* the same numbers */
        .ragged = (enum csv_ragged)from->ragged,
        .partitioned = from->partitioned,
        .skip = from->skip,
        .fixed_bytes = wish->record_bytes,
        .bad_rows = (enum bad_rows_mode)from->bad_rows, /* the same numbers */
        .record_bytes_max = wish->record_bytes_max,
    };
    if (from->bad_rows < BARKS_FAIL_BAD || from->bad_rows > BARKS_QUARANTINE_BAD)
        BARKS_FAIL(BARKS_INVALID, ".bad_rows is %d, and none of barks_bad_rows",
                   (int)from->bad_rows);
    if (from->columns < BARKS_COLUMNS_ALIKE || from->columns > BARKS_COLUMNS_BY_NAME_STRICT)
        BARKS_FAIL(BARKS_INVALID, ".columns is %d, and none of barks_columns", (int)from->columns);
    if (from->columns != BARKS_COLUMNS_ALIKE && from->header == BARKS_NEVER)
        BARKS_FAIL(BARKS_INVALID, "columns are found by their names in headers, but .header is "
                                  "BARKS_NEVER: leave one of both out");
    if (from->ragged < BARKS_RAGGED_BAD || from->ragged > BARKS_RAGGED_ANY)
        BARKS_FAIL(BARKS_INVALID, ".ragged is %d, and none of barks_ragged", (int)from->ragged);
    BARKS_TRY(take_separator(wish, out));
    if (from->max_bad > 0 && from->bad_rows == BARKS_FAIL_BAD)
        BARKS_FAIL(BARKS_INVALID, ".max_bad limits bad rows that are suffered, but the first one "
                                  "fails the job: say what becomes of them by .bad_rows");
    out->max_bad = from->max_bad;
    out->bad_rows_counter = wish->bad_rows_counter;
    if (from->bad_rows == BARKS_QUARANTINE_BAD) {
        BARKS_TRY(make_quarantine(from->quarantine, &out->quarantine));
        BARKS_TRY(copy_text(wish->quarantine_token, &out->quarantine_token));
    }
    return copy_text(from->null_text, &out->null_text);
}

/* Finds the files that no task but one can read. */
BARKS_CHECKED static barks_status *mark_whole(const struct file_wish *wish,
                                              const struct source_options *options,
                                              struct listing *listing)
{
    bool is_json = strcmp(wish->format, "json") == 0;
    bool all = (is_json && options->array) ||
               (options->record_separator != NULL &&
                separator_overlaps(options->record_separator, options->record_separator_bytes));
    for (size_t f = 0; f < listing->file_count; f++) {
        struct input_file *file = &listing->files[f];
        bool asks = is_json && file->compression == COMPRESSION_NONE &&
                    file->size_bytes > wish->split_bytes; /* the others are not cut anyway */
        file->is_whole = all;
        if (asks && !all)
            BARKS_TRY(json_array_is_file(file->path, &file->is_whole));
    }
    return NULL;
}

BARKS_CHECKED static barks_status *list_files(struct node *node, const struct file_wish *wish,
                                              const struct source_format *format,
                                              const struct source_options *options)
{
    const char *where_path = wish->options->where_path;
    struct listing_options listing = {.recursive = wish->options->recursive ||
                                                   wish->options->partitioned || where_path != NULL,
                                      .where_path = where_path};
    node->listing = calloc(1, sizeof *node->listing);
    node->splits = calloc(1, sizeof *node->splits);
    if (node->listing == NULL || node->splits == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a list of files");
    BARKS_TRY(listing_make(wish->paths, wish->path_count, &listing, node->listing));
    BARKS_TRY(mark_whole(wish, options, node->listing));
    BARKS_TRY(format->is_split
                  ? split_plan_make(node->listing, wish->split_bytes, node->splits)
                  : split_plan_make_whole(node->listing, wish->split_bytes, node->splits));
    node->partition_count =
        (uint32_t)node->splits->partition_count; /* at most SPLIT_PARTITIONS_MAX */
    return NULL;
}

/* With BAD_ROWS_KEEP every field is optional, and there is one for the text. */
BARKS_CHECKED static barks_status *make_keeping(const barks_record **record)
{
    static const barks_type str_type = {.id = BARKS_STR};
    const barks_schema *from = &(*record)->schema;
    barks_field *fields = calloc((size_t)from->field_count + 1, sizeof *fields);
    if (fields == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for fields");
    barks_schema schema = {.field_count = from->field_count, .fields = fields};
    for (uint32_t i = 0; i < from->field_count; i++) {
        fields[i] = from->fields[i];
        fields[i].nullable = true;
    }
    int32_t corrupt = schema_find(from, BAD_ROWS_COLUMN);
    barks_status *status = NULL;
    if (corrupt < 0)
        fields[schema.field_count++] =
            (barks_field){.name = BAD_ROWS_COLUMN, .type = &str_type, .nullable = true};
    else if (from->fields[corrupt].type->id != BARKS_STR)
        status = barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                  "the field '%s' takes the text of bad rows: make it (str, %s)",
                                  BAD_ROWS_COLUMN, BAD_ROWS_COLUMN);
    if (status == NULL)
        status = registry_derive_record(&schema, record);
    free(fields);
    return status;
}

BARKS_CHECKED static barks_status *choose_record(struct node *node, const struct file_wish *wish,
                                                 struct source_options *options)
{
    barks_schema *parsed = NULL;
    node->record = wish->record;
    if (wish->record == NULL && wish->schema[0] != '\0') {
        barks_status *status = schema_parse(wish->schema, &parsed);
        if (status == NULL)
            status = registry_derive_record(parsed, &node->record);
        schema_destroy(parsed);
        BARKS_TRY(status);
    }
    bool is_csv = strcmp(wish->format, "csv") == 0;
    if (node->record == NULL && !is_csv)
        BARKS_FAIL(BARKS_INVALID, "fields of %s are not inferred: name them", wish->format);
    if (node->record == NULL)
        BARKS_TRY(csv_infer(node->listing, wish, options, &node->record));
    else if (is_csv)
        BARKS_TRY(csv_find_columns(node->listing, wish, &node->record->schema, options));
    return options->bad_rows == BAD_ROWS_KEEP ? make_keeping(&node->record) : NULL;
}

/* What stands before the rows of a file, lines to skip, comments, empty lines and the header,
 * belongs to its first split, however long it is. A head without comments that fills a split of
 * usual size is not looked for: files would be opened here for it. Errors: as reading. */
BARKS_CHECKED static barks_status *keep_heads(const struct node *node, struct pool *pool,
                                              const struct source_options *options)
{
    struct split_plan *plan = node->splits;
    bool may_be_long = options->skip > 0 || (options->header && options->comment != 0);
    bool has_head = options->skip > 0 || options->header;
    for (size_t i = 0; has_head && i + 1 < plan->split_count; i++) {
        struct csv_record first = {0};
        if (plan->splits[i].begin > 0 || plan->splits[i + 1].begin == 0)
            continue;
        if (!may_be_long && plan->splits[i].end >= HEAD_BYTES_USUAL)
            continue;
        BARKS_TRY(csv_read_first(pool, options, &plan->splits[i], &first));
        split_plan_keep_head(plan, i, options->header ? first.end : first.begin);
        csv_record_drop(&first);
    }
    return NULL;
}

/* The format's name and options are what the step says. */
BARKS_CHECKED static barks_status *fill_step(struct step *step, const char *format,
                                             const struct source_options *options)
{
    struct packer packer = {0};
    source_options_pack(&packer, options);
    barks_status *status = packer_finish(&packer);
    void *bytes = NULL;
    if (status == NULL)
        status = copy_bytes(packer.bytes.data, packer.bytes.size, &bytes);
    step->bytes = bytes;
    step->size_bytes = bytes != NULL ? packer.bytes.size : 0;
    packer_drop(&packer);
    BARKS_TRY(status);
    step->texts = calloc(1, sizeof *step->texts);
    if (step->texts == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to read files");
    BARKS_TRY(copy_text(format, &step->texts[0]));
    step->text_count = 1;
    return NULL;
}

barks_status *file_node_fill(struct node *node, const struct file_wish *wish, bool *out_scan)
{
    const struct source_format *format = source_format_find(wish->format);
    BARKS_AUTO(source_options) options = {0};
    if (format == NULL)
        BARKS_FAIL(BARKS_INVALID, "there is no format '%s'", wish->format);
    BARKS_TRY(take_options(wish, &options));
    BARKS_TRY(list_files(node, wish, format, &options));
    BARKS_TRY(choose_record(node, wish, &options));
    BARKS_TRY(format->check(&options, &node->record->schema));
    if (strcmp(wish->format, "csv") == 0)
        BARKS_TRY(keep_heads(node, wish->pool, &options));
    bool is_cut = false;
    for (size_t i = 0; i < node->splits->split_count; i++)
        is_cut |= node->splits->splits[i].begin > 0;
    *out_scan = is_cut && options.multiline && strcmp(wish->format, "csv") == 0;
    node->bad_rows.counter = options.bad_rows_counter;
    BARKS_TRY(copy_text(options.quarantine, &node->bad_rows.quarantine));
    BARKS_TRY(copy_text(options.quarantine_token, &node->bad_rows.token));
    return fill_step(&node->step, wish->format, &options);
}

barks_status *file_node_scan(const struct node *node, struct node *scan)
{
    static const char format[] = "csv_scan";
    void *bytes = NULL;
    BARKS_TRY(copy_bytes(node->step.bytes, node->step.size_bytes, &bytes));
    scan->step.bytes = bytes;
    scan->step.size_bytes = node->step.size_bytes;
    scan->step.texts = calloc(1, sizeof *scan->step.texts);
    if (scan->step.texts == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to read files");
    BARKS_TRY(copy_text(format, &scan->step.texts[0]));
    scan->step.text_count = 1;
    scan->listing = node->listing; /* lent */
    scan->splits = node->splits;
    scan->partition_count = node->partition_count;
    return NULL;
}

barks_status *file_node_set_states(struct node *node, struct node *scan, const int64_t *maps,
                                   uint64_t map_count)
{
    enum csv_state state = CSV_ROW;
    scan->listing = NULL;
    scan->splits = NULL;
    scan->partition_count = 0;
    if (maps == NULL)
        return NULL;
    if (map_count != node->splits->split_count)
        BARKS_FAIL(BARKS_INTERNAL, "%ju maps came of %zu splits", (uintmax_t)map_count,
                   node->splits->split_count);
    for (size_t i = 0; i < node->splits->split_count; i++) {
        struct split *split = &node->splits->splits[i];
        if (split->begin == 0)
            state = CSV_ROW;
        split->start_state = (uint8_t)state;
        state = csv_map_apply((csv_map)maps[i], state);
    }
    return NULL;
}
