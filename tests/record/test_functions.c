#include "engine.h"
#include "records.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdio.h>

static struct engine_table in, table;
static struct engine_out engine;

/* Rows of word_count: words w0, w1, ... and counts as given. */
static void put_counts(const int64_t *counts, uint32_t row_count)
{
    const barks_record *record = BARKS_RECORD_OF(word_count);
    engine_table_create(&in, &record->schema);
    for (uint32_t i = 0; i < row_count; i++) {
        char text[16];
        int length = snprintf(text, sizeof text, "w%u", i);
        struct word_count row = {barks_str_of(text, (size_t)length), counts[i]};
        record->to_columns(&row, 1, in.pointers, i, NULL);
    }
    in.row_count = row_count;
}

static barks_call call_on(const struct engine_table *rows, const void *env)
{
    return (barks_call){.columns = rows->pointers, .row_count = rows->row_count, .env = env};
}

/* Runs map, flat_map or map_batches over the rows of `in`; what it emits is in `table`. */
static barks_call run(const barks_function *function, const void *env)
{
    barks_call call = call_on(&in, env);
    engine_out_begin(&engine, &function->out->schema, &table);
    function->map(&call, &engine.out);
    engine_out_end(&engine);
    return call;
}

/* Fails unless the call failed at that row with that text, from a line of functions.c. */
static void check_failure(barks_call *call, uint32_t row, const char *text)
{
    ck_assert_ptr_nonnull(call->status);
    ck_assert_str_eq(engine_failure(call), text);
    ck_assert_uint_eq(call->row_index, row);
    ck_assert_ptr_nonnull(strstr(barks_status_where(call->status), "functions.c:"));
    barks_status_free(call->status);
}

START_TEST(functions_register_themselves)
{
    static const struct {
        const char *name;
        barks_function_kind kind;
        const char *in, *out;
        size_t env_size;
    } expected[] = {
        {"split_words", BARKS_KIND_FLAT_MAP, "line", "word_count", 0},
        {"add_counts", BARKS_KIND_REDUCE, "word_count", "word_count", sizeof(struct limits)},
        {"latest_text", BARKS_KIND_AGGREGATE, "everything", "everything", 0},
        {"is_frequent", BARKS_KIND_FILTER, "word_count", NULL, sizeof(struct limits)},
        {"copy_everything", BARKS_KIND_MAP, "everything", "everything", 0},
        {"observe", BARKS_KIND_FOREACH, "word_count", NULL, sizeof(struct limits)},
        {"sum_batch", BARKS_KIND_MAP_BATCHES, "everything", "word_count", sizeof(struct limits)},
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        const barks_function *function = engine_registered(expected[i].name);
        ck_assert_msg(function != NULL, "%s", expected[i].name);
        ck_assert_int_eq(function->kind, expected[i].kind);
        ck_assert_str_eq(function->in->name, expected[i].in);
        ck_assert_uint_eq(function->env_size, expected[i].env_size);
        ck_assert_ptr_nonnull(strstr(function->where, "functions.c:"));
        if (expected[i].out == NULL)
            ck_assert_ptr_null(function->out);
        else
            ck_assert_str_eq(function->out->name, expected[i].out);
        bool maps = function->kind == BARKS_KIND_MAP || function->kind == BARKS_KIND_FLAT_MAP ||
                    function->kind == BARKS_KIND_MAP_BATCHES;
        bool folds = function->kind == BARKS_KIND_REDUCE || function->kind == BARKS_KIND_AGGREGATE;
        ck_assert((function->map != NULL) == maps && (function->fold != NULL) == folds);
        ck_assert((function->filter != NULL) == (function->kind == BARKS_KIND_FILTER));
        ck_assert((function->foreach != NULL) == (function->kind == BARKS_KIND_FOREACH));
    }
    ck_assert_ptr_eq(engine_registered("split_words"), split_words_handle);
}
END_TEST

/* Lines of random words, more than a flush takes, against what they were made of; both ways to take
 * them apart. */
