#include "barks/status.h"
#include "support/property.h"

#include <check.h>

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static barks_status *open_file(void) { BARKS_FAIL(BARKS_IO, "cannot open '%s'", "a.csv"); }

static barks_status *read_split(int split_index)
{
    BARKS_TRY_DOING(open_file(), "read split %d", split_index);
    return NULL;
}

static barks_status *run_task(void)
{
    BARKS_TRY(read_split(3));
    return NULL;
}

START_TEST(chain_keeps_code_texts_and_places)
{
    barks_status *status = run_task();
    ck_assert_ptr_nonnull(status);
    ck_assert_int_eq(barks_status_code(status), BARKS_IO);
    ck_assert_str_eq(barks_status_text(status), "read split 3");
    ck_assert_ptr_nonnull(strstr(barks_status_where(status), "test_status.c:"));
    const barks_status *cause = barks_status_cause(status);
    ck_assert_str_eq(barks_status_text(cause), "cannot open 'a.csv'");
    ck_assert_ptr_null(barks_status_cause(cause));
    char text[100];
    size_t length = barks_status_format(status, text, sizeof text);
    ck_assert_str_eq(text, "read split 3: cannot open 'a.csv'");
    ck_assert_uint_eq(length, strlen(text));
    barks_status_free(status);
}
END_TEST

START_TEST(place_is_told_from_the_root_of_the_sources)
{
    barks_status *status = open_file();
    ck_assert_int_eq(strncmp(barks_status_where(status), "tests/base/test_status.c:", 25), 0);
    barks_status_free(status);
}
END_TEST

START_TEST(format_cuts_at_every_size_and_says_the_whole_length)
{
    barks_status *status = run_task();
    const char *whole = "read split 3: cannot open 'a.csv'";
    size_t whole_length = strlen(whole);
    ck_assert_uint_eq(barks_status_format(status, NULL, 0), whole_length);
    for (size_t out_bytes = 1; out_bytes < whole_length + 3; out_bytes++) {
        char out[100];
        memset(out, '#', sizeof out);
        ck_assert_uint_eq(barks_status_format(status, out, out_bytes), whole_length);
        size_t kept = out_bytes - 1 < whole_length ? out_bytes - 1 : whole_length;
        ck_assert_uint_eq(strlen(out), kept);
        ck_assert_int_eq(memcmp(out, whole, kept), 0);
        ck_assert_int_eq(out[out_bytes < whole_length + 1 ? out_bytes : whole_length + 1], '#');
    }
    barks_status_free(status);
}
END_TEST

START_TEST(success_is_null_everywhere)
{
    char text[20];
    ck_assert_uint_eq(barks_status_format(NULL, text, sizeof text), 7);
    ck_assert_str_eq(text, "success");
    barks_status_free(NULL);
}
END_TEST

START_TEST(every_code_has_a_name_of_its_own)
{
    for (int code = BARKS_INVALID; code <= BARKS_OUT_OF_TIME; code++) {
        ck_assert_str_ne(barks_code_name((barks_code)code), "unknown");
        for (int other = BARKS_INVALID; other < code; other++)
            ck_assert_str_ne(barks_code_name((barks_code)code), barks_code_name((barks_code)other));
    }
    ck_assert_str_eq(barks_code_name((barks_code)0), "unknown");
    ck_assert_str_eq(barks_code_name((barks_code)(BARKS_OUT_OF_TIME + 1)), "unknown");
}
END_TEST

START_TEST(chain_of_a_million_is_freed_without_recursion)
{
    barks_status *status = NULL;
    for (int depth = 0; depth < 1000000; depth++)
        status = barks_status_new(BARKS_LIMIT, status, BARKS_HERE, "%d", depth);
    barks_status_free(status);
}
END_TEST

/* AddressSanitizer ends the process where malloc would return NULL. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MALLOC_NEVER_FAILS 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MALLOC_NEVER_FAILS 1
#endif

START_TEST(text_without_memory_leaves_the_cause_or_a_static_status)
{
#ifndef MALLOC_NEVER_FAILS
    enum { TEXT_BYTES = 16 << 20 };
    char *text = malloc(TEXT_BYTES);
    ck_assert_ptr_nonnull(text);
    memset(text, 'x', TEXT_BYTES - 1);
    text[TEXT_BYTES - 1] = '\0';
    struct rlimit nothing_more = {.rlim_cur = 1, .rlim_max = RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &nothing_more), 0);
    barks_status *cause = open_file();
    barks_status *with_cause = barks_status_new(BARKS_LIMIT, cause, BARKS_HERE, "%s", text);
    barks_status *without = barks_status_new(BARKS_LIMIT, NULL, BARKS_HERE, "%s", text);
    nothing_more.rlim_cur = RLIM_INFINITY;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &nothing_more), 0);
    ck_assert_ptr_eq(with_cause, cause);
    ck_assert_int_eq(barks_status_code(without), BARKS_NO_MEMORY);
    ck_assert_ptr_null(barks_status_cause(without));
    barks_status_free(with_cause);
    barks_status_free(without); /* static: must not reach free() */
    barks_status_free(without);
    free(text);
#endif
}
END_TEST

SUITE_MAIN("base/status", chain_keeps_code_texts_and_places,
           place_is_told_from_the_root_of_the_sources,
           format_cuts_at_every_size_and_says_the_whole_length, success_is_null_everywhere,
           every_code_has_a_name_of_its_own, chain_of_a_million_is_freed_without_recursion,
           text_without_memory_leaves_the_cause_or_a_static_status)
