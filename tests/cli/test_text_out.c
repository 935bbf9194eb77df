#include "cli/text_out.h"
#include "support/property.h"

#include <check.h>

#include <stdlib.h>
#include <string.h>

static char *written; /* by the last call of a case */
static size_t written_bytes;

static FILE *begin(void)
{
    free(written);
    written = NULL;
    FILE *out = open_memstream(&written, &written_bytes);
    ck_assert_ptr_nonnull(out);
    return out;
}

static void check_is(FILE *out, const char *expected)
{
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_str_eq(written, expected);
}

START_TEST(html_keeps_text_a_text)
{
    FILE *out = begin();
    html_write(out, "<script>alert(\"a\" & 'b')</script>");
    check_is(out, "&lt;script&gt;alert(&quot;a&quot; &amp; &#39;b&#39;)&lt;/script&gt;");
    out = begin();
    html_write(out, "gr\xc3\xbc\xc3\x9f \xff\x01\x7f\nx");
    check_is(out, "gr\xc3\xbc\xc3\x9f \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd x");
    out = begin();
    html_write(out, NULL);
    check_is(out, "");
}
END_TEST

START_TEST(json_is_quoted_and_null_is_null)
{
    FILE *out = begin();
    json_write(out, "a\"b\\c\td\x02\xc3");
    check_is(out, "\"a\\\"b\\\\c d\xef\xbf\xbd\xef\xbf\xbd\"");
    out = begin();
    json_write(out, NULL);
    check_is(out, "null");
}
END_TEST

START_TEST(terminals_get_no_control_characters_and_no_half_letters)
{
    FILE *out = begin();
    plain_write(out,
                "a\x1b[31m\xc2\x9b"
                "b\xc3\xbc",
                100);
    check_is(out, "a?[31m?b\xc3\xbc");
    out = begin();
    plain_write(out, "ab\xc3\xbc", 3);
    check_is(out, "ab");
}
END_TEST

START_TEST(counts_have_a_gap_each_three_digits)
{
    ck_assert_str_eq(count_with_gaps(0).text, "0");
    ck_assert_str_eq(count_with_gaps(999).text, "999");
    ck_assert_str_eq(count_with_gaps(1000).text, "1 000");
    ck_assert_str_eq(count_with_gaps(UINT64_MAX).text, "18 446 744 073 709 551 615");
}
END_TEST

SUITE_MAIN("cli/text_out", html_keeps_text_a_text, json_is_quoted_and_null_is_null,
           terminals_get_no_control_characters_and_no_half_letters,
           counts_have_a_gap_each_three_digits)
