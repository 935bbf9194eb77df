/* Rows of JSON lines. */
#include "base/buffer.h"
