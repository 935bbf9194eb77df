/* Rows as records of a fixed length. */
#include "base/buffer.h"
