#include "rdd/cases.h"

SHAPES(rows_go_round)
{
    uint64_t seed = property_seed();
    struct cases cases = cases_make(&seed);
    ck_assert_int_eq(barks_count(cases_dataset(context, &cases)), cases.count);
    cases_drop(&cases);
}

SUITE_MAIN("rdd/shared", ON_SHAPES(rows_go_round))
