#include "barks/record.h"
#include "base/pool.h"
#include "shuffle/combine.h"
#include "shuffle/combine_cases.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Rows of a case, and what a linear list makes of them. */
struct model {
    const struct combine_case *kind;
    struct arena arena; /* what rows point to */
    uint8_t *rows;      /* structs of kind->record, one after the other */
    uint32_t row_count;
    uint8_t *accumulators; /* CASE_ROW_BYTES apart, in order of their first rows */
    uint32_t accumulator_count;
};

static const uint8_t *row_of(const struct model *model, uint32_t row)
{
    return model->rows + row * model->kind->record->size;
}

static void model_begin(struct model *model, const struct combine_case *kind, struct pool *pool)
{
    *model = (struct model){.kind = kind};
    arena_init(&model->arena, pool, 64 << 10);
}

static void model_add(struct model *model, uint64_t seed, uint32_t row_count, uint32_t different)
{
    struct random random = random_of(seed);
    const struct combine_case *kind = model->kind;
    model->rows = calloc(row_count, kind->record->size);
    model->accumulators = calloc(row_count, CASE_ROW_BYTES);
    ck_assert_ptr_nonnull(model->rows);
    ck_assert_ptr_nonnull(model->accumulators);
    for (; model->row_count < row_count; model->row_count++) {
        uint8_t *row = model->rows + model->row_count * kind->record->size;
        kind->make(&random, different, &model->arena, row);
        uint32_t i = 0;
        while (i < model->accumulator_count &&
               !kind->has_key_of(model->accumulators + i * CASE_ROW_BYTES, row))
            i++;
        uint8_t *accumulator = model->accumulators + i * CASE_ROW_BYTES;
        bool is_first = i == model->accumulator_count;
        if (is_first && kind->begin != NULL)
            kind->begin(accumulator, row);
        else if (is_first)
            memcpy(accumulator, row, kind->record->size);
        if (!is_first || kind->begin != NULL)
            kind->fold(accumulator, row);
        model->accumulator_count += is_first;
    }
}

/* All rows once more. */
static void model_repeat(struct model *model)
{
    const struct combine_case *kind = model->kind;
    for (uint32_t row = 0; row < model->row_count; row++) {
        uint8_t *accumulator = model->accumulators;
        while (!kind->has_key_of(accumulator, row_of(model, row)))
            accumulator += CASE_ROW_BYTES;
        kind->fold(accumulator, row_of(model, row));
    }
}

static void model_end(struct model *model)
{
    free(model->rows);
    free(model->accumulators);
    arena_drop(&model->arena);
}

/* Texts of accumulators, in the order in which they came. */
struct texts {
    const barks_record *record;
    void (*print)(const void *accumulator, char *out);
    char (*lines)[CASE_TEXT_BYTES]; /* owned */
    uint32_t count;
    uint32_t capacity;
    uint32_t fails_at; /* batch that is refused, from 1; 0: none */
    uint32_t batch_count;
};

static char *new_line(struct texts *texts)
{
    if (texts->count == texts->capacity) {
        texts->capacity = 2 * texts->capacity + 64;
        texts->lines = realloc(texts->lines, texts->capacity * sizeof *texts->lines);
        ck_assert_ptr_nonnull(texts->lines);
    }
    return texts->lines[texts->count++];
}

static barks_status *print_batch(void *context, struct batch *batch)
{
    struct texts *texts = context;
    const barks_column *columns[8];
    _Alignas(16) uint8_t row[CASE_ROW_BYTES];
    ck_assert(batch_is_sound(batch));
    ck_assert_uint_le(batch->base.row_count, BATCH_ROWS);
    barks_status *invalid = batch_validate(batch, false);
    ck_assert_ptr_null(invalid);
    for (uint32_t i = 0; i < texts->record->schema.field_count; i++)
        columns[i] = &batch->base.columns[i];
    for (uint32_t i = 0; i < batch->base.row_count; i++) {
        texts->record->from_columns(columns, &i, 1, row);
        texts->print(row, new_line(texts));
    }
    if (++texts->batch_count == texts->fails_at)
        BARKS_FAIL(BARKS_IO, "no more");
    return NULL;
}

