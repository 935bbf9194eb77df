/* STEP_NUMBER: numbers[0] of the step. */
#pragma once

enum number_kind {
    NUMBER_INDEX = 1, /* bytes: an int64_t for each partition: the index of its first row */
    NUMBER_UNIQUE,    /* row i of partition k of p has the number i * p + k */
};
