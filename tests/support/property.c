#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

uint64_t property_seed(void)
{
    uint64_t seed = 0;
    const char *replayed = getenv("BARKS_TEST_SEED");
    if (replayed != NULL)
        seed = strtoull(replayed, NULL, 10);
    else if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        seed = (uint64_t)time(NULL);
    fprintf(stderr, "# BARKS_TEST_SEED=%" PRIu64 "\n", seed);
    return seed;
}

/* splitmix64 (Steele, Lea, Flood, OOPSLA 2014): any state is a good one, 0 too. */
uint64_t property_next(uint64_t *state)
{
    uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

int suite_run(const char *name, const TTest *const *tests, size_t test_count)
{
    Suite *suite = suite_create(name);
    for (size_t test_index = 0; test_index < test_count; test_index++) {
        TCase *test_case = tcase_create(tests[test_index]->name);
        /* The deadline of a whole program is meson's; this one names the test that hangs. */
        tcase_set_timeout(test_case, 50);
        tcase_add_test(test_case, tests[test_index]);
        suite_add_tcase(suite, test_case);
    }
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_set_fork_status(runner, getenv("BARKS_TEST_NOFORK") != NULL ? CK_NOFORK : CK_FORK);
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