static int compare_lines(const void *a, const void *b) { return strcmp(a, b); }

static void sort_texts(struct texts *texts)
{
    if (texts->count > 0)
        qsort(texts->lines, texts->count, sizeof *texts->lines, compare_lines);
}

static bool equal_texts(const struct texts *a, const struct texts *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (strcmp(a->lines[i], b->lines[i]) != 0)
            return false;
    return true;
}

static struct texts model_texts(const struct model *model)
{
    struct texts texts = {0};
    for (uint32_t i = 0; i < model->accumulator_count; i++)
        model->kind->print(model->accumulators + i * CASE_ROW_BYTES, new_line(&texts));
    sort_texts(&texts);
    return texts;
}

static struct combine_options options_of(const struct combine_case *kind, struct pool *pool)
{
    /* A record that is aggregated into another has the key in another place. */
    static const uint32_t first[] = {0};
    return (struct combine_options){
        .pool = pool,
        .in = &kind->record->schema,
        .accumulator = kind->accumulator,
        .key_columns = kind->record == kind->accumulator ? kind->key_fields : first,
        .key_fields = kind->key_fields,
        .key_count = kind->key_count,
        .function = kind->function,
        .initial = kind->initial,
    };
}

/* Adds rows order[0], order[1] ... (NULL: as they are) in batches of any size. */
BARKS_CHECKED static barks_status *add_rows(struct combine *combine, const struct model *model,
                                            const uint32_t *order, struct random *random,
                                            struct pool *pool)
{
    size_t row_bytes = model->kind->record->size;
    uint8_t *rows = malloc((size_t)model->row_count * row_bytes + 1);
    struct batch *batch = NULL;
    barks_status *status = batch_create(pool, &model->kind->record->schema, 16, &batch);
    for (uint32_t i = 0; status == NULL && i < model->row_count;) {
        uint32_t count = (uint32_t)random_below(random, 1500) + 1;
        if (count > model->row_count - i)
            count = model->row_count - i;
        for (uint32_t k = 0; k < count; k++)
            memcpy(rows + k * row_bytes, row_of(model, order == NULL ? i + k : order[i + k]),
                   row_bytes);
        batch_clear(batch);
        status = model->kind->write(rows, count, batch);
        uint32_t row = 0;
        if (status == NULL)
            status = combine_add(combine, batch, &row);
        ck_assert(status != NULL || combine_is_sound(combine));
        i += count;
    }
    batch_destroy(batch);
    free(rows);
    return status;
}

/* The whole life of a table. */
BARKS_CHECKED static barks_status *run(const struct combine_options *options,
                                       const struct model *model, const uint32_t *order,
                                       struct random *random, bool ordered, struct texts *texts)
{
    struct combine *combine = NULL;
    BARKS_TRY(combine_create(options, &combine));
    barks_status *status = add_rows(combine, model, order, random, options->pool);
    if (status == NULL) {
        ck_assert_uint_eq(combine_row_count(combine), model->accumulator_count);
        ck_assert_uint_eq(combine_rows_added(combine), model->row_count);
        status = combine_drain(combine, ordered, print_batch, texts);
        ck_assert_uint_eq(combine_row_count(combine), 0);
    }
    combine_destroy(combine);
    return status;
}

static struct texts texts_for(const struct combine_case *kind)
{
    return (struct texts){.record = kind->accumulator, .print = kind->print};
}

static void shuffle_order(uint32_t *order, uint32_t count, struct random *random)
{
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = (uint32_t)random_below(random, i);
        uint32_t swapped = order[i - 1];
        order[i - 1] = order[other];
        order[other] = swapped;
    }
}

/* Hashes that make keys meet: as they are; of 16 slots; all at the end, so that the search goes on
 * at the beginning; at the end or the beginning; of two values. */
