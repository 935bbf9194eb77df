#include "base/name_counts.h"
#include "support/property.h"

#include <check.h>

#include <stdlib.h>
#include <string.h>

static void refuse(const char *text, const char *words)
{
    struct name_counts counts = {.count = 3};
    barks_status *status = name_counts_read(text, "here", &counts);
    ck_assert_int_eq(barks_status_code(status), BARKS_INVALID);
    ck_assert_msg(strstr(barks_status_text(status), words) != NULL, "'%s' lacks '%s'",
                  barks_status_text(status), words);
    ck_assert_uint_eq(counts.count, 3);
    barks_status_free(status);
}

START_TEST(entries_are_read_whatever_lies_between)
{
    struct name_counts counts = {.count = 1};
    ck_assert_ptr_null(name_counts_read(" gpu:2,licence-a:64;\tx_1:0 ", "here", &counts));
    ck_assert_uint_eq(counts.count, 3);
    ck_assert_uint_eq(counts.items[name_counts_find(&counts, "gpu")].count, 2);
    ck_assert_uint_eq(counts.items[name_counts_find(&counts, "licence-a")].count, 64);
    ck_assert_uint_eq(name_counts_find(&counts, "x_1"), 2);
    ck_assert_uint_eq(name_counts_find(&counts, "y"), 3);
    ck_assert_ptr_null(name_counts_read("", "here", &counts));
    ck_assert_uint_eq(counts.count, 0);
}
END_TEST

START_TEST(other_forms_are_refused)
{
    refuse("gpu", "here: 'gpu' has no such count");
    refuse("gpu:", "'gpu:' has no such count");
    refuse("gpu:65", "has no such count");
    refuse("gpu:-1", "has no such count");
    refuse(":1", "has no such name");
    refuse("g.u:1", "has no such name");
    refuse("a:1 b:1 a:2", "'a:2' is there twice");
}
END_TEST

START_TEST(the_greater_count_of_each_name_is_merged)
{
    struct name_counts sum, more;
    ck_assert_ptr_null(name_counts_read("a:1 b:5", "here", &sum));
    ck_assert_ptr_null(name_counts_read("c:3 b:4 a:2", "here", &more));
    ck_assert_ptr_null(name_counts_merge(&sum, &more));
    ck_assert_uint_eq(sum.count, 3);
    ck_assert_uint_eq(sum.items[0].count, 2);
    ck_assert_uint_eq(sum.items[1].count, 5);
    ck_assert_uint_eq(sum.items[2].count, 3);
    ck_assert_ptr_null(name_counts_read("d:1 e:1 f:1 g:1 h:1 i:1", "here", &more));
    barks_status *status = name_counts_merge(&sum, &more);
    ck_assert_int_eq(barks_status_code(status), BARKS_LIMIT);
    barks_status_free(status);
}
END_TEST

SUITE_MAIN("base/name_counts", entries_are_read_whatever_lies_between, other_forms_are_refused,
           the_greater_count_of_each_name_is_merged)
