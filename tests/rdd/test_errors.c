/* What a wrong call or a failing function says, and that it does no harm. */
#include "rdd/shapes.h"
#include "support/faults.h"
#include "support/property.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

BARKS_RECORD(item, (i64, number), (str, name));
BARKS_RECORD(other, (i64, amount));
BARKS_RECORD(narrow, (i32, number));

BARKS_MAP(to_other, item, other)
{
    if (in->number == 777)
        fail("number %d is unlucky", 777);
    out->amount = in->number;
}
BARKS_MAP(from_other, other, other) { out->amount = in->amount; }
BARKS_MAP(from_narrow, narrow, other) { out->amount = in->number; }
BARKS_RECORD(priced, (i64, number), (i64, price));
BARKS_MAP(to_priced, item, priced)
{
    out->number = in->number;
    out->price = 2 * in->number;
}
BARKS_REDUCE(add_numbers, item)
{
    if (in->number == 777)
        fail("cannot add %d", 777);
    acc->number += in->number;
}

/* As where two sources of a job name different records alike. */
BARKS_RECORD(twin, (i64, number));
BARKS_MAP(to_twin, item, twin) { out->number = in->number; }
static __attribute__((constructor)) void declare_twin_again(void)
{
    static barks_record again;
    again = barks_record_other;
    again.name = "twin";
    barks_register_record(&again);
}

static struct item items[2000];

static barks_rdd *some_items(barks_context *context)
{
    for (int i = 0; i < 2000; i++)
        items[i] = (struct item){.number = i, .name = BARKS_STR_LITERAL("a name")};
    return barks_parallelize(context, item, items, 2000, 8);
}

/* The last error has the code, and its text has the words. */
static void expect_error(barks_context *context, barks_code code, const char *words)
{
    char text[2048] = "";
    barks_status *error = barks_take_error(context);
    ck_assert_msg(error != NULL, "no error that says '%s'", words);
    barks_status_format(error, text, sizeof text);
    ck_assert_msg(strstr(text, words) != NULL, "'%s' does not say '%s'", text, words);
    ck_assert_int_eq(barks_status_code(error), code);
    barks_status_free(error);
}

SHAPES(a_failing_body_fails_the_action_with_its_words)
{
    ck_assert_int_eq(barks_count(barks_map(some_items(context), to_other, NULL)), -1);
    expect_error(context, BARKS_USER_ERROR, "number 777 is unlucky");
    ck_assert_int_eq(barks_count(barks_reduce_by_key(some_items(context), "name", add_numbers)),
                     -1);
    expect_error(context, BARKS_USER_ERROR, "cannot add 777");
    ck_assert_int_eq(barks_count(some_items(context)), 2000); /* the next action runs */
}

SHAPES_EXIT(an_error_that_nobody_takes_is_the_exit_status, 6)
{
    ck_assert_int_eq(barks_count(barks_map(some_items(context), to_other, NULL)), -1);
}

SHAPES(what_cannot_be_printed_is_an_error)
{
    barks_rdd *rdd = some_items(context);
    fflush(stdout);
    int kept = dup(STDOUT_FILENO), full = open("/dev/full", O_WRONLY),
        nothing = open("/dev/null", O_WRONLY);
    ck_assert(kept >= 0 && full >= 0 && nothing >= 0 && dup2(full, STDOUT_FILENO) == STDOUT_FILENO);
    bool is_shown = barks_show(rdd, 5), is_large_shown = barks_show(rdd, 2000),
         is_explained = barks_print_explain(rdd);
    ck_assert_int_eq(dup2(nothing, STDOUT_FILENO), STDOUT_FILENO);
    clearerr(stdout);
    bool is_shown_now = barks_show(rdd, 1), is_explained_now = barks_print_explain(rdd);
    ck_assert_int_eq(dup2(kept, STDOUT_FILENO), STDOUT_FILENO);
    ck_assert(!is_shown && !is_large_shown && !is_explained && is_shown_now && is_explained_now);
    expect_error(context, BARKS_IO, "cannot write to the standard output: No space left on device");
    close(full);
    close(kept);
    close(nothing);
    ck_assert_ptr_null(barks_take_error(context));
}

SHAPES(wrong_fields_are_found_before_anything_runs)
{
    barks_rdd *rdd = some_items(context);
    ck_assert_int_eq(barks_count(barks_map(rdd, from_other, NULL)), -1);
    expect_error(context, BARKS_INVALID, "wants a field 'amount', which the rows it is given lack");
    ck_assert_int_eq(barks_count(barks_map(rdd, from_narrow, NULL)), -1);
    expect_error(context, BARKS_INVALID,
                 "wants field 'number' as i32, but the rows it is given have it as i64");
    ck_assert_int_eq(barks_count(barks_distinct(barks_sort_by(rdd, "nmae"))), -1);
    expect_error(context, BARKS_INVALID, "no field 'nmae'; did you mean 'name'?");
    ck_assert_int_eq(barks_count(barks_sort_by(rdd, "name downwards")), -1);
    expect_error(context, BARKS_INVALID, "'downwards' is no order");
    ck_assert_int_eq(barks_count(barks_reduce_by_key(rdd, "name,", add_numbers)), -1);
    expect_error(context, BARKS_INVALID, "empty name");
    ck_assert_int_eq(barks_count(barks_union(rdd, barks_map(rdd, to_other, NULL))), -1);
    expect_error(context, BARKS_INVALID, "fields must be equal by name and type");
    ck_assert_int_eq(barks_count(barks_distinct(rdd, .partitions = 100000)), -1);
    expect_error(context, BARKS_INVALID, "--barks-partitions-max");
}

