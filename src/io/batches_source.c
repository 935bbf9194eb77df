/* Rows of batch files. */
#include "base/buffer.h"
