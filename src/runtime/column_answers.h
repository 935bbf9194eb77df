/* Answers about the numbers of a column (i32, i64, f32, f64), merged from its partitions. */
#pragma once

#include "barks/action.h"
#include "barks/status.h"
#include "plan/node.h"
#include "runtime/context.h"

#include <stdbool.h>
#include <stdint.h>

/* What is asked, and of what; what: the action, for people. */
struct column_question {
    barks_context *context;
    struct node *node;
    uint32_t column;
    const char *what;
};

/* Errors: BARKS_INVALID: the column is none of numbers (of integers). */
BARKS_CHECKED barks_status *answer_check_number(const struct column_question *question,
                                                bool integers_only);

/* Errors of all: those of the job; BARKS_INVALID: it is no column of numbers, or arguments that
 * make no sense. */
BARKS_CHECKED barks_status *answer_stats(const struct column_question *question,
                                         barks_statistics *out);
BARKS_CHECKED barks_status *answer_integer_sum(const struct column_question *question,
                                               int64_t *out_sum);
BARKS_CHECKED barks_status *answer_histogram(const struct column_question *question,
                                             const double *bounds, uint32_t bound_count,
                                             int64_t *out_counts);
BARKS_CHECKED barks_status *answer_even_histogram(const struct column_question *question,
                                                  uint32_t bucket_count, double *out_bounds,
                                                  int64_t *out_counts, uint32_t *out_bucket_count);
BARKS_CHECKED barks_status *answer_quantiles(const struct column_question *question,
                                             const double *fractions, uint32_t count, double error,
                                             double *out_values);

/* Of columns of any type; question->column does not matter. */
BARKS_CHECKED barks_status *answer_distinct_count(const struct column_question *question,
                                                  const uint32_t *columns, uint32_t column_count,
                                                  double deviation, int64_t *out_count);
