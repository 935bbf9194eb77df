/* Rows by their keys. */
#include "exec/operator.h"
