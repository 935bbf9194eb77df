/* Rows of a partition, held and put in order. */
#include "exec/operator.h"
