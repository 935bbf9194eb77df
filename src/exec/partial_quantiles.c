/* Approximate quantiles. */
#include "exec/operator.h"
