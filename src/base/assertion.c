#include "base/assertion.h"

#include <stdio.h>
#include <stdlib.h>

void assertion_failed(const char *condition, const char *file, int line, const char *function)
{
    fprintf(stderr, "barks: internal error: %s does not hold in %s (%s:%d)\n", condition, function,
            file, line);
    abort();
}
