/* Values of columns of numbers. */
#pragma once

#include "barks/batch.h"

#include <stdint.h>

/* Of i32, i64, f32 or f64, that is there. */
static inline double number_at(const barks_column *column, uint32_t row)
{
    switch (column->type->id) {
    case BARKS_I32:
        return ((const int32_t *)column->values)[row];
    case BARKS_I64:
        return (double)((const int64_t *)column->values)[row];
    case BARKS_F32:
        return (double)((const float *)column->values)[row];
    case BARKS_F64:
        return ((const double *)column->values)[row];
    case BARKS_BOOL:
    case BARKS_STR:
    case BARKS_BYTES:
    case BARKS_LIST:
    case BARKS_STRUCT:
        break;
    }
    return 0; /* columns are checked when the plan is made */
}

/* Of i32 or i64. */
static inline int64_t integer_at(const barks_column *column, uint32_t row)
{
    return column->type->id == BARKS_I32 ? ((const int32_t *)column->values)[row]
                                         : ((const int64_t *)column->values)[row];
}
