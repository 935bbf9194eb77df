/* Accumulators and broadcast values, on several numbers of executors. */
#include "rdd/cases.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROWS = 30000, LARGE = 400000 };

BARKS_RECORD(number, (i64, n));
BARKS_RECORD(keyed, (i64, key), (i64, n));
BARKS_RECORD(span, (i64, low), (i64, high), (str, longest));
BARKS_RECORD(price, (i64, item), (f64, amount), (str, name));
BARKS_RECORD(amount, (f64, amount));
BARKS_RECORD(place, (i64, partition), (i64, executor), (f64, random));

BARKS_REDUCE(widen, span)
{
    acc->low = in->low < acc->low ? in->low : acc->low;
    acc->high = in->high > acc->high ? in->high : acc->high;
    if (in->longest.length > acc->longest.length)
        acc->longest = in->longest;
}

struct tools {
    barks_accumulator count, least, greatest, sum, texts, span, none;
};

BARKS_MAP(note, number, number, struct tools)
{
    char text[64];
    out->n = in->n;
    barks_add(env->count, 1);
    barks_add(env->none, 1);
    barks_add(env->least, in->n);
    barks_add(env->greatest, in->n);
    barks_add_real(env->sum, in->n % 2 == 0 ? 1e16 : 0.1);
    if (in->n % 1000 != 7)
        return;
    int length = snprintf(text, sizeof text, "number %lld, which is odd", (long long)in->n);
    barks_str view = barks_str_of(text, (size_t)length);
    barks_add_text(env->texts, view);
    struct span span = {.low = in->n, .high = in->n, .longest = view};
    barks_accumulate(env->span, widen, &span);
}

static struct number numbers[ROWS];

static barks_rdd *source(barks_context *context, uint32_t partitions)
{
    for (int64_t i = 0; i < ROWS; i++)
        numbers[i].n = i;
    return barks_parallelize(context, number, numbers, ROWS, partitions);
}

SHAPES(accumulators_of_every_kind)
{
    struct span zero = {.low = 500, .high = 400, .longest = BARKS_STR_LITERAL("zero")}, got = {0};
    struct tools tools = {
        .count = barks_counter(context, "rows"),
        .least = barks_least(context, "least"),
        .greatest = barks_greatest(context, "greatest"),
        .sum = barks_real_sum(context, "sum"),
        .texts = barks_text_list(context, "texts"),
        .span = barks_accumulator_of(context, "span", widen, &zero),
    };
    ck_assert_int_eq(barks_counter_value(context, tools.least), INT64_MAX);
    ck_assert_int_eq(barks_counter_value(context, tools.count), 0);
    ck_assert_int_eq(barks_count(barks_map(source(context, 9), note, &tools)), ROWS);
    ck_assert_int_eq(barks_counter_value(context, tools.count), ROWS);
    ck_assert_int_eq(barks_counter_value(context, tools.least), 0);
    ck_assert_int_eq(barks_counter_value(context, tools.greatest), ROWS - 1);
    ck_assert(barks_real_value(context, tools.sum) == 1.5e20 + 1500);
    int64_t count = 0;
    const barks_str *texts = barks_texts_value(context, tools.texts, &count);
    ck_assert_int_eq(count, ROWS / 1000);
    for (int64_t i = 0; i < count; i++) { /* in the order of the rows, whatever ran where */
        char text[64];
        int length =
            snprintf(text, sizeof text, "number %lld, which is odd", (long long)(1000 * i + 7));
        ck_assert(barks_str_equal(texts[i], barks_str_of(text, (size_t)length)));
    }
    ck_assert(barks_accumulator_value(context, tools.span, &got));
    ck_assert_int_eq(got.low, 7);
    ck_assert_int_eq(got.high, ROWS - 1000 + 7);
    ck_assert(barks_str_equal(got.longest, texts[10]));
}

BARKS_MAP(to_keyed, number, keyed, struct tools)
{
    barks_add(env->count, 1);
    out->key = in->n % 10;
    out->n = in->n;
}
BARKS_REDUCE(add_keyed, keyed) { acc->n += in->n; }

/* What is sampled for the sort is not counted; the second action computes, and counts, again. */
SHAPES(helper_jobs_are_not_counted)
{
    struct tools tools = {.count = barks_counter(context, "rows")};
    barks_rdd *keyed = barks_map(source(context, 5), to_keyed, &tools);
    barks_rdd *sorted = barks_sort_by(keyed, "n desc");
    ck_assert_int_eq(barks_count(sorted), ROWS);
    ck_assert_int_eq(barks_counter_value(context, tools.count), ROWS);
    ck_assert_int_eq(barks_count(barks_reduce_by_key(keyed, "key", add_keyed)), 10);
    ck_assert_int_eq(barks_counter_value(context, tools.count), 2 * ROWS);
}

