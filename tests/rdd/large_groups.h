/* Rows that are more than memory may hold, of which groups are made, and what a body sees of them.
 */
#pragma once

#include "rdd/shapes.h"
#include "support/property.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 300000, TEXT_BYTES = 250 }; /* 45 MB, of which 16 MiB at most may be in memory */

/* How keys are spread. */
enum key_kind { MANY, MOSTLY_ONE, FEW, KEY_KINDS };

/* What a body does with its rows. */
enum reading { ALL, A_FEW, TWICE, HALF_AND_ALL, ASKING, READINGS };

struct making {
    uint64_t seed;
    int64_t kind, reading;
    int64_t is_descending;
};

BARKS_RECORD(grouped_row, (optional(i64), key), (i64, id), (str, text));
static inline uint64_t mix(uint64_t value) { return value * UINT64_C(0x9e3779b97f4a7c15) >> 20; }

/* INT64_MAX stands for null, which comes last. */
static inline int64_t key_of(const struct making *making, int64_t id)
{
    uint64_t mixed = mix((uint64_t)id + making->seed);
    switch ((enum key_kind)making->kind) {
    case MANY:
        return mixed % 97 == 0 ? INT64_MAX : (int64_t)(mixed % 30000) - 15000;
    case MOSTLY_ONE:
        return mixed % 10 != 0 ? 7 : mixed % 30 == 0 ? INT64_MAX : (int64_t)(mixed % 12);
    case FEW:
        return mixed % 3 == 0 ? INT64_MAX : (int64_t)(mixed % 3);
    case KEY_KINDS:
        break;
    }
    return 0;
}

static inline uint32_t length_of(int64_t id)
{
    return id % 3 == 0 ? TEXT_BYTES : (uint32_t)(id % 23);
}
static inline char letter_of(int64_t id) { return (char)('a' + id % 26); }

static inline bool is_text_of(barks_str text, int64_t id)
{
    bool is_good = text.length == length_of(id);
    for (uint32_t i = 0; i < text.length && is_good; i++)
        is_good = barks_str_bytes(&text)[i] == letter_of(id);
    return is_good;
}

BARKS_MAP(make_grouped, barks_number, grouped_row, struct making)
{
    char text[TEXT_BYTES];
    int64_t key = key_of(env, in->value);
    memset(text, letter_of(in->value), sizeof text);
    *out = (struct grouped_row){.key = {key, key != INT64_MAX}, .id = in->value};
    out->text = barks_str_make(out, text, length_of(in->value));
}

/* What rows give, one after another. */
struct summary {
    int64_t count, sum, order, mistakes, first_id, last_id;
    barks_str first, last;
};

static inline void add_id(struct summary *summary, int64_t id)
{
    if (summary->count++ == 0)
        summary->first_id = id;
    summary->last_id = id;
    summary->sum += id;
    summary->order = (int64_t)((uint64_t)summary->order * 31 + (uint64_t)id);
}

static inline void add_row(struct summary *summary, const struct grouped_row *row)
{
    summary->mistakes += !is_text_of(row->text, row->id);
    if (summary->count == 0)
        summary->first = row->text;
    summary->last = row->text;
    add_id(summary, row->id);
}

static inline struct summary read_rows(struct barks_rows_grouped_row *rows, int64_t reading)
{
    struct summary summary = {0}, again = {0};
    struct grouped_row row;
    int64_t few = 0;
    if (reading == HALF_AND_ALL) {
        while (few < 40000 && barks_next_row(rows, &row))
            few++;
        barks_rewind_rows(rows);
    }
    while ((reading != A_FEW || summary.count < 3) && (reading != ASKING || barks_has_rows(rows)) &&
           barks_next_row(rows, &row))
        add_row(&summary, &row);
    if (reading != TWICE)
        return summary;
    barks_rewind_rows(rows);
    while (barks_next_row(rows, &row))
        add_row(&again, &row);
    again.mistakes += summary.order != again.order || barks_next_row(rows, &row);
    /* What was seen the first time is still there. */
    again.mistakes += again.count > 0 && (!is_text_of(summary.first, summary.first_id) ||
                                          !is_text_of(summary.last, summary.last_id));
    return again;
}

/* ---- the oracle ---- */

static const struct making *ordered_by;

static inline int by_key_and_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    int64_t x_key = key_of(ordered_by, x), y_key = key_of(ordered_by, y);
    if (x_key != y_key)
        return x_key < y_key ? -1 : 1;
    return (x < y ? -1 : x > y) * (ordered_by->is_descending ? -1 : 1);
}

static inline int64_t *ids_in_order(const struct making *making)
{
    int64_t *ids = malloc(ROWS * sizeof *ids);
    ck_assert_ptr_nonnull(ids);
    for (int64_t id = 0; id < ROWS; id++)
        ids[id] = id;
    ordered_by = making;
    qsort(ids, ROWS, sizeof *ids, by_key_and_id);
    return ids;
}

static inline barks_rdd *make_rows(barks_context *context, const struct making *making)
{
    return barks_generate(context, ROWS, 20, make_grouped, making);
}
