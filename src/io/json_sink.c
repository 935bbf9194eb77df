/* Rows as JSON lines. */
#include "base/buffer.h"
