/* Sums, counts and the like of columns: the accumulators of a built-in function. */
#include "exec/operator.h"