SHAPES(input_that_is_not_there_is_said)
{
    ck_assert_int_eq(barks_count(barks_read_text(context, "/no/such/file")), -1);
    expect_error(context, BARKS_IO, "/no/such/file");
}

SHAPES(reduce_of_nothing_is_an_error)
{
    struct item result = {0};
    ck_assert(!barks_reduce(barks_parallelize(context, item, items, 0, 2), add_numbers, &result));
    expect_error(context, BARKS_INVALID, "empty dataset");
}

SHAPES(a_negative_number_of_rows_is_an_error)
{
    int64_t count = 5;
    ck_assert_ptr_null(barks_take(some_items(context), -1, item, &count));
    ck_assert_int_eq(count, 0);
    expect_error(context, BARKS_INVALID, "below 0");
}

SHAPES(an_output_that_exists_stays_as_it_is)
{
    char directory[] = "/tmp/barks-test-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert(!barks_write_csv(some_items(context), directory));
    expect_error(context, BARKS_INVALID, directory);
    ck_assert_int_eq(rmdir(directory), 0); /* nothing was put into it */
    ck_assert(!barks_write_text(some_items(context), directory));
    expect_error(context, BARKS_INVALID, "text");
    ck_assert_int_ne(access(directory, F_OK), 0);
}

START_TEST(an_operation_after_finalize_says_so)
{
    char program[] = "test", quiet[] = "--barks-quiet";
    char *arguments[] = {program, quiet, NULL}, **argv = arguments;
    int argc = 2;
    barks_context *context = barks_init(&argc, &argv);
    barks_rdd *rdd = some_items(context);
    (void)rdd; /* freed by finalize: only the context is asked about afterwards */
    ck_assert_int_eq(barks_finalize(context), 0);
    barks_rdd *late = barks_parallelize(context, item, items, 10, 2);
    ck_assert_int_eq(barks_count(late), -1);
    ck_assert(!barks_write_csv(barks_distinct(late), "/tmp/never"));
    ck_assert_int_eq(barks_finalize(context), 2);
}
END_TEST

/* Executors cannot read the plan: they say why, and live on. */
SHAPES(records_of_one_name_that_differ_are_told)
{
    barks_rdd *twins = barks_map(some_items(context), to_twin, NULL);
    ck_assert_int_eq(barks_count(twins), -1);
    expect_error(context, BARKS_INVALID, "two records are named 'twin'");
    ck_assert_int_eq(barks_count(some_items(context)), 2000);
}

/* A step that finds no memory must not look like one without rows. Faults of a rank that only this
 * thread has: what the driver's does meanwhile is not asked. */
SHAPES(a_plan_without_memory_fails_or_is_right)
{
    bool struck = true;
    fault_enter_rank(7);
    for (int n = 1; struck; n++) {
        ck_assert_int_lt(n, 5000);
        arm_faults("fail:call=allocation,n=%d,rank=7", n);
        barks_rdd *left = some_items(context);
        barks_rdd *right = barks_map(some_items(context), to_priced, NULL);
        barks_rdd *joined = barks_full_join(left, right, "number");
        barks_rdd *both = barks_union(left, some_items(context));
        struck = fault_struck(0) > 0;
        disarm_faults();
        int64_t counts[] = {barks_count(joined), barks_count(both)};
        for (int i = 0; i < 2; i++)
            ck_assert_msg(counts[i] == (i == 0 ? 2000 : 4000) || (struck && counts[i] == -1),
                          "allocation %d: count %d is %lld", n, i, (long long)counts[i]);
        barks_status_free(barks_take_error(context));
    }
}

SUITE_MAIN("rdd/errors", ON_SHAPES(what_cannot_be_printed_is_an_error),
           ON_SHAPES(a_failing_body_fails_the_action_with_its_words),
           ON_SHAPES(an_error_that_nobody_takes_is_the_exit_status),
           ON_SHAPES(wrong_fields_are_found_before_anything_runs),
           ON_SHAPES(records_of_one_name_that_differ_are_told),
           ON_SHAPES(a_plan_without_memory_fails_or_is_right),
           ON_SHAPES(input_that_is_not_there_is_said), ON_SHAPES(reduce_of_nothing_is_an_error),
           ON_SHAPES(a_negative_number_of_rows_is_an_error),
           ON_SHAPES(an_output_that_exists_stays_as_it_is), an_operation_after_finalize_says_so)
