/* Values that are sent to every executor once. */
#include "runtime/context.h"
