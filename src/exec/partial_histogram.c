/* Counts of values between bounds. */
#include "exec/operator.h"
