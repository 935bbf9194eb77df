/* One record of CSV as a row of a batch. */
#pragma once

#include "barks/batch.h"
#include "io/csv_source.h"
#include "io/csv_state.h"

struct batch;
struct record_window;

enum { NO_FIELD = -1 };

/* How the common values of a column are read: in one pass with their end, and without a call. */
enum csv_quick {
    CSV_SLOW = 0, /* they are not */
    CSV_QUICK_I64,
    CSV_QUICK_I32,
    CSV_QUICK_F64,
    CSV_QUICK_BOOL,
    CSV_QUICK_STR,
};

/* A column of the file, and the field that it fills. */
struct csv_column {
    int32_t field;
    barks_type_id type;
    enum csv_quick quick;
    bool nullable;
};

/* Why a record is no row. */
struct csv_fault {
    char reason[160];
    uint32_t column;
};

/* Begins zeroed, ends with csv_parser_drop. Threads: one owner at a time. */
struct csv_parser {
    const struct record_window *window; /* borrowed, all three */
    const struct source_options *options;
    const struct csv_machine *machine;
    struct csv_column *columns; /* owned */
    uint32_t column_count;
    uint32_t *missing; /* owned: fields that the file has no column for */
    uint32_t missing_count;
    int32_t corrupt_field; /* BAD_ROWS_COLUMN, or NO_FIELD */
    uint8_t separator, quote, escape;
    size_t null_text_bytes;
    struct csv_fault fault;
};

/* Columns are those of options->names, or without them the fields in their order. Errors:
 * BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *csv_parser_init(struct csv_parser *parser,
                                            const struct source_options *options,
                                            const struct csv_machine *machine,
                                            const struct record_window *window,
                                            const barks_schema *schema);
void csv_parser_drop(struct csv_parser *parser);

/* Columns are those of a file's own header, for options->columns by name. Errors: BARKS_BAD_INPUT:
 * a field that must be there and is not, a name of two columns, one of no field where that is
 * wrong. */
BARKS_CHECKED barks_status *csv_parser_take_header(struct csv_parser *parser,
                                                   const barks_schema *schema, const char *path,
                                                   const struct csv_record *header);

enum parsed { PARSED_ROW, PARSED_INCOMPLETE, PARSED_BAD, PARSED_NOTHING };

/* Parses the record at the window's beginning into the batch's next row; *out_next is behind it.
 * PARSED_BAD: fault says why. Errors: as batch_make_bytes. */
BARKS_CHECKED barks_status *csv_parse_record(struct csv_parser *parser, struct batch *batch,
                                             enum parsed *out_parsed, const uint8_t **out_next);

/* The end of the record at the window's beginning, whatever it holds; NULL: not in the window. */
const uint8_t *csv_record_end(const struct csv_parser *parser);
