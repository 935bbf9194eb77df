/* Count, mean, variance, least and greatest. */
#include "exec/operator.h"