BARKS_MAP(fail_late, number, number, struct tools)
{
    barks_add(env->count, 1);
    if (in->n == ROWS - 1)
        fail("the last one");
    out->n = in->n;
}

SHAPES_EXIT(a_failed_action_adds_nothing, 6)
{
    struct tools tools = {.count = barks_counter(context, "rows")};
    ck_assert_int_eq(barks_count(barks_map(source(context, 5), fail_late, &tools)), -1);
    ck_assert_int_eq(barks_counter_value(context, tools.count), 0);
}

struct extremes {
    barks_accumulator up, down, both, least, greatest, least_none, with_nan, only_nan;
};

BARKS_MAP(note_extremes, number, number, struct extremes)
{
    *out = *in;
    barks_add(env->up, INT64_MAX);
    barks_add(env->down, INT64_MIN);
    barks_add(env->both, in->n < ROWS / 2 ? INT64_MAX : -INT64_MAX);
    barks_add(env->both, in->n % 2);
    barks_add_real(env->least, (double)(in->n - 100) / 4);
    barks_add(env->greatest, in->n);
    barks_add_real(env->greatest, 0.5);
    barks_add_real(env->with_nan, in->n == 77 ? (double)NAN : (double)in->n);
    barks_add_real(env->only_nan, in->n == 77 ? (double)NAN : (double)in->n);
}

/* What is printed to stderr while it is redirected here. */
static FILE *capture_errors(void)
{
    FILE *file = tmpfile();
    ck_assert(file != NULL && dup2(fileno(file), STDERR_FILENO) >= 0);
    return file;
}

static void check_captured(FILE *file, const char *wanted)
{
    static char all[1 << 16];
    ck_assert_int_eq(fseek(file, 0, SEEK_SET), 0);
    size_t got = fread(all, 1, sizeof all - 1, file);
    all[got] = '\0';
    ck_assert_msg(strstr(all, wanted) != NULL, "'%s' is not in '%s'", wanted, all);
}

SHAPES(sums_beyond_64_bits_are_told_and_not_wrapped)
{
    FILE *errors = capture_errors();
    struct extremes all = {
        .up = barks_counter(context, "up"),
        .down = barks_counter(context, "down"),
        .both = barks_counter(context, "both"),
        .least = barks_real_least(context, "least"),
        .greatest = barks_real_greatest(context, "greatest"),
        .least_none = barks_real_least(context, "none"),
        .with_nan = barks_real_greatest(context, "nan"),
        .only_nan = barks_real_least(context, "not nan"),
    };
    barks_rdd *rdd = barks_map(source(context, 9), note_extremes, &all);
    ck_assert_int_eq(barks_count(rdd), ROWS);
    ck_assert_int_eq(barks_counter_value(context, all.up), INT64_MAX);
    ck_assert_int_eq(barks_counter_value(context, all.down), INT64_MIN);
    ck_assert_int_eq(barks_counter_value(context, all.both), ROWS / 2);
    ck_assert(barks_real_value(context, all.least) == -25);
    ck_assert(barks_real_value(context, all.greatest) == ROWS - 1);
    ck_assert(barks_real_value(context, all.least_none) == (double)INFINITY);
    ck_assert(isnan(barks_real_value(context, all.with_nan)));
    ck_assert(barks_real_value(context, all.only_nan) == 0);
    check_captured(errors, "the accumulator 'up' is 276701161105643274210000, beyond 64 bits: its "
                           "value is 9223372036854775807");
    check_captured(errors, "the accumulator 'down' is -276701161105643274240000, beyond 64 bits: "
                           "its value is -9223372036854775808");
}

START_TEST(the_summary_has_the_accumulators)
{
    char program[] = "test", local[] = "--barks-local=2";
    char *arguments[] = {program, local, NULL};
    char **argv = arguments;
    int argc = 2;
    FILE *errors = capture_errors();
    barks_context *context = barks_init(&argc, &argv);
    struct tools tools = {.count = barks_counter(context, "rows seen"),
                          .greatest = barks_greatest(context, "greatest of all"),
                          .texts = barks_text_list(context, "seen")};
    ck_assert_int_eq(barks_count(barks_map(source(context, 9), note, &tools)), ROWS);
    ck_assert_int_eq(barks_finalize(context), 0);
    check_captured(errors, "rows seen: 30000");
    check_captured(errors, "greatest of all: 29999");
    check_captured(errors, "seen: 30 texts");
}
END_TEST

