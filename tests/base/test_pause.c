#include "base/pause.h"
#include "support/property.h"

#include <check.h>

START_TEST(what_was_due_in_a_pause_is_due_later)
{
    struct pause_watch watch = {0};
    uint64_t now_ns = 50 * NS_PER_S, seen_ns = now_ns - 1;
    pause_watch_look(&watch, now_ns); /* before, nobody looked */
    ck_assert_uint_eq(pause_watch_since(&watch, seen_ns), seen_ns);
    pause_watch_look(&watch, now_ns += PAUSE_NS_MIN);
    ck_assert_uint_eq(pause_watch_since(&watch, seen_ns), seen_ns);
    pause_watch_look(&watch, now_ns += PAUSE_NS_MIN + 1);
    ck_assert_uint_eq(pause_watch_since(&watch, seen_ns), now_ns);
    ck_assert_uint_eq(pause_watch_since(&watch, now_ns + 1), now_ns + 1);
    uint64_t woke_ns = now_ns;
    pause_watch_look(&watch, now_ns += NS_PER_MS);
    ck_assert_uint_eq(pause_watch_since(&watch, seen_ns), woke_ns);
}
END_TEST

SUITE_MAIN("base/pause", what_was_due_in_a_pause_is_due_later)
