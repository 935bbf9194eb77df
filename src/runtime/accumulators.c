/* Values that tasks add to, summed at the driver. */
#include "runtime/context.h"
