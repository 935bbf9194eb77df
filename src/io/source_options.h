/* How files are read as rows, beyond their names: what plans carry for a format. */
#pragma once

#include "barks/status.h"
#include "io/bad_rows.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct packer;
struct unpacker;

/* Whose columns a CSV file has. */
enum csv_columns {
    CSV_SAME_COLUMNS = 0, /* `names`, as all files */
    CSV_BY_NAME,          /* those of its own header; those of no field are skipped */
    CSV_BY_NAME_STRICT,   /* those of no field are an error */
};

/* Rows of CSV with another number of columns. */
enum csv_ragged {
    CSV_RAGGED_BAD = 0,
    CSV_RAGGED_SHORT, /* what a short one lacks is null */
    CSV_RAGGED_ANY,   /* and what a long one has too much is dropped */
};

/* Begins zeroed, which is fine for every format; ends with source_options_drop. */
struct source_options {
    char separator;   /* of CSV; 0: ',' */
    char quote;       /* of CSV; 0: '"' */
    bool no_quotes;   /* a quote is a character like any other */
    char escape;      /* inside quotes; 0: none but the doubled quote */
    char comment;     /* lines that begin with it are skipped; 0: none */
    bool header;      /* each file begins with the names of its columns, which must be `names` */
    bool multiline;   /* quoted values may hold newlines: splits must know their start_state */
    bool strict;      /* JSON: a key that no field has is an error */
    bool array;       /* JSON: each file is one array */
    bool partitioned; /* fields that the path names, "year=2024/", have their values from it */
    uint32_t skip;    /* lines, or bytes of fixed records, at the beginning of each file */
    uint32_t fixed_bytes;
    enum bad_rows_mode bad_rows;
    enum csv_columns columns;
    enum csv_ragged ragged;
    char *null_text;           /* owned; NULL: an empty value without quotes is the only null */
    char *quarantine;          /* owned: a directory */
    char *quarantine_token;    /* owned: quarantine.h */
    uint32_t bad_rows_counter; /* the accumulator that counts bad rows; 0: none */
    uint64_t max_bad;          /* bad rows that are suffered; 0: any number */
    char **names; /* owned: columns of CSV in the order of the file; NULL: the fields' */
    uint32_t name_count;
    uint8_t *record_separator; /* of text: owned; NULL: the end of a line */
    size_t record_separator_bytes;
    uint64_t record_bytes_max; /* 0: WINDOW_RECORD_BYTES_MAX */
    size_t chunk_bytes;        /* 0: WINDOW_CHUNK_BYTES; not sent, for tests */
};

void source_options_drop(struct source_options *options);
void source_options_pack(struct packer *out, const struct source_options *options);
/* Errors: BARKS_BAD_INPUT, BARKS_NO_MEMORY; out is then for source_options_drop. */
BARKS_CHECKED barks_status *source_options_unpack(struct unpacker *in, struct source_options *out);
