/* Awkward rows for tests of operations: nulls, empty partitions, one key, all keys distinct,
 * duplicates, NaN, -0.0, strings of 0 B to 1 MB. */
#pragma once

#include "rdd/shapes.h"
#include "support/property.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

BARKS_RECORD(case_row, (i64, key), (i64, id), (f64, real), (optional(i64), number),
             (optional(str), text));

struct cases {
    struct case_row *rows; /* owned */
    uint32_t count;
    uint32_t partitions; /* 1 to 17: some of them empty where there are few rows */
    int64_t key_count;   /* keys are in [0, key_count) */
    char *bytes;         /* owned: what text points into */
};

enum { CASE_TEXT_BYTES = 1 << 20 };

/* Row i has the id i. */
static inline struct cases cases_make(uint64_t *seed)
{
    static const uint32_t counts[] = {0, 1, 2, 5, 40, 1000, 3000, 5000};
    struct cases cases = {.count = counts[property_next(seed) % 8],
                          .partitions = 1 + (uint32_t)(property_next(seed) % 17)};
    const int64_t keys[] = {1, 3, 50, (int64_t)cases.count + 1, INT64_MAX};
    cases.key_count = keys[property_next(seed) % 5];
    cases.rows = calloc((size_t)cases.count + 1, sizeof *cases.rows);
    cases.bytes = malloc(CASE_TEXT_BYTES);
    ck_assert(cases.rows != NULL && cases.bytes != NULL);
    for (size_t i = 0; i < CASE_TEXT_BYTES; i++)
        cases.bytes[i] = (char)('a' + i % 26);
    uint32_t long_count = 0;
    for (uint32_t i = 0; i < cases.count; i++) {
        struct case_row *row = &cases.rows[i];
        uint64_t choice = property_next(seed);
        row->id = i;
        row->key = (int64_t)(property_next(seed) >> 1) % cases.key_count;
        row->real = choice % 7 == 0   ? (double)NAN
                    : choice % 7 == 1 ? -0.0
                    : choice % 7 == 2 ? 0.0
                                      : (double)(choice % 1000) / 8;
        row->number.valid = choice / 7 % 5 != 0;
        row->number.value = row->number.valid ? (int64_t)(choice / 35 % 100) - 50 : 0;
        row->text.valid = choice / 3500 % 4 != 0;
        size_t length = choice / 14000 % 40;
        if (choice / 560000 % 500 == 0 && long_count++ < 2)
            length = CASE_TEXT_BYTES - 100;
        row->text.value =
            row->text.valid ? barks_str_of(cases.bytes + choice % 26, length) : barks_str_of("", 0);
    }
    return cases;
}

static inline void cases_drop(struct cases *cases)
{
    free(cases->rows);
    free(cases->bytes);
    *cases = (struct cases){0};
}

static inline barks_rdd *cases_dataset(barks_context *context, const struct cases *cases)
{
    return barks_parallelize(context, case_row, cases->rows, cases->count, cases->partitions);
}
