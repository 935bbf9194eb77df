#include "shuffle/combine_cases.h"

#include "barks/record.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Memory of tests does not run out; where it does the test is over. */
static void *take(struct arena *arena, size_t bytes)
{
    void *memory = NULL;
    barks_status *status = arena_alloc(arena, bytes, 8, &memory);
    if (status != NULL)
        abort();
    return memory;
}

barks_str case_text(struct random *random, uint32_t different, struct arena *arena)
{
    uint64_t number = random_below(random, different);
    struct random letters = random_of(number / 4);
    size_t length = (size_t)(random_below(&letters, 38) + number % 3);
    char *bytes = take(arena, length + 1);
    for (size_t i = 0; i < length; i++)
        bytes[i] = (char)('a' + random_below(&letters, 3));
    if (length > 0)
        bytes[length - 1] = (char)('A' + number % 4);
    return barks_str_of(bytes, length);
}

static double case_float(struct random *random, uint32_t different)
{
    static const double special[] = {0.0, -0.0, NAN, INFINITY, -INFINITY};
    uint64_t number = random_below(random, different + 5);
    if (number >= 5)
        return (double)number / 4;
    double value = special[number];
    return isnan(value) && random_below(random, 2) == 0 ? -value : value;
}

static bool same_float(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

/* As the bits say, so that a zero or NaN that is not the canonical one is seen. */
static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

BARKS_CHECKED static barks_status *write_columns(const barks_record *record, const void *rows,
                                                 uint32_t row_count, struct batch *batch)
{
    const barks_column *columns[8];
    BARKS_TRY(batch_reserve(batch, row_count));
    for (uint32_t i = 0; i < record->schema.field_count; i++)
        columns[i] = &batch->base.columns[i];
    record->to_columns(rows, row_count, columns, batch->base.row_count, NULL);
    batch->base.row_count += row_count;
    return NULL;
}

/* What a generated loop does with the row of a record whose columns are in order. */
#define CASE_FOLD(fold_name, in_record, accumulator_struct, body)                                  \
    static void fold_name(barks_call *call, void *const *accumulators, uint32_t first_row,         \
                          uint32_t count)                                                          \
    {                                                                                              \
        for (uint32_t k = 0; k < count && call->status == NULL; k++) {                             \
            struct in_record in;                                                                   \
            struct accumulator_struct *acc = accumulators[k];                                      \
            uint32_t row = first_row + k;                                                          \
            case_from_columns(&barks_record_##in_record, call->columns, row, &in);                 \
            body;                                                                                  \
            call->row_index = row;                                                                 \
        }                                                                                          \
    }
static void case_from_columns(const barks_record *record, const barks_column *const *columns,
                              uint32_t row, void *out)
{
    record->from_columns(columns, &row, 1, out);
}

#define CASE_WRITE(name)                                                                           \
    static barks_status *name##_write(const void *rows, uint32_t row_count, struct batch *batch)   \
    {                                                                                              \
        return write_columns(&barks_record_##name, rows, row_count, batch);                        \
    }

/* --- One string --- */

BARKS_RECORD(words, (str, word), (i64, count));
CASE_WRITE(words)
CASE_FOLD(words_loop, words, words, acc->count += in.count)

static void words_make(struct random *random, uint32_t different, struct arena *arena, void *row)
{
    struct words *made = row;
    made->word = case_text(random, different, arena);
    made->count = (int64_t)random_below(random, 100);
}
static void words_fold(void *accumulator, const void *row)
{
    ((struct words *)accumulator)->count += ((const struct words *)row)->count;
}
static bool words_same(const void *a, const void *b)
{
    return barks_str_equal(((const struct words *)a)->word, ((const struct words *)b)->word);
}
static void words_print(const void *accumulator, char *out)
{
    const struct words *row = accumulator;
    snprintf(out, CASE_TEXT_BYTES, "%.*s|%" PRId64, (int)row->word.length,
             barks_str_bytes(&row->word), row->count);
}
static const barks_function words_function = {.name = "add_words",
                                              .kind = BARKS_KIND_REDUCE,
                                              .in = &barks_record_words,
                                              .out = &barks_record_words,
                                              .fold = words_loop};

/* --- One number --- */

BARKS_RECORD(longs, (i64, key), (i64, sum));
CASE_WRITE(longs)
CASE_FOLD(longs_loop, longs, longs, acc->sum += in.sum)

static void longs_make(struct random *random, uint32_t different, struct arena *arena, void *row)
{
    struct longs *made = row;
    (void)arena;
    made->key = (int64_t)(random_below(random, different) * UINT64_C(0x1000000010000001));
    made->sum = (int64_t)random_below(random, 100);
}
static void longs_fold(void *accumulator, const void *row)
{
    ((struct longs *)accumulator)->sum += ((const struct longs *)row)->sum;
}
static bool longs_same(const void *a, const void *b)
{
    return ((const struct longs *)a)->key == ((const struct longs *)b)->key;
}
static void longs_print(const void *accumulator, char *out)
{
    const struct longs *row = accumulator;
    snprintf(out, CASE_TEXT_BYTES, "%" PRId64 "|%" PRId64, row->key, row->sum);
}
static const barks_function longs_function = {.name = "add_longs",
                                              .kind = BARKS_KIND_REDUCE,
                                              .in = &barks_record_longs,
                                              .out = &barks_record_longs,
                                              .fold = longs_loop};

/* --- One number behind other fields --- */

BARKS_RECORD(ints, (f64, most), (bool, flag), (i32, key));
CASE_WRITE(ints)
CASE_FOLD(ints_loop, ints, ints, {
    if (in.most > acc->most)
        acc->most = in.most;
    acc->flag |= in.flag;
})

static void ints_make(struct random *random, uint32_t different, struct arena *arena, void *row)
{
    struct ints *made = row;
    (void)arena;
    *made = (struct ints){.most = (double)random_below(random, 1000),
                          .flag = random_below(random, 9) == 0,
                          .key = (int32_t)random_below(random, different) - 5};
}
static void ints_fold(void *accumulator, const void *row)
{
    struct ints *acc = accumulator;
    const struct ints *in = row;
    if (in->most > acc->most)
        acc->most = in->most;
    acc->flag |= in->flag;
}
static bool ints_same(const void *a, const void *b)
{
    return ((const struct ints *)a)->key == ((const struct ints *)b)->key;
}
static void ints_print(const void *accumulator, char *out)
{
    const struct ints *row = accumulator;
    snprintf(out, CASE_TEXT_BYTES, "%" PRId32 "|%g %d", row->key, row->most, row->flag);
}
static const barks_function ints_function = {.name = "most",
                                             .kind = BARKS_KIND_REDUCE,
                                             .in = &barks_record_ints,
                                             .out = &barks_record_ints,
                                             .fold = ints_loop};

/* --- Several keys, nulls, floats, a string that the body keeps --- */

BARKS_RECORD(mixed, (optional(str), a), (f64, b), (str, last), (optional(i64), c), (i64, count));
CASE_WRITE(mixed)
CASE_FOLD(mixed_loop, mixed, mixed, {
    acc->last = in.last.length > BARKS_STR_INLINE ? barks_keep(call, in.last) : in.last;
    acc->count += in.count;
})

static void mixed_make(struct random *random, uint32_t different, struct arena *arena, void *row)
{
    struct mixed *made = row;
    memset(made, 0, sizeof *made);
    made->a.valid = random_below(random, 3) > 0;
    if (made->a.valid)
        made->a.value = case_text(random, different / 8 + 1, arena);
    made->b = case_float(random, 3);
    made->c.valid = random_below(random, 3) > 0;
    if (made->c.valid)
        made->c.value = (int64_t)random_below(random, 2);
    made->last = case_text(random, 1000, arena);
    made->count = (int64_t)random_below(random, 100);
}
static void mixed_fold(void *accumulator, const void *row)
{
    struct mixed *acc = accumulator;
    acc->last = ((const struct mixed *)row)->last;
    acc->count += ((const struct mixed *)row)->count;
}
static bool mixed_same(const void *a, const void *b)
{
    const struct mixed *x = a, *y = b;
    return x->a.valid == y->a.valid && x->c.valid == y->c.valid && same_float(x->b, y->b) &&
           (!x->a.valid || barks_str_equal(x->a.value, y->a.value)) &&
           (!x->c.valid || x->c.value == y->c.value);
}
static void mixed_print(const void *accumulator, char *out)
{
    const struct mixed *row = accumulator;
    /* As bits, but that the model keeps the zero and the NaN that came first. */
    double b = isnan(row->b) ? (double)NAN : row->b == 0 ? 0.0 : row->b;
    snprintf(out, CASE_TEXT_BYTES, "%d %.*s %" PRIx64 " %d %" PRId64 "|%.*s %" PRId64, row->a.valid,
             (int)row->a.value.length, barks_str_bytes(&row->a.value), bits_of(b), row->c.valid,
             row->c.value, (int)row->last.length, barks_str_bytes(&row->last), row->count);
}
static const barks_function mixed_function = {.name = "keep_last",
                                              .kind = BARKS_KIND_REDUCE,
                                              .in = &barks_record_mixed,
                                              .out = &barks_record_mixed,
                                              .fold = mixed_loop};

/* --- An accumulator of another record --- */

BARKS_RECORD(sums, (str, label), (i64, rows), (str, word), (i64, sum));
CASE_FOLD(sums_loop, words, sums, {
    acc->rows++;
    acc->sum += in.count;
})
static const struct sums sums_initial = {.label = {4, "none", {""}}, .rows = 1000};

static void sums_begin(void *accumulator, const void *row)
{
    struct sums *acc = accumulator;
    *acc = sums_initial;
    acc->word = ((const struct words *)row)->word;
}
static void sums_fold(void *accumulator, const void *row)
{
    struct sums *acc = accumulator;
    acc->rows++;
    acc->sum += ((const struct words *)row)->count;
}
static bool sums_same(const void *a, const void *b)
{
    return barks_str_equal(((const struct sums *)a)->word, ((const struct words *)b)->word);
}
static void sums_print(const void *accumulator, char *out)
{
    const struct sums *row = accumulator;
    snprintf(out, CASE_TEXT_BYTES, "%.*s|%.*s %" PRId64 " %" PRId64, (int)row->word.length,
             barks_str_bytes(&row->word), (int)row->label.length, barks_str_bytes(&row->label),
             row->rows, row->sum);
}
static const barks_function sums_function = {.name = "sum_up",
                                             .kind = BARKS_KIND_AGGREGATE,
                                             .in = &barks_record_words,
                                             .out = &barks_record_sums,
                                             .fold = sums_loop};

/* --- Lists and records in records: made by hand, since a list's generated code needs an operator
 * --- */

BARKS_RECORD(point, (f32, x), (optional(bool), seen));

struct nested {
    struct point point;
    struct {
        const double *items;
        uint32_t count;
    } path;
    int64_t count;
};
static const barks_type nested_point_type = {.id = BARKS_STRUCT,
                                             .fields = &barks_record_point.schema};
static const barks_type nested_path_type = {.id = BARKS_LIST, .item = &barks_type_f64};
static const barks_field nested_fields[] = {{"point", &nested_point_type, false},
                                            {"path", &nested_path_type, false},
                                            {"count", &barks_type_i64, false}};
static const uint32_t nested_offsets[] = {
    offsetof(struct nested, point), offsetof(struct nested, path), offsetof(struct nested, count)};

static void nested_from_columns(const barks_column *const *columns, const uint32_t *row_indices,
                                uint32_t row_count, void *out_rows)
{
    for (uint32_t i = 0; i < row_count; i++) {
        struct nested *to = (struct nested *)out_rows + i;
        uint32_t row = row_indices == NULL ? i : row_indices[i];
        const barks_column *seen = &columns[0]->children[1];
        barks_list_slice slice = ((const barks_list_slice *)columns[1]->values)[row];
        memset(to, 0, sizeof *to);
        to->point.x = ((const float *)columns[0]->children[0].values)[row];
        to->point.seen.valid = barks_is_valid(seen, row);
        to->point.seen.value = ((const uint8_t *)seen->values)[row] != 0;
        to->path.items = (const double *)columns[1]->children[0].values + slice.offset;
        to->path.count = slice.length;
        to->count = ((const int64_t *)columns[2]->values)[row];
    }
}

static const barks_record barks_record_nested = {
    "nested", {3, nested_fields}, sizeof(struct nested), nested_offsets, NULL, nested_from_columns};
CASE_FOLD(nested_loop, nested, nested, acc->count += in.count)

static barks_status *nested_write(const void *rows, uint32_t row_count, struct batch *batch)
{
    const struct nested *from = rows;
    BARKS_TRY(batch_reserve(batch, row_count));
    for (uint32_t i = 0; i < row_count; i++) {
        uint32_t row = batch->base.row_count++;
        barks_column *point = &batch->base.columns[0], *path = &batch->base.columns[1];
        ((float *)point->children[0].values)[row] = from[i].point.x;
        ((uint8_t *)point->children[1].values)[row] = from[i].point.seen.value;
        if (!from[i].point.seen.valid)
            point->children[1].validity[row / 64] &= ~(UINT64_C(1) << row % 64);
        BARKS_TRY(column_reserve_items(batch, path, from[i].path.count));
        if (from[i].path.count > 0)
            memcpy((double *)path->children[0].values + path->item_count, from[i].path.items,
                   from[i].path.count * sizeof(double));
        ((barks_list_slice *)path->values)[row] =
            (barks_list_slice){from[i].path.count == 0 ? 0 : path->item_count, from[i].path.count};
        path->item_count += from[i].path.count;
        ((int64_t *)batch->base.columns[2].values)[row] = from[i].count;
    }
    return NULL;
}
static void nested_make(struct random *random, uint32_t different, struct arena *arena, void *row)
{
    struct nested *made = row;
    memset(made, 0, sizeof *made);
    made->point.x = (float)case_float(random, 2);
    made->point.seen.valid = random_below(random, 2) == 0;
    if (made->point.seen.valid)
        made->point.seen.value = random_below(random, 2) == 0;
    made->path.count = (uint32_t)random_below(random, 3);
    double *items = take(arena, 3 * sizeof *items);
    for (uint32_t i = 0; i < made->path.count; i++)
        items[i] = case_float(random, different / 50 + 1);
    made->path.items = items;
    made->count = (int64_t)random_below(random, 100);
}
static void nested_fold(void *accumulator, const void *row)
{
    ((struct nested *)accumulator)->count += ((const struct nested *)row)->count;
}
static bool nested_same(const void *a, const void *b)
{
    const struct nested *x = a, *y = b;
    if (!same_float((double)x->point.x, (double)y->point.x) ||
        x->point.seen.valid != y->point.seen.valid || x->point.seen.value != y->point.seen.value ||
        x->path.count != y->path.count)
        return false;
    for (uint32_t i = 0; i < x->path.count; i++)
        if (!same_float(x->path.items[i], y->path.items[i]))
            return false;
    return true;
}
static void nested_print(const void *accumulator, char *out)
{
    const struct nested *row = accumulator;
    size_t at = (size_t)snprintf(out, CASE_TEXT_BYTES, "%g %d %d:",
                                 isnan(row->point.x) ? (double)NAN
                                 : row->point.x == 0 ? 0.0
                                                     : (double)row->point.x,
                                 row->point.seen.valid, row->point.seen.value);
    for (uint32_t i = 0; i < row->path.count; i++) {
        double item = row->path.items[i];
        item = isnan(item) ? (double)NAN : item == 0 ? 0.0 : item;
        at += (size_t)snprintf(out + at, CASE_TEXT_BYTES - at, " %" PRIx64, bits_of(item));
    }
    snprintf(out + at, CASE_TEXT_BYTES - at, "|%" PRId64, row->count);
}
static const barks_function nested_function = {.name = "add_nested",
                                               .kind = BARKS_KIND_REDUCE,
                                               .in = &barks_record_nested,
                                               .out = &barks_record_nested,
                                               .fold = nested_loop};

/* --- All of them --- */

static void first_stays(void *accumulator, const void *row)
{
    (void)accumulator;
    (void)row;
}

static bool always(const void *accumulator, const void *row)
{
    (void)accumulator;
    (void)row;
    return true;
}

const struct combine_case combine_cases[] = {
    {"words",
     &barks_record_words,
     &barks_record_words,
     &words_function,
     NULL,
     {0},
     1,
     true,
     words_make,
     NULL,
     words_fold,
     words_print,
     words_same,
     words_write},
    {"longs",
     &barks_record_longs,
     &barks_record_longs,
     &longs_function,
     NULL,
     {0},
     1,
     true,
     longs_make,
     NULL,
     longs_fold,
     longs_print,
     longs_same,
     longs_write},
    {"ints",
     &barks_record_ints,
     &barks_record_ints,
     &ints_function,
     NULL,
     {2},
     1,
     true,
     ints_make,
     NULL,
     ints_fold,
     ints_print,
     ints_same,
     ints_write},
    {"mixed",
     &barks_record_mixed,
     &barks_record_mixed,
     &mixed_function,
     NULL,
     {3, 0, 1},
     3,
     false,
     mixed_make,
     NULL,
     mixed_fold,
     mixed_print,
     mixed_same,
     mixed_write},
    {"sums",
     &barks_record_words,
     &barks_record_sums,
     &sums_function,
     &sums_initial,
     {2},
     1,
     true,
     words_make,
     sums_begin,
     sums_fold,
     sums_print,
     sums_same,
     words_write},
    {"nested",
     &barks_record_nested,
     &barks_record_nested,
     &nested_function,
     NULL,
     {0, 1},
     2,
     true,
     nested_make,
     NULL,
     nested_fold,
     nested_print,
     nested_same,
     nested_write},
    {"distinct",
     &barks_record_words,
     &barks_record_words,
     NULL,
     NULL,
     {0},
     1,
     false,
     words_make,
     NULL,
     first_stays,
     words_print,
     words_same,
     words_write},
    {"all rows",
     &barks_record_longs,
     &barks_record_longs,
     &longs_function,
     NULL,
     {0},
     0,
     false,
     longs_make,
     NULL,
     longs_fold,
     longs_print,
     always,
     longs_write},
};
const size_t combine_case_count = sizeof combine_cases / sizeof *combine_cases;

const struct combine_case *combine_case_named(const char *name)
{
    for (size_t i = 0; i < combine_case_count; i++)
        if (strcmp(combine_cases[i].name, name) == 0)
            return &combine_cases[i];
    abort();
}
