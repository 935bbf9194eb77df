#include "base/hash.h"
#include "exec/registry.h"
#include "support/property.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each test runs in a process of its own, so each begins with the registry as constructors left it.
 */

enum { BUILT_IN = 2 }; /* functions of the library itself */

static const barks_function split = {"split_words", BARKS_KIND_FLAT_MAP, .where = "job.c:12"};
static const barks_function add = {"add_counts", BARKS_KIND_REDUCE, .where = "job.c:20"};
static const barks_function is_long = {"is_long", BARKS_KIND_FILTER, .where = "job.c:30"};
static const barks_function other_split = {"split_words", BARKS_KIND_MAP, .where = "more.c:7"};
static const barks_function copied_add = {"add_counts", BARKS_KIND_REDUCE, .where = "job.c:20"};

__attribute__((constructor)) static void register_as_macros_do(void)
{
    barks_register(&split);
    barks_register(&add);
    barks_register(&is_long);
}

/* Whether the status has the code and its text contains part; frees it. */
static bool says(barks_status *status, barks_code code, const char *part)
{
    if (status == NULL)
        return false;
    bool right =
        barks_status_code(status) == code && strstr(barks_status_text(status), part) != NULL;
    if (!right)
        fprintf(stderr, "# %s\n", barks_status_text(status));
    barks_status_free(status);
    return right;
}

START_TEST(functions_are_found_by_name_and_kind)
{
    const barks_function *function = NULL;
    ck_assert_ptr_null(registry_freeze());
    ck_assert_ptr_null(registry_freeze());
    ck_assert_uint_eq(registry_count(), 3 + BUILT_IN);
    ck_assert_str_eq(registry_at(0)->name, "add_counts");
    ck_assert_ptr_eq(registry_find("split_words", BARKS_KIND_FLAT_MAP), &split);
    ck_assert_ptr_eq(registry_find("is_long", BARKS_KIND_FILTER), &is_long);
    ck_assert_ptr_null(registry_find("split_words", BARKS_KIND_MAP));
    ck_assert_ptr_null(registry_find("", BARKS_KIND_MAP));
    ck_assert_ptr_null(registry_find("zzz", BARKS_KIND_MAP));
    ck_assert_ptr_null(registry_require("add_counts", BARKS_KIND_REDUCE, &function));
    ck_assert_ptr_eq(function, &add);
}
END_TEST

START_TEST(a_name_that_is_not_there_is_an_error_with_the_nearest)
{
    const barks_function *function = &add;
    ck_assert_ptr_null(registry_freeze());
    ck_assert(says(registry_require("split_wrods", BARKS_KIND_FLAT_MAP, &function), BARKS_INVALID,
                   "no flat_map function 'split_wrods'; the nearest is 'split_words' (flat_map, at "
                   "job.c:12)"));
    ck_assert(says(registry_require("split_words", BARKS_KIND_MAP, &function), BARKS_INVALID,
                   "no map function 'split_words'; the nearest is 'split_words' (flat_map"));
    ck_assert(says(registry_require("completely_different", BARKS_KIND_MAP, &function),
                   BARKS_INVALID, "no map function 'completely_different'"));
    ck_assert_ptr_eq(function, &add); /* untouched */
}
END_TEST

START_TEST(two_functions_of_one_name_are_an_error_with_both_places)
{
    struct registry_duplicate duplicates[2];
    barks_register(&other_split);
    ck_assert(
        says(registry_freeze(), BARKS_INVALID,
             "two functions are named 'split_words': flat_map at job.c:12 and map at more.c:7"));
    ck_assert_uint_eq(registry_duplicates(duplicates, 2), 1);
    ck_assert_ptr_eq(duplicates[0].first, &split);
    ck_assert_ptr_eq(duplicates[0].second, &other_split);
    ck_assert_uint_eq(registry_duplicates(NULL, 0), 1);
}
END_TEST

/* A header with functions, included by two units. */
START_TEST(one_function_compiled_twice_is_one)
{
    barks_register(&copied_add);
    ck_assert_ptr_null(registry_freeze());
    ck_assert_uint_eq(registry_count(), 3 + BUILT_IN);
    ck_assert_uint_eq(registry_duplicates(NULL, 0), 0);
    ck_assert_ptr_eq(registry_find("add_counts", BARKS_KIND_REDUCE), &add);
}
END_TEST

START_TEST(a_function_registered_after_the_freeze_stays_unknown)
{
    static const barks_function late = {"extremely_late", BARKS_KIND_MAP, .where = "plugin.c:1"};
    const barks_function *function = NULL;
    ck_assert_ptr_null(registry_freeze());
    barks_register(&late);
    ck_assert_uint_eq(registry_count(), 3 + BUILT_IN);
    ck_assert(says(registry_require("extremely_late", BARKS_KIND_MAP, &function), BARKS_INVALID,
                   "1 that a library registered after barks_init"));
}
END_TEST

START_TEST(thousands_of_functions_are_found)
{
    enum { COUNT = 5000 };
    static barks_function functions[COUNT];
    static char names[COUNT][16];
    for (int i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "f%d", (i * 7919) % COUNT);
        functions[i] = (barks_function){names[i], BARKS_KIND_MAP, .where = "many.c:1"};
        barks_register(&functions[i]);
    }
    ck_assert_ptr_null(registry_freeze());
    ck_assert_uint_eq(registry_count(), COUNT + 3 + BUILT_IN);
    for (int i = 0; i < COUNT; i++)
        ck_assert_ptr_eq(registry_find(names[i], BARKS_KIND_MAP), &functions[i]);
}
END_TEST

START_TEST(the_binary_hash_is_that_of_the_file)
{
    uint64_t hash = 0, again = 1;
    ck_assert_ptr_null(registry_binary_hash(&hash));
    ck_assert_ptr_null(registry_binary_hash(&again));
    ck_assert_uint_eq(hash, again);
    ck_assert_uint_ne(hash, 0);

    FILE *file = fopen("/proc/self/exe", "rb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, 0, SEEK_END), 0);
    size_t size_bytes = (size_t)ftell(file);
    rewind(file);
    char *bytes = malloc(size_bytes);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq(fread(bytes, 1, size_bytes, file), size_bytes);
    ck_assert_uint_eq(hash, hash_bytes(bytes, size_bytes));
    free(bytes);
    ck_assert_int_eq(fclose(file), 0);
}
END_TEST

SUITE_MAIN("exec/registry", functions_are_found_by_name_and_kind,
           a_name_that_is_not_there_is_an_error_with_the_nearest,
           two_functions_of_one_name_are_an_error_with_both_places,
           one_function_compiled_twice_is_one, a_function_registered_after_the_freeze_stays_unknown,
           thousands_of_functions_are_found, the_binary_hash_is_that_of_the_file)
