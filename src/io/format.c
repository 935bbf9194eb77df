#include "io/format.h"

#include "batch/schema.h"
#include "io/csv_source.h"
#include "io/fixed_source.h"
#include "io/json_source.h"
#include "io/record_window.h"
#include "io/separated_source.h"
#include "io/text_source.h"

#include <string.h>

BARKS_CHECKED static barks_status *check_text(const struct source_options *options,
                                              const barks_schema *schema)
{
    (void)options;
    if (!schema_equal(schema, text_source_schema()))
        BARKS_FAIL(BARKS_INVALID, "text is read as rows of one field (str, text)");
    return NULL;
}

BARKS_CHECKED static barks_status *open_text(struct pool *pool,
                                             const struct source_options *options,
                                             const barks_schema *schema, const struct split *splits,
                                             size_t split_count, struct bad_rows *bad,
                                             struct source **out_source)
{
    struct text_source_options text = {.line_bytes_max = options->record_bytes_max,
                                       .chunk_bytes = options->chunk_bytes};
    (void)schema, (void)bad;
    if (options->record_separator != NULL)
        return separated_source_open(pool, options, splits, split_count, out_source);
    return text_source_open(pool, &text, splits, split_count, out_source);
}

BARKS_CHECKED static barks_status *open_scan(struct pool *pool,
                                             const struct source_options *options,
                                             const barks_schema *schema, const struct split *splits,
                                             size_t split_count, struct bad_rows *bad,
                                             struct source **out_source)
{
    (void)schema, (void)bad;
    return csv_scan_open(pool, options, splits, split_count, out_source);
}

BARKS_CHECKED static barks_status *check_any(const struct source_options *options,
                                             const barks_schema *schema)
{
    (void)options, (void)schema;
    return NULL;
}

BARKS_CHECKED static barks_status *check_fixed(const struct source_options *options,
                                               const barks_schema *schema)
{
    if (options->fixed_bytes == 0 || options->fixed_bytes > WINDOW_RECORD_BYTES_MAX)
        BARKS_FAIL(BARKS_INVALID, "records have from 1 to %d bytes, not %u",
                   WINDOW_RECORD_BYTES_MAX, (unsigned)options->fixed_bytes);
    if (schema->field_count != 1 || schema->fields[0].type->id != BARKS_BYTES)
        BARKS_FAIL(BARKS_INVALID, "records of fixed length are read as rows of one bytes field");
    return NULL;
}

BARKS_CHECKED static barks_status *check_whole(const struct source_options *options,
                                               const barks_schema *schema)
{
    int32_t path = schema_find(schema, "path");
    int32_t content = schema_find(schema, "content");
    (void)options;
    bool good = schema->field_count == 2 && path >= 0 && content >= 0 &&
                schema->fields[path].type->id == BARKS_STR &&
                (schema->fields[content].type->id == BARKS_STR ||
                 schema->fields[content].type->id == BARKS_BYTES);
    if (!good)
        BARKS_FAIL(BARKS_INVALID,
                   "whole files are read as rows of (str, path) and (str or bytes, content)");
    return NULL;
}

const struct source_format *source_format_find(const char *name)
{
    static const struct source_format formats[] = {
        {.name = "text",
         .is_split = true,
         .is_scattered = true,
         .check = check_text,
         .open = open_text},
        {.name = "csv",
         .has_bad_rows = true,
         .is_split = true,
         .check = csv_source_check,
         .open = csv_source_open},
        {.name = "csv_scan", .is_split = true, .check = check_any, .open = open_scan},
        {.name = "json",
         .has_bad_rows = true,
         .is_split = true,
         .check = check_any,
         .open = json_source_open},
        {.name = "fixed",
         .is_split = true,
         .is_scattered = true,
         .check = check_fixed,
         .open = fixed_source_open},
        {.name = "whole", .is_split = false, .check = check_whole, .open = whole_source_open},
        {.name = "batches", .is_split = false, .check = check_any, .open = batches_source_open},
    };
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}