struct prices {
    barks_broadcast all;
};

BARKS_MAP_BATCHES(look_up, number, amount, struct prices)
{
    int64_t count = 0;
    const struct price *prices = barks_shared_rows(env->all, price, &count);
    for (uint32_t i = 0; i < batch->row_count && count > 0; i++) {
        const struct price *found = &prices[batch->n[i] % count];
        emit(.amount = found->amount + (double)found->name.length);
    }
}

static struct price *make_prices(int64_t count)
{
    static const char text[] = "a name that is long enough to be kept elsewhere";
    struct price *prices = calloc((size_t)count + 1, sizeof *prices);
    for (int64_t i = 0; i < count; i++)
        prices[i] = (struct price){
            .item = i, .amount = (double)i / 4, .name = barks_str_of(text, (size_t)(i % 47))};
    return prices;
}

SHAPES(broadcast_rows_reach_every_executor)
{
    static const int64_t counts[] = {1, 1000, LARGE};
    for (int round = 0; round < 3; round++) {
        int64_t count = counts[round], got = 0;
        struct price *prices = make_prices(count);
        struct prices env = {barks_broadcast_rows(context, price, prices, (size_t)count)};
        ck_assert_uint_ne(env.all.id, 0);
        struct amount *rows =
            barks_collect(barks_map_batches(source(context, 13), look_up, &env), amount, &got);
        ck_assert_int_eq(got, ROWS);
        for (int64_t i = 0; i < got; i++)
            ck_assert(rows[i].amount ==
                      prices[i % count].amount + (double)prices[i % count].name.length);
        barks_release(context, rows);
        barks_destroy(context, env.all);
        free(prices);
    }
}

BARKS_MAP_BATCHES(count_shared, number, number, struct prices)
{
    int64_t count = 0;
    const struct amount *amounts = barks_shared_rows(env->all, amount, &count);
    emit(.n = count * 1000 + (amounts != NULL ? (int64_t)amounts[0].amount : 0));
}

SHAPES(a_dataset_is_broadcast)
{
    struct price *prices = make_prices(100);
    prices[0].amount = 7;
    barks_rdd *rdd = barks_parallelize(context, price, prices, 100, 6);
    struct prices env = {barks_broadcast_rdd(rdd)};
    int64_t count = 0;
    struct number *rows =
        barks_collect(barks_map_batches(source(context, 4), count_shared, &env), number, &count);
    for (int64_t i = 0; i < count; i++)
        ck_assert_int_eq(rows[i].n, 100007);
    ck_assert_int_ge(count, 4);
    free(prices);
}

SHAPES_EXIT(a_destroyed_value_is_an_error, 2)
{
    struct price *prices = make_prices(10);
    struct prices env = {barks_broadcast_rows(context, price, prices, 10)};
    barks_destroy(context, env.all);
    ck_assert_int_eq(barks_count(barks_map_batches(source(context, 4), look_up, &env)), -1);
    free(prices);
}

/* 256 MiB of memory an executor have no room for more than that. */
SHAPES_EXIT(a_value_without_room_is_an_error, 4)
{
    static char text[4000000];
    struct price *prices = calloc(100, sizeof *prices);
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 55; i++)
        prices[i].name = barks_str_of(text, sizeof text);
    barks_broadcast small = barks_broadcast_rows(context, price, prices, 1);
    ck_assert_uint_ne(small.id, 0);
    struct prices env = {barks_broadcast_rows(context, price, prices, 55)};
    struct prices more = {barks_broadcast_rows(context, price, prices, 55)};
    ck_assert(env.all.id == 0 || more.all.id == 0);
    ck_assert_int_eq(barks_count(source(context, 4)), ROWS); /* all goes on */
    free(prices);
}

BARKS_MAP(where_am_i, number, place)
{
    out->partition = barks_task()->partition;
    out->executor = barks_task()->executor;
    out->random = barks_random();
}

SHAPES(a_body_knows_its_task)
{
    static double first[ROWS];
    int64_t count = 0;
    for (int round = 0; round < 2; round++) {
        struct place *rows =
            barks_collect(barks_map(source(context, 6), where_am_i, NULL), place, &count);
        for (int64_t i = 0; i < count; i++) {
            ck_assert_int_eq(rows[i].partition, i * 6 / ROWS);
            ck_assert(rows[i].executor >= 1 && rows[i].executor <= 4);
            ck_assert(rows[i].random >= 0 && rows[i].random < 1);
            ck_assert(round == 0 || rows[i].random == first[i]);
            first[i] = rows[i].random;
        }
    }
    ck_assert(first[0] != first[1]);
}

