/* Sums of floats that do not depend on the order. */
#include "base/buffer.h"
