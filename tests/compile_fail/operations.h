/* Operations that take functions as those of rdd.h do. */
#pragma once
#pragma GCC system_header

#include "barks/record.h"

void operation(const barks_function *function, const void *env);
#define flat_map(f, env) operation(BARKS_FUNCTION_OF(flat_map, f), BARKS_ENV_OF(f, env))
#define filter(f, env) operation(BARKS_FUNCTION_OF(filter, f), BARKS_ENV_OF(f, env))
