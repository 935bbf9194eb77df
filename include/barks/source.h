/* Datasets from files of many formats, and from numbers. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"

/* What becomes of input that is no row. */
typedef enum barks_bad_rows {
    BARKS_FAIL_BAD = 0,   /* the job fails, with file, line, column and reason */
    BARKS_DROP_BAD,       /* it is left out */
    BARKS_KEEP_BAD,       /* a row whose fields are null, and the text in the field _corrupt */
    BARKS_QUARANTINE_BAD, /* its text, place and reason go to .quarantine, as JSON lines */
    /* Of all but the first the summary says how many there were, and where the last. */
} barks_bad_rows;

/* Whose columns CSV files have. */
typedef enum barks_columns {
    BARKS_COLUMNS_ALIKE = 0,      /* all files those of the first */
    BARKS_COLUMNS_BY_NAME,        /* each those of its own header: fields that it does not name are
                                     null there, columns of no field are skipped */
    BARKS_COLUMNS_BY_NAME_STRICT, /* the same, but a column of no field is an error */
} barks_columns;

/* Rows of CSV that have not as many values as there are columns. */
typedef enum barks_ragged {
    BARKS_RAGGED_BAD = 0, /* bad rows */
    BARKS_RAGGED_SHORT,   /* what short ones lack is null; long ones are bad */
    BARKS_RAGGED_ANY,     /* what long ones have too much is dropped as well */
} barks_ragged;

/* Options of all that reads files; what is left out is 0, and what a format has no use for does
 * nothing. */
typedef struct barks_read_options {
    char first_;            /* for the macros: so that options can be left out */
    char separator;         /* CSV: between values; 0: ',' */
    char quote;             /* CSV: 0: '"' */
    char escape;            /* CSV: inside of quotes, beside the doubled quote; 0: none */
    char comment;           /* CSV: lines that begin so are skipped; 0: none */
    barks_choice header;    /* CSV: files begin with the names of their columns; left out: where the
                               first line names all fields */
    barks_choice multiline; /* CSV: quotes may hold newlines; left out: yes. BARKS_NEVER saves the
                               scan that finds the quotes at the bounds of splits */
    barks_columns columns;  /* CSV */
    barks_ragged ragged;    /* CSV */
    const char *null_text;  /* CSV: a value, besides the empty one, that is null */
    uint32_t skip;          /* CSV: lines, fixed records: bytes, at the beginning of each file */
    bool strict;            /* JSON: keys that no field has are bad */
    bool array;       /* JSON: each file is one array; left out: where its first byte is '[' */
    bool recursive;   /* directories with all below them */
    bool partitioned; /* recursive, and fields that directories name, "year=2024/", have their
                         values from there */
    const char *where_path; /* as of barks_read_text */
    barks_bad_rows bad_rows;
    uint64_t max_bad;       /* an action that meets more bad rows fails; 0: any number */
    const char *quarantine; /* a directory, made where it is missing: bad-00000.json for partition
                               0, and so on, which appear when the action has succeeded, with its
                               output */
} barks_read_options;

/**
 * Rows of CSV files: barks_read_csv(context, "trips/", trip, .separator = ';'), trip being a
 * BARKS_RECORD whose fields are columns by name where the files have a header, else by order.
 *
 * Paths, compression and partitions: as barks_read_text. As RFC 4180 has it, values may stand in
 * quotes and then hold separators, doubled quotes and newlines; files are split right whatever
 * their quotes hold, for which files of several splits are scanned once, at this call. An empty
 * value is null, "" in quotes an empty string, true and false are bool. Columns of no field are
 * skipped. All files must have the columns of the first; with .columns = BARKS_COLUMNS_BY_NAME each
 * has its own, and fields that it lacks are null. .ragged says what becomes of short and long rows.
 * Names of columns are without spaces around them; of equal ones the second is name_1 and so on,
 * and an empty one is column_3 and the like.
 *
 * Options: all of barks_read_options but .strict. With .bad_rows = BARKS_KEEP_BAD all fields are
 * optional and there is a field (str, _corrupt), null for good rows.
 *
 * Errors:  (sticky) as barks_read_text; a field without a column; a list or a struct. (of the job)
 *          BARKS_BAD_INPUT: a bad row.
 */
#define barks_read_csv(context, path, ...) BARKS_READ_CSV_(context, path, __VA_ARGS__, )
#define BARKS_READ_CSV_(context, path, record, ...)                                                \
    barks_read_files_at((context), "csv", (path), &barks_record_##record, NULL,                    \
                        &(barks_read_options){0, __VA_ARGS__}, BARKS_HERE)
/* The same with fields as text: barks_read_csv_as(context, path, "name str, price f64?"), '?' being
 * optional. Functions name the fields they want. */
#define barks_read_csv_as(context, path, ...) BARKS_READ_CSV_AS_(context, path, __VA_ARGS__, )
#define BARKS_READ_CSV_AS_(context, path, schema, ...)                                             \
    barks_read_files_at((context), "csv", (path), NULL, (schema),                                  \
                        &(barks_read_options){0, __VA_ARGS__}, BARKS_HERE)
