/* Some columns of rows, and behind them a number for each row: as such they are dealt to piles, so
 * that what comes of them can be put in the order in which they came. */
#pragma once

#include "barks/status.h"
#include "batch/batch.h"

#include <stdint.h>

/* Begins with numbered_rows_init, ends with numbered_rows_drop. Threads: the task's only. */
struct numbered_rows {
    barks_schema schema; /* the columns, and an i64; of fields */
    barks_field *fields; /* owned */
    uint32_t *from;      /* columns of the rows given; owned */
    struct batch view;   /* of the rows at hand; owned: its columns */
    int64_t *numbers;    /* owned: room for capacity rows */
    uint32_t capacity;
    uint64_t row_count; /* numbered so far */
};

/* columns: of rows of schema, whose types must outlive it. Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *numbered_rows_init(struct numbered_rows *numbered,
                                               const barks_schema *schema, const uint32_t *columns,
                                               uint32_t column_count);
void numbered_rows_drop(struct numbered_rows *numbered); /* zeroed ones too */

/* Which of the columns has the numbers. */
static inline uint32_t numbered_rows_column(const struct numbered_rows *numbered)
{
    return numbered->schema.field_count - 1;
}

/* The rows of batch under the next numbers: lent, as long as batch and until the next call, for who
 * copies what strings they need.
 * Errors: BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *numbered_rows_see(struct numbered_rows *numbered,
                                              const struct batch *batch,
                                              const struct batch **out_view);

/* The numbers in rows of the schema. */
static inline int64_t *numbered_rows_numbers(const struct numbered_rows *numbered,
                                             const struct batch *rows)
{
    return rows->base.columns[numbered_rows_column(numbered)].values;
}
