/* What must and what must not change the fingerprint of a dataset. */
#include "plan/fingerprint.h"
#include "rdd/dataset.h"
#include "rdd/shapes.h"
#include "support/property.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

BARKS_RECORD(item, (i64, id), (i64, key));
BARKS_RECORD(key_sum, (i64, key), (i64, total));

struct factor {
    int64_t factor;
};
BARKS_MAP(scale, barks_number, item, struct factor)
{
    out->id = in->value * env->factor;
    out->key = in->value % 7;
}
BARKS_MAP(scale_too, barks_number, item, struct factor)
{
    out->id = in->value * env->factor;
    out->key = in->value % 7;
}
BARKS_MAP(scale_declared, barks_number, item, struct factor)
{
    out->id = in->value * env->factor;
    out->key = in->value % 7;
}
BARKS_VERSION(scale_declared, "1")
BARKS_MAP(plain, barks_number, item)
{
    out->id = in->value;
    out->key = in->value % 7;
}
BARKS_MAP(to_sum, item, key_sum)
{
    out->key = in->key;
    out->total = in->id;
}
BARKS_REDUCE(add, key_sum) { acc->total += in->total; }

static const struct fingerprint_basis basis = {
    .library = 1, .program = 2, .arguments = 3, .settings = 4, .values = 5, .shipped = 6};

static struct fingerprint fingerprint_under(const barks_rdd *rdd,
                                            const struct fingerprint_basis *under)
{
    struct fingerprint *by_id = NULL;
    struct node *node = (struct node *)(uintptr_t)&rdd->node;
    barks_status *status = fingerprint_nodes(node, rdd->context->node_count, under, &by_id);
    ck_assert_ptr_null(status);
    struct fingerprint result = by_id[node->id];
    free(by_id);
    return result;
}

static struct fingerprint fingerprint_of(const barks_rdd *rdd)
{
    return fingerprint_under(rdd, &basis);
}

static void expect_same(const barks_rdd *a, const barks_rdd *b)
{
    struct fingerprint of_a = fingerprint_of(a), of_b = fingerprint_of(b);
    char name_a[FINGERPRINT_NAME_BYTES], name_b[FINGERPRINT_NAME_BYTES];
    ck_assert(fingerprint_equal(&of_a, &of_b));
    ck_assert_ptr_null(fingerprint_difference(&of_a, &of_b));
    fingerprint_name(&of_a, name_a);
    fingerprint_name(&of_b, name_b);
    ck_assert_str_eq(name_a, name_b);
    ck_assert_uint_eq(strlen(name_a) + 1, FINGERPRINT_NAME_BYTES);
}

static void expect_other(const struct fingerprint *a, const struct fingerprint *b, const char *what)
{
    char name_a[FINGERPRINT_NAME_BYTES], name_b[FINGERPRINT_NAME_BYTES];
    ck_assert(a->is_known && b->is_known && !fingerprint_equal(a, b));
    ck_assert_str_eq(fingerprint_difference(a, b), what);
    fingerprint_name(a, name_a);
    fingerprint_name(b, name_b);
    ck_assert_str_ne(name_a, name_b);
}

static void expect_different(const barks_rdd *a, const barks_rdd *b, const char *what)
{
    struct fingerprint of_a = fingerprint_of(a), of_b = fingerprint_of(b);
    expect_other(&of_a, &of_b, what);
}

static barks_rdd *numbers(barks_context *context) { return barks_range(context, 0, 1000, 1, 8); }

static barks_rdd *sums_of(barks_rdd *items)
{
    return barks_reduce_by_key(barks_map(items, to_sum, NULL), "key", add);
}

static barks_rdd *scaled(barks_context *context, int64_t factor)
{
    struct factor env = {.factor = factor};
    return barks_map(numbers(context), scale, &env);
}

static const char functions_are_given[] =
    "what functions are given (env, broadcast values, shipped files)";

static void compare_plans(barks_context *context)
{
    struct factor two = {.factor = 2};
    barks_rdd *first = sums_of(scaled(context, 2));
    expect_same(first, sums_of(scaled(context, 2))); /* another line of the source, other nodes */
    expect_different(first, sums_of(scaled(context, 3)), functions_are_given);
    expect_different(first, sums_of(barks_map(numbers(context), scale_too, &two)), "the plan");
    expect_different(first, sums_of(barks_map(barks_range(context, 0, 1001, 1, 8), scale, &two)),
                     "the plan");
    expect_different(first, sums_of(barks_map(barks_range(context, 0, 1000, 1, 9), scale, &two)),
                     "the input"); /* and how it is cut */
    expect_different(first, barks_map(scaled(context, 2), to_sum, NULL), "the plan");
    expect_different(barks_sort_by(first, "key"), barks_sort_by(first, "key desc"), "the plan");
    expect_different(barks_select(first, "key"), barks_select(first, "total"), "the plan");
    barks_rdd *other = sums_of(scaled(context, 3));
    expect_different(barks_union(first, other), barks_union(other, first), functions_are_given);
}

