/* Reading files: CSV with its bad rows, text between separators. */
#include "ops.h"

#include <stdio.h>

static const char whole_fields[] = "key i64, id i64, number i64, text str";

static const char *left_path(const struct op_run *run)
{
    static char path[1024]; /* datasets copy it */
    snprintf(path, sizeof path, "%s/left.txt", run->data);
    return path;
}

static barks_rdd *run_csv_tabs(const struct op_run *run)
{
    return barks_read_csv_as(run->context, left_path(run),
                             "key i64, id i64, number i64?, text str?", .separator = '\t',
                             .header = BARKS_NEVER);
}

static barks_rdd *run_csv_good_rows(const struct op_run *run)
{
    return barks_read_csv_as(run->context, left_path(run), whole_fields, .separator = '\t',
                             .header = BARKS_NEVER, .bad_rows = BARKS_DROP_BAD);
}

BARKS_RECORD(op_bad, (i64, good), (i64, bad), (i64, bad_twice), (bool, limited));
static barks_rdd *run_bad_row_counts(const struct op_run *run)
{
    barks_rdd *rows = run_csv_good_rows(run);
    struct op_bad is = {.good = barks_count(rows), .bad = barks_bad_row_count(rows)};
    (void)barks_count(rows);
    is.bad_twice = barks_bad_row_count(rows);
    is.limited =
        barks_count(barks_read_csv_as(run->context, left_path(run), whole_fields, .separator = '\t',
                                      .header = BARKS_NEVER, .bad_rows = BARKS_DROP_BAD,
                                      .max_bad = (uint64_t)(is.bad > 0 ? is.bad : 1))) == is.good;
    return barks_parallelize(run->context, op_bad, &is, 1, 1);
}

/* What an action has put aside, read again. */
static barks_rdd *run_put_aside(const struct op_run *run)
{
    char aside[1100];
    snprintf(aside, sizeof aside, "%s/aside", run->data);
    barks_rdd *rows = barks_read_csv_as(run->context, left_path(run), whole_fields,
                                        .separator = '\t', .header = BARKS_NEVER,
                                        .bad_rows = BARKS_QUARANTINE_BAD, .quarantine = aside);
    if (barks_count(rows) < 0)
        return NULL;
    return barks_read_json_as(run->context, aside, "byte i64, text str");
}

BARKS_RECORD(op_text_bytes, (i64, bytes));
BARKS_MAP(op_text_length, barks_text, op_text_bytes) { out->bytes = in->text.length; }

static barks_rdd *run_separated(const struct op_run *run)
{
    return barks_map(barks_read_text(run->context, left_path(run), .separator = "\t"),
                     op_text_length, NULL);
}

static barks_rdd *run_separated_by_two(const struct op_run *run)
{
    return barks_map(barks_read_text(run->context, left_path(run), .separator = "\n1"),
                     op_text_length, NULL);
}

const struct op_case ops_files[] = {
    {"csv_tabs", run_csv_tabs},
    {"csv_good_rows", run_csv_good_rows},
    {"bad_row_counts", run_bad_row_counts},
    {"put_aside", run_put_aside},
    {"separated", run_separated},
    {"separated_by_two", run_separated_by_two},
};
const size_t ops_files_count = sizeof ops_files / sizeof ops_files[0];