/* The same with fields from the header (without one: c1, c2, ...) and types, bool, i64, f64 or str,
 * all optional, from the first MiB of up to 16 files; barks_schema_text says them, and so does the
 * log at info. What does not fit further on is a bad row. */
#define barks_read_csv_inferred(...) BARKS_READ_CSV_INFERRED_(__VA_ARGS__, )
#define BARKS_READ_CSV_INFERRED_(context, path, ...)                                               \
    barks_read_files_at((context), "csv", (path), NULL, "", &(barks_read_options){0, __VA_ARGS__}, \
                        BARKS_HERE)

/**
 * Rows of JSON lines, an object a line: barks_read_json(context, path, event). Keys are fields by
 * name, objects are record(r) fields, arrays are lists. A missing key is null, a key of no field is
 * skipped. Numbers beyond i64 fit f64 fields. A file may also be one array of objects, however it
 * is spaced; it is read by one task. Options: .strict, .array, .recursive, .partitioned,
 * .where_path, .bad_rows, .quarantine. Errors: as barks_read_csv.
 */
#define barks_read_json(context, path, ...) BARKS_READ_JSON_(context, path, __VA_ARGS__, )
#define BARKS_READ_JSON_(context, path, record, ...)                                               \
    barks_read_files_at((context), "json", (path), &barks_record_##record, NULL,                   \
                        &(barks_read_options){0, __VA_ARGS__}, BARKS_HERE)
/* With fields as text, where lists and structs are list<type> and struct<name type, ...>. */
#define barks_read_json_as(context, path, ...) BARKS_READ_JSON_AS_(context, path, __VA_ARGS__, )
#define BARKS_READ_JSON_AS_(context, path, schema, ...)                                            \
    barks_read_files_at((context), "json", (path), NULL, (schema),                                 \
                        &(barks_read_options){0, __VA_ARGS__}, BARKS_HERE)

/* What barks_read_fixed gives. */
BARKS_RECORD(barks_binary, (bytes, data));
/* Records of length bytes each: barks_read_fixed(context, path, 100). A file whose length is no
 * multiple is an error. Options: .skip, .recursive. */
#define barks_read_fixed(context, path, ...) BARKS_READ_FIXED_(context, path, __VA_ARGS__, )
#define BARKS_READ_FIXED_(context, path, length, ...)                                              \
    barks_read_fixed_at((context), (path), (length), &(barks_read_options){0, __VA_ARGS__},        \
                        BARKS_HERE)

/* What barks_read_whole gives. */
BARKS_RECORD(barks_file, (str, path), (bytes, content));
/* A row for each file, up to --barks-line-bytes-max each; small files share partitions. Option:
 * .recursive. */
#define barks_read_whole(...) BARKS_READ_WHOLE_(__VA_ARGS__, )
#define BARKS_READ_WHOLE_(context, path, ...)                                                      \
    barks_read_files_at((context), "whole", (path), &barks_record_barks_file, NULL,                \
                        &(barks_read_options){0, __VA_ARGS__}, BARKS_HERE)

/* Rows that barks_write_batches wrote, of a record of the same fields. A partition or more a file.
 */
#define barks_read_batches(context, path, ...) BARKS_READ_BATCHES_(context, path, __VA_ARGS__, )
#define BARKS_READ_BATCHES_(context, path, record, ...)                                            \
    barks_read_files_at((context), "batches", (path), &barks_record_##record, NULL,                \
                        &(barks_read_options){0, __VA_ARGS__}, BARKS_HERE)

/* The bad rows that actions that succeeded have met in the reads that a dataset is computed from:
 * of the attempts that count, and again where an action reads them again. -1: after barks_finalize,
 * or without memory. */
BARKS_API int64_t barks_bad_row_count(barks_rdd *rdd);

/* record NULL: the fields are schema's, or with "" inferred. */
BARKS_API barks_rdd *barks_read_files_at(barks_context *context, const char *format,
                                         const char *path, const barks_record *record,
                                         const char *schema, const barks_read_options *options,
                                         const char *where);
BARKS_API barks_rdd *barks_read_fixed_at(barks_context *context, const char *path,
                                         uint32_t record_bytes, const barks_read_options *options,
                                         const char *where);

/* What barks_range gives, and what the function of barks_generate takes. */
BARKS_RECORD(barks_number, (i64, value));
/* first, first + step, ... before end (or after it, with a step below 0) in `partitions` (0: 64 at
 * most); nothing is sent. Errors: (sticky) BARKS_INVALID: step 0, more than 2^62 numbers. */
#define barks_range(context, first, end, step, partitions)                                         \
    barks_range_at((context), (first), (end), (step), (partitions), BARKS_HERE)
BARKS_API barks_rdd *barks_range_at(barks_context *context, int64_t first, int64_t end,
                                    int64_t step, uint32_t partitions, const char *where);

/* count rows made by a BARKS_MAP from barks_number, of 0, 1, ..., count - 1. */
#define barks_generate(context, count, partitions, f, env)                                         \
    barks_map(barks_range((context), 0, (count), 1, (partitions)), f, env)

/* No rows of a record. */
#define barks_empty(context, record)                                                               \
    barks_parallelize_at((context), &barks_record_##record, (const struct record *)0, 0, 0,        \
                         BARKS_HERE)
