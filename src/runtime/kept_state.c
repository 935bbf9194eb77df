/* What executors keep, as the driver knows it. */
#include "runtime/context.h"
