/* Answers that must come in a given time: of the partitions that were done by then, with bounds for
 * what all of them would have given (base/estimate.h). */
#pragma once

#include "barks/status.h"
#include "barks/within.h"
#include "batch/batch.h"
#include "runtime/column_answers.h"

/* seconds: from now; infinity: no limit. */
struct time_given {
    double seconds, confidence;
};

enum bounded_number { BOUNDED_COUNT = 1, BOUNDED_SUM, BOUNDED_MEAN };

/* question->column does not matter to BOUNDED_COUNT. Errors: those of the job, but not that it took
 * too long; BARKS_INVALID: no column of numbers, a time below 0, a confidence that is not between 0
 * and 1. */
BARKS_CHECKED barks_status *answer_bounded(const struct column_question *question,
                                           enum bounded_number number,
                                           const struct time_given *given, barks_bounds *out);

/* question->node gives each row of a partition once, and as its last field (i64) how often it is in
 * the partition; of all of its partitions. *out_rows: the rows, ascending, and (f64) count, low and
 * high in place of that field; the caller's. *out_total: of all rows. Errors: likewise. */
BARKS_CHECKED barks_status *answer_bounded_values(const struct column_question *question,
                                                  const struct time_given *given,
                                                  barks_bounds *out_total, struct batch **out_rows);
