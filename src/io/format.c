/* File formats by name. */
#include "base/buffer.h"