START_TEST(flat_map_emits_every_word_in_order)
{
    enum { LINES = 900, WORDS_MAX = ENGINE_ROWS_MAX };
    static char text[LINES * 400];
    static uint32_t starts[WORDS_MAX], lengths[WORDS_MAX];
    uint64_t seed = property_seed(), random = seed;
    uint32_t word_count = 0, at = 0;
    engine_table_create(&in, &BARKS_RECORD_OF(line)->schema);
    barks_str *lines = in.columns[0].values;
    for (uint32_t i = 0; i < LINES; i++) {
        uint32_t start = at;
        for (uint64_t words = property_next(&random) % 12; words > 0; words--) {
            starts[word_count] = at;
            lengths[word_count] = 1 + (uint32_t)(property_next(&random) % 20);
            memset(text + at, 'a' + (int)(property_next(&random) % 26), lengths[word_count]);
            at += lengths[word_count++];
            for (uint64_t spaces = 1 + property_next(&random) % 2; spaces > 0; spaces--)
                text[at++] = ' ';
        }
        lines[i] = barks_str_of(text + start, at - start);
    }
    in.row_count = LINES;
    ck_assert_uint_gt(word_count, 2 * BARKS_OUT_ROWS);
    for (int form = 0; form < 2; form++) {
        barks_call call = run(form == 0 ? split_words_handle : split_tokens_handle, NULL);
        ck_assert_ptr_null(call.status);
        ck_assert_uint_eq(table.row_count, word_count);
        const barks_str *words = table.columns[0].values;
        const int64_t *counts = table.columns[1].values;
        for (uint32_t i = 0; i < word_count; i++) {
            barks_str expected = barks_str_of(text + starts[i], lengths[i]);
            ck_assert_msg(barks_str_equal(words[i], expected) && counts[i] == 1,
                          "word %u; seed %" PRIu64, i, seed);
        }
    }
}
END_TEST

START_TEST(flat_map_copies_items_and_leaves_the_rest_null)
{
    static struct everything rows[3];
    const struct limits limits = {.count_min = 10, .fail_at = -1};
    put_counts((const int64_t[]){20, 3, 30}, 3);
    barks_call call = run(copy_frequent_handle, &limits);
    ck_assert_ptr_null(call.status);
    ck_assert_uint_eq(table.row_count, 2);
    BARKS_RECORD_OF(everything)->from_columns(table.pointers, NULL, 2, rows);
    for (int i = 0; i < 2; i++) {
        const struct everything *row = &rows[i];
        int64_t count = i == 0 ? 20 : 30;
        ck_assert(
            barks_str_equal(row->text, i == 0 ? BARKS_STR_LITERAL("w0") : BARKS_STR_LITERAL("w2")));
        ck_assert(row->big == count && row->numbers.count == 3 && row->numbers.items[0] == count &&
                  row->numbers.items[2] == count + 2);
        ck_assert(row->flags.count == 1 && row->flags.items[0]);
        ck_assert(row->maybe_big.valid && row->maybe_big.value == count);
        ck_assert(row->maybe_text.valid && barks_str_equal(row->maybe_text.value, row->text));
        ck_assert(row->place.x == 0.5 && row->place.y.valid && row->place.y.value == 1.5f);
        ck_assert(!row->flag && row->small == 0 && row->single == 0 && row->real == 0 &&
                  row->raw.length == 0 && row->texts.count == 0);
        ck_assert(!row->maybe_flag.valid && !row->maybe_numbers.valid && !row->maybe_place.valid);
    }
}
END_TEST

START_TEST(a_failing_body_ends_the_loop_at_its_row)
{
    const struct limits limits = {.count_min = 0, .fail_at = 7};
    put_counts((const int64_t[]){1, 2, 7, 4}, 4);
    barks_call call = run(copy_frequent_handle, &limits);
    check_failure(&call, 2, "not this one");
    ck_assert_uint_eq(table.row_count, 2);
    call = run(greet_handle, &limits);
    check_failure(&call, 2, "cannot greet 'w2'");
    ck_assert_uint_eq(table.row_count, 2);
}
END_TEST

START_TEST(map_gives_one_row_for_each)
{
    static int64_t counts[3000];
    const struct limits limits = {.count_min = 5, .fail_at = -1};
    for (int i = 0; i < 3000; i++)
        counts[i] = i % 10;
    put_counts(counts, 3000);
    barks_call call = run(greet_handle, &limits);
    ck_assert_ptr_null(call.status);
    ck_assert_uint_eq(table.row_count, 3000);
    ck_assert_uint_eq(engine.flush_count, 3);
    const barks_str *texts = table.columns[0].values;
    for (uint32_t i = 0; i < 3000; i++) {
        char expected[32] = "";
        if (counts[i] >= 5)
            snprintf(expected, sizeof expected, "hello, w%u", i);
        ck_assert_msg(barks_str_equal(texts[i], barks_str_of(expected, strlen(expected))), "row %u",
                      i);
    }
}
END_TEST

