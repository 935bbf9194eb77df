#include "job.h"

void helper(void);
void helper(void)
{
    fail("no"); /* error: undeclared & fail_works_in_bodies_of_functions */
}