static const struct {
    uint64_t hash_and, hash_or;
    uint32_t shared_bits;
} hooks[] = {
    {0, 0, 0},
    {UINT64_C(0xf000000000000000), 0, 0},
    {0, UINT64_C(0xfff0000000000000), 12},
    {UINT64_C(0x8000000000000000), UINT64_C(0x7ffc000000000000), 0},
    {UINT64_C(0x8000000000000000), 0, 0},
};

static void compare_with_list(const struct combine_case *kind, size_t hook, struct random *random)
{
    struct pool *pool = NULL;
    ck_assert_ptr_null(pool_create(UINT64_C(256) << 20, &pool));
    for (int round = 0; round < 3; round++) {
        struct model model;
        model_begin(&model, kind, pool);
        model_add(&model, random_next(random), (uint32_t)random_below(random, 4000),
                  (uint32_t)random_below(random, 900) + 1);
        struct combine_options options = options_of(kind, pool);
        options.hash_and = hooks[hook].hash_and;
        options.hash_or = hooks[hook].hash_or;
        struct texts expected = model_texts(&model);
        struct texts found = texts_for(kind), ordered = texts_for(kind), again = texts_for(kind);
        ck_assert_ptr_null(run(&options, &model, NULL, random, false, &found));
        ck_assert_ptr_null(run(&options, &model, NULL, random, true, &ordered));
        if (kind->commutes) {
            uint32_t *order = calloc(model.row_count + 1, sizeof *order);
            shuffle_order(order, model.row_count, random);
            ck_assert_ptr_null(run(&options, &model, order, random, true, &again));
            ck_assert_msg(equal_texts(&ordered, &again),
                          "%s: another order of rows gives another order of keys", kind->name);
            free(order);
        }
        sort_texts(&found);
        sort_texts(&ordered);
        ck_assert_msg(equal_texts(&expected, &found), "%s, round %d: %s", kind->name, round,
                      "not the rows of the model");
        ck_assert_msg(equal_texts(&expected, &ordered), "%s, round %d: %s", kind->name, round,
                      "not the rows of the model when drained in order");
        free(expected.lines);
        free(found.lines);
        free(ordered.lines);
        free(again.lines);
        model_end(&model);
    }
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
}

START_TEST(a_table_equals_a_linear_list_in_any_order)
{
    struct random random = random_of(property_seed());
    for (size_t i = 0; i < combine_case_count; i++)
        for (size_t hook = 0; hook < sizeof hooks / sizeof *hooks; hook++)
            compare_with_list(&combine_cases[i], hook, &random);
}
END_TEST

static void fail_each_acquire(const struct combine_case *kind)
{
    struct random random = random_of(property_seed());
    struct pool *pool = NULL, *model_pool = NULL;
    ck_assert_ptr_null(pool_create(UINT64_C(256) << 20, &pool));
    ck_assert_ptr_null(pool_create(UINT64_C(256) << 20, &model_pool));
    struct model model;
    model_begin(&model, kind, model_pool);
    model_add(&model, random_next(&random), 6000, 1500);
    struct texts expected = model_texts(&model);
    struct combine_options options = options_of(kind, pool);
    uint64_t failed = 0;
    for (uint64_t n = 1;; n++) {
        struct random same = random_of(7);
        struct texts found = texts_for(kind);
        pool_fail_after(pool, n);
        barks_status *status = run(&options, &model, NULL, &same, true, &found);
        pool_fail_after(pool, 0);
        ck_assert_uint_eq(pool_used_bytes(pool), 0);
        bool passed = status == NULL;
        if (passed) {
            sort_texts(&found);
            ck_assert(equal_texts(&expected, &found));
        } else {
            ck_assert_int_eq(barks_status_code(status), BARKS_NO_MEMORY);
            failed++;
        }
        barks_status_free(status);
        free(found.lines);
        if (passed && n > failed + 3) /* a table that cannot grow goes on for a while */
            break;
    }
    ck_assert_uint_gt(failed, 2);
    free(expected.lines);
    model_end(&model);
    pool_destroy(pool);
    pool_destroy(model_pool);
}