START_TEST(map_takes_up_where_the_last_batch_ended)
{
    static int64_t counts[700];
    const struct limits limits = {.count_min = 1, .fail_at = -1};
    put_counts(counts, 700);
    engine_out_begin(&engine, &BARKS_RECORD_OF(line)->schema, &table);
    for (int batch = 0; batch < 3; batch++) {
        barks_call call = call_on(&in, &limits);
        greet_handle->map(&call, &engine.out);
        ck_assert_uint_eq(engine.out.row_count, (700 * ((uint32_t)batch + 1)) % BARKS_OUT_ROWS);
    }
    engine_out_end(&engine);
    ck_assert_uint_eq(table.row_count, 2100);
}
END_TEST

START_TEST(map_copies_every_type)
{
    static struct everything row, back[2];
    const int64_t numbers[2] = {5, 6};
    const barks_str texts[1] = {BARKS_STR_LITERAL("a text that is long")};
    const int32_t maybe_numbers[1] = {9};
    row = (struct everything){.flag = true,
                              .numbers = BARKS_ITEMS(numbers, 2),
                              .texts = BARKS_ITEMS(texts, 1),
                              .maybe_numbers = BARKS_SOME({maybe_numbers, 1}),
                              .maybe_place = BARKS_SOME({.x = 3})};
    const barks_record *record = BARKS_RECORD_OF(everything);
    engine_out_begin(&engine, &record->schema, &in);
    record->to_columns(&row, 1, engine.out.columns, 0, &engine.out);
    record->to_columns(&(struct everything){0}, 1, engine.out.columns, 1, &engine.out);
    engine.out.row_count = 2;
    engine_out_end(&engine);
    barks_call call = run(copy_everything_handle, NULL);
    ck_assert_ptr_null(call.status);
    ck_assert_uint_eq(table.row_count, 2);
    record->from_columns(table.pointers, NULL, 2, back);
    ck_assert(back[0].flag && back[0].numbers.count == 2 && back[0].numbers.items[1] == 6);
    ck_assert(back[0].texts.count == 1 && barks_str_equal(back[0].texts.items[0], texts[0]));
    ck_assert(back[0].maybe_numbers.valid && back[0].maybe_numbers.value.items[0] == 9);
    ck_assert(back[0].maybe_place.valid && back[0].maybe_place.value.x == 3 &&
              !back[0].maybe_place.value.y.valid);
    ck_assert(!back[0].maybe_big.valid && !back[0].maybe_text.valid);
    ck_assert(!back[1].flag && back[1].numbers.count == 0 && !back[1].maybe_numbers.valid &&
              !back[1].maybe_place.valid);
}
END_TEST

START_TEST(made_strings_outlive_a_flush)
{
    put_counts((const int64_t[]){2500}, 1);
    barks_call call = run(repeat_handle, NULL);
    ck_assert_ptr_null(call.status);
    ck_assert_uint_eq(table.row_count, 2500);
    const barks_str *words = table.columns[0].values;
    for (uint32_t i = 0; i < 2500; i++)
        ck_assert(barks_str_equal(words[i], BARKS_STR_LITERAL("one string for many rows")));
}
END_TEST

START_TEST(without_memory_made_strings_are_empty)
{
    barks_call call;
    put_counts((const int64_t[]){3}, 1);
    engine_out_begin(&engine, &BARKS_RECORD_OF(word_count)->schema, &table);
    engine.out_of_memory = true;
    call = call_on(&in, NULL);
    repeat_handle->map(&call, &engine.out);
    engine_out_end(&engine);
    ck_assert(engine.out.stopped);
    ck_assert_uint_eq(((const barks_str *)table.columns[0].values)[0].length, 0);
}
END_TEST

START_TEST(loops_leave_when_nobody_wants_more)
{
    static int64_t counts[5000];
    const struct limits limits = {.count_min = 1, .fail_at = -1};
    for (int i = 0; i < 5000; i++)
        counts[i] = 1;
    put_counts(counts, 5000);
    const barks_function *const functions[] = {greet_handle, copy_frequent_handle};
    for (int i = 0; i < 2; i++) {
        barks_call call = call_on(&in, &limits);
        engine_out_begin(&engine, &functions[i]->out->schema, &table);
        engine.stop_after = 2;
        functions[i]->map(&call, &engine.out);
        ck_assert_uint_eq(engine.out.row_count, 0);
        ck_assert_uint_eq(table.row_count, 2 * BARKS_OUT_ROWS);
    }
}
END_TEST

