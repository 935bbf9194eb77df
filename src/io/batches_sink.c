/* Rows as encoded batches. */
#include "base/buffer.h"
