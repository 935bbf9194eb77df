/* What state a split of a CSV file ends in, for each state that it may begin in. */
#include "exec/operator.h"
