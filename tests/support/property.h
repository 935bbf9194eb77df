/* Random tests that replay, and the main of a test program. */
#pragma once

#include <check.h>

#include <stddef.h>
#include <stdint.h>

/* check notes the place of every assertion that holds, for the message of a crash, by a write to a
 * file: a test that looks at a million rows would do little else. So a place is noted once for each
 * thread. */
static inline void property_mark(const char *file, int line)
{
    enum { LINES = 8192 }; /* as bits: the stacks of threads hold them too */
    static _Thread_local uint64_t noted[LINES / 64];
    uint64_t *word = &noted[line % LINES / 64], bit = UINT64_C(1) << line % 64;
    if ((*word & bit) == 0)
        (_mark_point)(file, line);
    *word |= bit;
}
#define _mark_point(file, line) property_mark(file, line)

/* A new seed, printed before it is returned so that a crash can be replayed too; with
 * BARKS_TEST_SEED=n in the environment it is n. */
uint64_t property_seed(void);

/* The next number of the stream that began with state = property_seed(). */
uint64_t property_next(uint64_t *state);

/* Runs the tests, each in a process of its own unless BARKS_TEST_NOFORK is set (for debuggers),
 * prints TAP, and returns the exit status for main: 0 when all passed. */
int suite_run(const char *name, const TTest *const *tests, size_t test_count);

/* SUITE_MAIN("layer/module", test_one, test_two): the main of a test program; any number of tests.
 */
#define SUITE_MAIN(name, ...)                                                                      \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        return suite_run((name), tests, sizeof tests / sizeof tests[0]);                           \
    }
