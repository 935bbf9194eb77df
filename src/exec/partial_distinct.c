/* Approximate numbers of distinct values. */
#include "exec/operator.h"