START_TEST(filter_lists_the_rows_it_keeps)
{
    uint32_t selected[6];
    struct limits limits = {.count_min = 3, .fail_at = -1};
    put_counts((const int64_t[]){3, 2, 1, 5, 4, 0}, 6);
    barks_call call = call_on(&in, &limits);
    ck_assert_uint_eq(is_frequent_handle->filter(&call, selected), 3);
    ck_assert(selected[0] == 0 && selected[1] == 3 && selected[2] == 4);
    ck_assert_ptr_null(call.status);
    limits.fail_at = 5;
    ck_assert_uint_eq(is_frequent_handle->filter(&call, selected), 1);
    check_failure(&call, 3, "count 5");
}
END_TEST

START_TEST(foreach_sees_every_row)
{
    struct limits limits = {.fail_at = -1};
    put_counts((const int64_t[]){3, 2, 1}, 3);
    barks_call call = call_on(&in, &limits);
    observe_handle->foreach (&call);
    ck_assert(call.status == NULL && observed_count == 3 && observed_sum == 6);
    limits.fail_at = 2;
    observe_handle->foreach (&call);
    check_failure(&call, 1, "seen");
    ck_assert(observed_count == 4 && observed_sum == 9);
}
END_TEST

START_TEST(reduce_folds_rows_in_order)
{
    struct limits limits = {.fail_at = -1};
    struct word_count first = {BARKS_STR_LITERAL("the first word"), 10},
                      second = {BARKS_STR_LITERAL("b"), 20};
    void *const accumulators[4] = {&first, &second, &first, &first};
    put_counts((const int64_t[]){1, 2, 4, 8, 16}, 5);
    barks_call call = call_on(&in, &limits);
    add_counts_handle->fold(&call, accumulators, 0, 4);
    ck_assert(first.count == 10 + 1 + 4 + 8 && second.count == 20 + 2);
    add_counts_handle->fold(&call, accumulators, 2, 3);
    ck_assert(first.count == 23 + 4 + 16 && second.count == 22 + 8);
    ck_assert(barks_str_equal(first.word, BARKS_STR_LITERAL("the first word")));
    ck_assert_uint_eq(engine_kept_count, 0);
    ck_assert_ptr_null(call.status);
    limits.fail_at = 8;
    add_counts_handle->fold(&call, accumulators, 2, 3);
    check_failure(&call, 3, "count 8");
    ck_assert(first.count == 43 + 4 && second.count == 30);
}
END_TEST

START_TEST(aggregate_keeps_what_it_stores)
{
    char text[] = "a line of more than twelve bytes";
    struct word_count accumulator = {0};
    void *const accumulators[3] = {&accumulator, &accumulator, &accumulator};
    engine_table_create(&in, &BARKS_RECORD_OF(line)->schema);
    barks_str *lines = in.columns[0].values;
    lines[0] = BARKS_STR_LITERAL("short");
    lines[1] = barks_str_of(text, strlen(text));
    lines[2] = BARKS_STR_LITERAL("not the longest");
    in.row_count = 3;
    barks_call call = call_on(&in, NULL);
    total_length_handle->fold(&call, accumulators, 0, 3);
    memset(text, 'x', strlen(text)); /* the batch is gone */
    ck_assert_int_eq(accumulator.count, 5 + 32 + 15);
    ck_assert(
        barks_str_equal(accumulator.word, BARKS_STR_LITERAL("a line of more than twelve bytes")));
    ck_assert_uint_eq(engine_kept_count, 1);
}
END_TEST

