/* Pairs of row numbers become rows. */
#include "exec/operator.h"
