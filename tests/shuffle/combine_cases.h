/* Keys and folds that the tests of the combine table run over: a record, how random rows of it are
 * made, and the same fold twice, once for the engine and once on a row alone. */
#pragma once

#include "barks/function.h"
#include "base/arena.h"
#include "base/random.h"
#include "batch/batch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest struct of a case. */
enum { CASE_ROW_BYTES = 128, CASE_TEXT_BYTES = 512 };

struct combine_case {
    const char *name;
    const barks_record *record;      /* of the rows */
    const barks_record *accumulator; /* has the same key fields */
    const barks_function *function;  /* NULL: distinct */
    const void *initial;
    uint32_t key_fields[3];
    uint32_t key_count;
    bool commutes; /* the answer does not depend on the order of rows */
    /* A row whose key is one of about key_count_max; what it points to lies in arena. */
    void (*make)(struct random *random, uint32_t key_count_max, struct arena *arena, void *row);
    /* The model's: of the first row, NULL: its copy; of every other row. Strings are borrowed. */
    void (*begin)(void *accumulator, const void *row);
    void (*fold)(void *accumulator, const void *row);
    /* Prints an accumulator: the key, then '|', then the rest. Equal keys print alike. */
    void (*print)(const void *accumulator, char *out);
    bool (*has_key_of)(const void *accumulator, const void *row);
    /* Appends rows to batch. */
    barks_status *(*write)(const void *rows, uint32_t row_count, struct batch *batch);
};

extern const struct combine_case combine_cases[];
extern const size_t combine_case_count;

/* The case of that name. */
const struct combine_case *combine_case_named(const char *name);

/* A string of one of `different` texts of 0 to 40 bytes, several of which begin alike. */
barks_str case_text(struct random *random, uint32_t different, struct arena *arena);