START_TEST(every_failure_of_memory_is_told_and_leaks_nothing)
{
    for (size_t i = 0; i < combine_case_count; i++)
        fail_each_acquire(&combine_cases[i]);
}
END_TEST

START_TEST(a_drained_table_is_used_again_and_a_failed_visit_empties_it)
{
    struct random random = random_of(property_seed());
    const struct combine_case *kind = combine_case_named("words");
    struct pool *pool = NULL;
    ck_assert_ptr_null(pool_create(UINT64_C(256) << 20, &pool));
    struct model model;
    model_begin(&model, kind, pool);
    model_add(&model, random_next(&random), 5000, 3000);
    struct texts expected = model_texts(&model);
    struct combine_options options = options_of(kind, pool);
    struct combine *combine = NULL;
    ck_assert_ptr_null(combine_create(&options, &combine));
    for (uint32_t fails_at = 0; fails_at < 3; fails_at++) {
        struct texts found = texts_for(kind);
        found.fails_at = fails_at;
        ck_assert_ptr_null(add_rows(combine, &model, NULL, &random, pool));
        barks_status *status = combine_drain(combine, true, print_batch, &found);
        ck_assert_int_eq(status != NULL, fails_at > 0);
        sort_texts(&found);
        ck_assert(status != NULL || equal_texts(&expected, &found));
        ck_assert_uint_eq(combine_row_count(combine), 0);
        ck_assert(combine_is_sound(combine));
        barks_status_free(status);
        free(found.lines);
    }
    combine_destroy(combine);
    free(expected.lines);
    model_end(&model);
    pool_destroy(pool);
}
END_TEST

/* Batches that were drained, and where they are loaded. */
struct loading {
    struct combine *from, *to;
    uint64_t last_hash;
};

static barks_status *load_batch(void *context, struct batch *batch)
{
    struct loading *loading = context;
    static uint64_t hashes[BATCH_ROWS];
    combine_hash_accumulators(loading->from, &batch->base, hashes);
    for (uint32_t i = 0; i < batch->base.row_count; i++) {
        ck_assert_uint_le(loading->last_hash, hashes[i]);
        loading->last_hash = hashes[i];
    }
    return combine_load(loading->to, batch);
}

/* Half of the rows' folding is done in one table, the rest in another. */
static void go_on(const struct combine_case *kind, size_t hook, struct random *random)
{
    struct pool *pool = NULL;
    ck_assert_ptr_null(pool_create(UINT64_C(256) << 20, &pool));
    struct model model;
    model_begin(&model, kind, pool);
    model_add(&model, random_next(random), 4000, (uint32_t)random_below(random, 3000) + 1);
    struct combine_options options = options_of(kind, pool);
    options.hash_and = hooks[hook].hash_and;
    options.hash_or = hooks[hook].hash_or;
    struct loading loading = {0};
    ck_assert_ptr_null(combine_create(&options, &loading.from));
    ck_assert_ptr_null(combine_create(&options, &loading.to));
    combine_begin_part(loading.to, hooks[hook].shared_bits);
    ck_assert_ptr_null(add_rows(loading.from, &model, NULL, random, pool));
    ck_assert_ptr_null(combine_drain(loading.from, true, load_batch, &loading));
    ck_assert(combine_is_sound(loading.to));
    ck_assert_uint_eq(combine_row_count(loading.to), model.accumulator_count);
    ck_assert_ptr_null(add_rows(loading.to, &model, NULL, random, pool));
    model_repeat(&model);
    struct texts expected = model_texts(&model), found = texts_for(kind);
    ck_assert_ptr_null(combine_drain(loading.to, false, print_batch, &found));
    sort_texts(&found);
    ck_assert_msg(equal_texts(&expected, &found), "%s: not the rows of the model", kind->name);
    free(expected.lines);
    free(found.lines);
    combine_destroy(loading.from);
    combine_destroy(loading.to);
    model_end(&model);
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
}