START_TEST(it_follows_from_plan_functions_and_envs_alone) { run_on(compare_plans, "1", 0); }
END_TEST

static void compare_rows(barks_context *context)
{
    struct item rows[] = {{1, 2}, {3, 4}}, others[] = {{1, 2}, {3, 5}};
    barks_rdd *first = barks_parallelize(context, item, rows, 2, 2);
    expect_same(first, barks_parallelize(context, item, rows, 2, 2));
    expect_different(first, barks_parallelize(context, item, others, 2, 2), "the input");
}

START_TEST(rows_of_the_driver_are_input) { run_on(compare_rows, "1", 0); }
END_TEST

static char path[] = "/tmp/barks-fingerprint-XXXXXX";

static void write_file(const char *text, int seconds)
{
    const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void compare_files(barks_context *context)
{
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
    write_file("one\ntwo\n", 1000);
    barks_rdd *first = barks_read_text(context, path);
    expect_same(first, barks_read_text(context, path));
    write_file("one\ntwo\n", 1001);
    expect_different(first, barks_read_text(context, path), "the input"); /* its time */
    write_file("one\ntwo\n.", 1000);
    expect_different(first, barks_read_text(context, path), "the input"); /* its size */
    write_file("one\nsix\n", 1000);
    expect_same(first, barks_read_text(context, path)); /* files are known by these alone */
    unlink(path);
}

START_TEST(files_are_known_by_path_size_and_time) { run_on(compare_files, "1", 0); }
END_TEST

static void compare_under(const barks_rdd *rdd, struct fingerprint_basis other, const char *what)
{
    struct fingerprint before = fingerprint_of(rdd), after = fingerprint_under(rdd, &other);
    if (what != NULL)
        expect_other(&after, &before, what);
    else
        ck_assert(fingerprint_equal(&before, &after));
}

static void compare_basis(barks_context *context)
{
    struct factor two = {.factor = 2};
    struct fingerprint_basis program = basis, arguments = basis, values = basis, shipped = basis,
                             settings = basis, library = basis;
    program.program++;
    arguments.arguments++;
    values.values++;
    shipped.shipped++;
    settings.settings++;
    library.library++;
    const barks_rdd *none = barks_select(numbers(context), "value");
    const barks_rdd *with_env = scaled(context, 2);
    const barks_rdd *without = barks_map(numbers(context), plain, NULL);
    const barks_rdd *declared = barks_map(numbers(context), scale_declared, &two);
    compare_under(none, program, NULL); /* without functions the job's code is all the same */
    compare_under(none, arguments, NULL);
    compare_under(none, values, NULL);
    compare_under(none, library, "barks itself");
    compare_under(none, settings, "a setting");
    compare_under(without, program, "the job's program");
    compare_under(without, arguments, "the job's arguments");
    compare_under(without, values, NULL); /* it has no handle of a value */
    compare_under(without, shipped, functions_are_given);
    compare_under(with_env, values, functions_are_given);
    compare_under(declared, program, NULL);
    compare_under(declared, arguments, NULL);
    compare_under(declared, values, functions_are_given);
    compare_under(declared, library, "barks itself");
}

START_TEST(a_declared_version_stands_for_program_and_arguments) { run_on(compare_basis, "1", 0); }
END_TEST

static void compare_kept(barks_context *context)
{
    barks_rdd *first = sums_of(scaled(context, 2)), *kept = sums_of(scaled(context, 2));
    barks_set_name(kept, "sums");
    barks_set_needs(kept, .threads = 1, .memory_bytes = 1 << 20);
    barks_cache(kept);
    expect_same(first, kept);
    expect_same(barks_sort_by(first, "key"), barks_sort_by(kept, "key"));
    ck_assert_int_eq(barks_count(kept), 7); /* now partitions are kept */
    expect_same(barks_sort_by(first, "key"), barks_sort_by(kept, "key"));
}

START_TEST(names_needs_and_keeping_change_nothing) { run_on(compare_kept, "2", 0); }
END_TEST

static void look_at_unknown(barks_context *context)
{
    barks_rdd *items = scaled(context, 2);
    barks_rdd *unsure = barks_set_determinism(scaled(context, 2), BARKS_INDETERMINATE);
    ck_assert(fingerprint_of(items).is_known);
    ck_assert(!fingerprint_of(unsure).is_known);
    ck_assert(!fingerprint_of(sums_of(unsure)).is_known);
    ck_assert(!fingerprint_of(barks_union(unsure, items)).is_known);
    struct fingerprint a = fingerprint_of(unsure), b = a;
    ck_assert(!fingerprint_equal(&a, &b));
}

START_TEST(what_is_indeterminate_has_none) { run_on(look_at_unknown, "1", 0); }
END_TEST

SUITE_MAIN("rdd/fingerprint", it_follows_from_plan_functions_and_envs_alone,
           rows_of_the_driver_are_input, files_are_known_by_path_size_and_time,
           a_declared_version_stands_for_program_and_arguments,
           names_needs_and_keeping_change_nothing, what_is_indeterminate_has_none)
