/* Which attempts are so slow, by what they have read, that a copy would be done first. */
#include "runtime/task_pace.h"
#include "support/property.h"

#include <check.h>

static const struct pace_limits limits = {.percent = 150, .least_ns = 100};

/* Attempts of 1000 bytes have taken 1000 ns each, and have read 10 rows. */
static struct task_pace usual(uint32_t count)
{
    struct task_pace pace = {0};
    for (uint32_t i = 0; i < count; i++)
        task_pace_add(&pace, &(struct pace_attempt){.weight = 1000, .amount = 10, .age_ns = 1000});
    return pace;
}

static bool wants(const struct task_pace *pace, uint64_t weight, uint64_t amount, uint64_t age_ns)
{
    return task_pace_wants_copy(
        pace, &limits,
        &(struct pace_attempt){.weight = weight, .amount = amount, .age_ns = age_ns});
}

START_TEST(an_attempt_is_slow_by_its_rate_and_by_what_is_left)
{
    struct task_pace pace = usual(5);
    ck_assert(wants(&pace, 1000, 1, 200));  /* it would take 2000 ns in all, and 1800 from now on */
    ck_assert(!wants(&pace, 1000, 1, 149)); /* it would take 1490, as others do at times */
    ck_assert(!wants(&pace, 1000, 6, 1200));   /* 800 are left: a copy would take 1000 */
    ck_assert(wants(&pace, 1000, 4, 800));     /* 1200 are left */
    ck_assert(!wants(&pace, 1000, 10, 50000)); /* all is read: how long the rest takes, who knows */
    ck_assert(!wants(&pace, 1000, 20, 50000)); /* more than was expected */
}
END_TEST

START_TEST(larger_runs_may_take_longer)
{
    struct task_pace pace = usual(5);
    ck_assert(!wants(&pace, 10000, 10, 1200));
    ck_assert(wants(&pace, 10000, 10, 1600));
}
END_TEST

START_TEST(who_has_read_nothing_is_slow_once_it_should_have_ended)
{
    struct task_pace pace = usual(5);
    ck_assert(!wants(&pace, 1000, 0, 1500));
    ck_assert(wants(&pace, 1000, 0, 1501));
}
END_TEST

START_TEST(short_attempts_are_not_slow)
{
    struct task_pace pace = usual(5);
    ck_assert(!wants(&pace, 10, 0, 99) && wants(&pace, 10, 0, 100));
}
END_TEST

START_TEST(nothing_is_slow_where_little_is_known)
{
    struct task_pace few = usual(PACE_LEAST - 1), enough = usual(PACE_LEAST), uncounted = {0};
    ck_assert(!wants(&few, 1000, 1, 100000) && wants(&enough, 1000, 1, 100000));
    ck_assert(!wants(&enough, 0, 1, 100000));
    for (int i = 0; i < 5; i++) {
        task_pace_add(&uncounted, &(struct pace_attempt){.weight = 1000, .age_ns = 1000});
        task_pace_add(&few, &(struct pace_attempt){.amount = 10, .age_ns = 1000});
    }
    ck_assert(!wants(&uncounted, 1000, 0, 100000) && !wants(&few, 1000, 1, 100000));
    struct pace_limits off = {.percent = 0};
    struct pace_attempt slow = {.weight = 1000, .amount = 1, .age_ns = 100000};
    ck_assert(!task_pace_wants_copy(&enough, &off, &slow));
}
END_TEST

/* Of attempts that took 100 times as long, some do not make that usual; the last ones count. */
START_TEST(a_few_slow_ones_move_nothing)
{
    struct task_pace pace = usual(PACE_SAMPLES / 2 + 1);
    for (int i = 0; i < PACE_SAMPLES / 2 - 1; i++)
        task_pace_add(&pace,
                      &(struct pace_attempt){.weight = 1000, .amount = 10, .age_ns = 100000});
    ck_assert(wants(&pace, 1000, 1, 200));
    for (int i = 0; i < PACE_SAMPLES; i++)
        task_pace_add(&pace,
                      &(struct pace_attempt){.weight = 1000, .amount = 10, .age_ns = 100000});
    ck_assert(!wants(&pace, 1000, 1, 200));
}
END_TEST

SUITE_MAIN("runtime/task_pace", an_attempt_is_slow_by_its_rate_and_by_what_is_left,
           larger_runs_may_take_longer, who_has_read_nothing_is_slow_once_it_should_have_ended,
           short_attempts_are_not_slow, nothing_is_slow_where_little_is_known,
           a_few_slow_ones_move_nothing)
