/* HyperLogLog sketches. */
#include "exec/operator.h"