START_TEST(drained_accumulators_go_on_where_they_stood)
{
    struct random random = random_of(property_seed());
    for (size_t i = 0; i < combine_case_count; i++)
        for (size_t hook = 0; hook < sizeof hooks / sizeof *hooks; hook++)
            go_on(&combine_cases[i], hook, &random);
}
END_TEST

static void pass_rows(const struct combine_case *kind)
{
    struct random random = random_of(property_seed());
    struct pool *pool = NULL;
    ck_assert_ptr_null(pool_create(UINT64_C(256) << 20, &pool));
    struct model model;
    model_begin(&model, kind, pool);
    model_add(&model, random_next(&random), 3000, 100);
    struct combine_options options = options_of(kind, pool);
    struct combine *combine = NULL;
    ck_assert_ptr_null(combine_create(&options, &combine));
    struct batch *batch = NULL;
    ck_assert_ptr_null(batch_create(pool, options.in, 16, &batch));
    ck_assert_ptr_null(kind->write(model.rows, model.row_count, batch));
    struct texts found = texts_for(kind);
    uint32_t row = 0;
    ck_assert_ptr_null(combine_pass(combine, batch, &row, print_batch, &found));
    ck_assert_uint_eq(found.count, model.row_count);
    for (uint32_t i = 0; i < model.row_count; i++) {
        _Alignas(16) uint8_t accumulator[CASE_ROW_BYTES];
        char text[CASE_TEXT_BYTES];
        memcpy(accumulator, row_of(&model, i), kind->record->size);
        if (kind->begin != NULL) {
            kind->begin(accumulator, row_of(&model, i));
            kind->fold(accumulator, row_of(&model, i));
        }
        kind->print(accumulator, text);
        ck_assert_str_eq(found.lines[i], text);
    }
    ck_assert_uint_eq(combine_row_count(combine), 0);
    free(found.lines);
    batch_destroy(batch);
    combine_destroy(combine);
    model_end(&model);
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
}

START_TEST(rows_that_pass_are_accumulators_of_their_own)
{
    for (size_t i = 0; i < combine_case_count; i++)
        pass_rows(&combine_cases[i]);
}
END_TEST

START_TEST(strings_that_bodies_no_longer_keep_are_given_back)
{
    const struct combine_case *kind = combine_case_named("mixed");
    struct pool *pool = NULL;
    ck_assert_ptr_null(pool_create(UINT64_C(256) << 20, &pool));
    struct model model;
    model_begin(&model, kind, pool);
    model_add(&model, property_seed(), 4000, 20);
    struct combine_options options = options_of(kind, pool);
    struct combine *combine = NULL;
    struct random random = random_of(3);
    ck_assert_ptr_null(combine_create(&options, &combine));
    /* 100 times 4000 rows, of which more than half keep some 25 bytes: over 5 MiB. */
    for (int i = 0; i < 100; i++) {
        ck_assert_ptr_null(add_rows(combine, &model, NULL, &random, pool));
        ck_assert_uint_le(combine_bytes(combine), UINT64_C(4) << 20);
        if (i > 0)
            model_repeat(&model);
    }
    struct texts expected = model_texts(&model), found = texts_for(kind);
    ck_assert_ptr_null(combine_drain(combine, true, print_batch, &found));
    sort_texts(&found);
    ck_assert(equal_texts(&expected, &found));
    free(expected.lines);
    free(found.lines);
    combine_destroy(combine);
    model_end(&model);
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
}
END_TEST

/* --- Options that make no sense --- */

SUITE_MAIN("shuffle/combine", a_table_equals_a_linear_list_in_any_order,
           every_failure_of_memory_is_told_and_leaks_nothing,
           a_drained_table_is_used_again_and_a_failed_visit_empties_it,
           rows_that_pass_are_accumulators_of_their_own,
           drained_accumulators_go_on_where_they_stood,
           strings_that_bodies_no_longer_keep_are_given_back)