BARKS_RECORD(context_row, (i64, job), (i64, stage), (i64, partition), (i64, attempt), (str, host),
             (str, place), (bool, is_cancelled), (f64, seconds));
BARKS_FLAT_MAP(tell_context, barks_text, context_row)
{
    const barks_task_info *task = barks_task();
    const char *place = barks_place();
    barks_str made = barks_str_make(out, place, strlen(place));
    if (in->text.length > 0)
        emit(.job = (int64_t)task->job, .stage = task->stage, .partition = task->partition,
             .attempt = task->attempt, .host = barks_str_of(task->host, strlen(task->host)),
             .place = made, .is_cancelled = barks_cancelled(), .seconds = barks_seconds_left());
}

static void write_lines(char *path)
{
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    FILE *file = fdopen(descriptor, "w");
    for (int i = 0; i < 40000; i++) /* some splits of 64 KiB */
        fprintf(file, "line %d\n", i);
    ck_assert_int_eq(fclose(file), 0);
}

static void check_context(barks_context *context, double seconds_max)
{
    char path[] = "/tmp/barks-test-lines-XXXXXX", host[256] = "";
    int64_t count = 0;
    write_lines(path);
    ck_assert_int_eq(gethostname(host, sizeof host - 1), 0);
    barks_rdd *rdd = barks_flat_map(barks_read_text(context, path), tell_context, NULL);
    struct context_row *rows = barks_collect(rdd, context_row, &count);
    ck_assert_int_eq(count, 40000);
    for (int64_t i = 0; i < count; i++) {
        ck_assert_int_gt(rows[i].job, 0);
        ck_assert_int_eq(rows[i].attempt, rows[0].attempt);
        ck_assert_int_ge(rows[i].partition, i > 0 ? rows[i - 1].partition : 0);
        ck_assert(barks_str_equal(rows[i].host, barks_str_of(host, strlen(host))));
        ck_assert(barks_str_find(rows[i].place, barks_str_of(path, strlen(path))) >= 0);
        ck_assert(!rows[i].is_cancelled);
        ck_assert(rows[i].seconds <= seconds_max && rows[i].seconds > 0);
    }
    ck_assert_int_eq(rows[0].partition, 0);
    ck_assert_int_gt(rows[count - 1].partition, 2);
    ck_assert(!barks_str_equal(rows[0].place, rows[count - 1].place));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_ptr_null(barks_task());
    ck_assert_ptr_null(barks_place());
    ck_assert(!barks_cancelled() && barks_seconds_left() == (double)INFINITY);
}

SHAPES(a_body_knows_file_host_and_time) { check_context(context, (double)INFINITY); }
static void check_hour(barks_context *context) { check_context(context, 3600); }
static void check_minute(barks_context *context) { check_context(context, 60); }

START_TEST(the_time_left_is_that_of_the_setting)
{
    ck_assert_int_eq(setenv("BARKS_TIME_LIMIT", "1h", 1), 0);
    run_on(check_hour, "2", 0);
}
END_TEST

START_TEST(the_time_left_is_the_lesser_of_both)
{
    char end[32];
    snprintf(end, sizeof end, "%lld", (long long)time(NULL) + 60);
    ck_assert_int_eq(setenv("SLURM_JOB_END_TIME", end, 1), 0);
    ck_assert_int_eq(setenv("BARKS_TIME_LIMIT", "1h", 1), 0);
    run_on(check_minute, "2", 0);
}
END_TEST

SUITE_MAIN("rdd/shared", ON_SHAPES(accumulators_of_every_kind),
           ON_SHAPES(helper_jobs_are_not_counted), ON_SHAPES(a_failed_action_adds_nothing),
           ON_SHAPES(broadcast_rows_reach_every_executor), ON_SHAPES(a_dataset_is_broadcast),
           ON_SHAPES(a_destroyed_value_is_an_error), ON_SHAPES(a_value_without_room_is_an_error),
           ON_SHAPES(a_body_knows_its_task),
           ON_SHAPES(sums_beyond_64_bits_are_told_and_not_wrapped),
           the_summary_has_the_accumulators, ON_SHAPES(a_body_knows_file_host_and_time),
           the_time_left_is_that_of_the_setting, the_time_left_is_the_lesser_of_both)
