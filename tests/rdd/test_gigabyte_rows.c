/* The largest row that is exchanged, and the next one: in the suite slow, as it takes gigabytes. */
#include "rdd/shapes.h"
#include "support/property.h"

#include <stdlib.h>
#include <string.h>

BARKS_RECORD(wished, (i64, key), (i64, length));
BARKS_RECORD(filled, (i64, key), (str, text));

BARKS_MAP(fill, wished, filled)
{
    size_t n = (size_t)in->length;
    char *bytes = malloc(n + 1);
    if (bytes == NULL)
        fail("no memory for %zu bytes", n);
    memset(bytes, 'a' + (int)in->key, n);
    out->key = in->key;
    out->text = barks_str_make(out, bytes, n);
    free(bytes);
}

/* A length of -1: it has other bytes. */
BARKS_MAP(measure, filled, wished)
{
    const char *bytes = barks_str_bytes(&in->text);
    size_t n = in->text.length;
    bool right = n == 0 || (bytes[0] == 'a' + in->key && memcmp(bytes, bytes + 1, n - 1) == 0);
    out->key = in->key;
    out->length = right ? (int64_t)n : -1;
}

/* The two rows of a partition go to two partitions, so that one of them goes to another executor.
 */
static barks_rdd *exchanged(barks_context *context, int64_t length)
{
    struct wished rows[] = {{0, length}, {1, length}};
    barks_rdd *rdd = barks_parallelize(context, wished, rows, 2, 1);
    return barks_map(barks_repartition(barks_map(rdd, fill, NULL), 2), measure, NULL);
}

static void check_a_row_of_a_gigabyte(barks_context *context)
{
    int64_t n = 0;
    struct wished *rows = barks_collect(exchanged(context, 1 << 30), wished, &n);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(n, 2);
    for (int64_t i = 0; i < n; i++) {
        ck_assert_int_eq(rows[i].key, i);
        ck_assert_int_eq(rows[i].length, 1 << 30);
    }
}
START_TEST(a_row_of_a_gigabyte) { run_within("8g", check_a_row_of_a_gigabyte, "2", 0); }
END_TEST

static void check_a_row_above_a_gigabyte(barks_context *context)
{
    char text[2000];
    ck_assert_int_eq(barks_count(exchanged(context, (1 << 30) + 1)), -1);
    barks_status *error = barks_take_error(context);
    ck_assert_ptr_nonnull(error);
    ck_assert_int_eq(barks_status_code(error), BARKS_LIMIT);
    (void)barks_status_format(error, text, sizeof text);
    barks_status_free(error);
    ck_assert_msg(strstr(text, "have 1073741825 bytes, and those of a row that is exchanged may "
                               "have 1073741824: cut it into several") != NULL,
                  "%s", text);
}
START_TEST(a_row_above_a_gigabyte_names_the_limit)
{
    run_within("8g", check_a_row_above_a_gigabyte, "2", 0);
}
END_TEST

SUITE_MAIN("rdd/gigabyte_rows", a_row_of_a_gigabyte, a_row_above_a_gigabyte_names_the_limit)