START_TEST(aggregate_keeps_lists_and_nested_values)
{
    char text[] = "bytes of a batch that will be gone";
    int64_t numbers[2] = {5, 6};
    int32_t maybe_numbers[1] = {9};
    barks_str text_view = barks_str_of(text, strlen(text));
    barks_str texts[2] = {text_view, BARKS_STR_LITERAL("short")};
    struct everything row = {.big = 1,
                             .text = text_view,
                             .numbers = BARKS_ITEMS(numbers, 2),
                             .texts = BARKS_ITEMS(texts, 2),
                             .maybe_text = BARKS_SOME(text_view),
                             .maybe_numbers = BARKS_SOME({maybe_numbers, 1})};
    struct everything accumulator = {.big = 41};
    void *const accumulators[1] = {&accumulator};
    const barks_record *record = BARKS_RECORD_OF(everything);
    engine_out_begin(&engine, &record->schema, &in);
    record->to_columns(&row, 1, engine.out.columns, 0, &engine.out);
    engine.out.row_count = 1;
    engine_out_end(&engine);
    barks_call call = call_on(&in, NULL);
    latest_text_handle->fold(&call, accumulators, 0, 1);

    /* The batch goes, with the items in its columns and the bytes of its strings. */
    memset(in.columns[7].children[0].values, 0x55, sizeof numbers);
    memset(in.columns[8].children[0].values, 0x55, sizeof texts);
    memset(in.columns[14].children[0].values, 0x55, sizeof maybe_numbers);
    memset(text, 'x', strlen(text));
    barks_str expected = BARKS_STR_LITERAL("bytes of a batch that will be gone");
    ck_assert(accumulator.big == 42 && barks_str_equal(accumulator.text, expected));
    ck_assert(accumulator.numbers.count == 2 && accumulator.numbers.items[1] == 6);
    ck_assert(accumulator.texts.count == 2 &&
              barks_str_equal(accumulator.texts.items[0], expected) &&
              barks_str_equal(accumulator.texts.items[1], BARKS_STR_LITERAL("short")));
    ck_assert(accumulator.maybe_text.valid &&
              barks_str_equal(accumulator.maybe_text.value, expected));
    ck_assert(accumulator.maybe_numbers.valid && accumulator.maybe_numbers.value.items[0] == 9);
}
END_TEST

START_TEST(map_batches_sees_whole_columns)
{
    static struct everything rows[100];
    int64_t numbers[2] = {1, 2};
    int64_t sum = 0, null_count = 0;
    struct limits limits = {.fail_at = -1};
    const barks_record *record = BARKS_RECORD_OF(everything);
    for (int i = 0; i < 100; i++) {
        rows[i] = (struct everything){.big = i, .numbers = BARKS_ITEMS(numbers, (uint32_t)i % 3)};
        rows[i].maybe_big = (barks_optional_i64){i, i % 7 != 0};
        rows[i].maybe_place.value.x = 100;
        rows[i].maybe_place.valid = i % 2 == 0;
        sum += (i % 3 == 0   ? 0
                : i % 3 == 1 ? 1
                             : 3) +
               (i % 7 != 0 ? i : 0) + (i % 2 == 0 ? 100 : 0);
        null_count += i % 7 == 0;
    }
    engine_out_begin(&engine, &record->schema, &in);
    record->to_columns(rows, 100, engine.out.columns, 0, &engine.out);
    engine.out.row_count = 100;
    engine_out_end(&engine);
    barks_call call = run(sum_batch_handle, &limits);
    ck_assert_ptr_null(call.status);
    ck_assert_uint_eq(table.row_count, 3);
    const barks_str *words = table.columns[0].values;
    const int64_t *counts = table.columns[1].values;
    ck_assert(barks_str_equal(words[0], BARKS_STR_LITERAL("the sum of all numbers")) &&
              counts[0] == sum);
    ck_assert(barks_str_equal(words[1], BARKS_STR_LITERAL("nulls")) && counts[1] == null_count);
    ck_assert(words[2].length == 0 && counts[2] == 0);
    limits.fail_at = 60;
    call = run(sum_batch_handle, &limits);
    check_failure(&call, 0, "row 60");
}
END_TEST

START_TEST(nothing_in_gives_nothing_out)
{
    const struct limits limits = {0};
    put_counts(NULL, 0);
    barks_call call = run(greet_handle, &limits);
    ck_assert(call.status == NULL && table.row_count == 0);
    call = run(copy_frequent_handle, &limits);
    ck_assert(call.status == NULL && table.row_count == 0);
    ck_assert_uint_eq(is_frequent_handle->filter(&call, NULL), 0);
    add_counts_handle->fold(&call, NULL, 0, 0);
    ck_assert_ptr_null(call.status);
}
END_TEST

SUITE_MAIN("record/functions", functions_register_themselves, flat_map_emits_every_word_in_order,
           flat_map_copies_items_and_leaves_the_rest_null, a_failing_body_ends_the_loop_at_its_row,
           map_gives_one_row_for_each, map_takes_up_where_the_last_batch_ended,
           map_copies_every_type, made_strings_outlive_a_flush,
           without_memory_made_strings_are_empty, loops_leave_when_nobody_wants_more,
           filter_lists_the_rows_it_keeps, foreach_sees_every_row, reduce_folds_rows_in_order,
           aggregate_keeps_what_it_stores, aggregate_keeps_lists_and_nested_values,
           map_batches_sees_whole_columns, nothing_in_gives_nothing_out)
