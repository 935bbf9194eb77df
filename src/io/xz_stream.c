/* Streams of xz. */
#include "base/buffer.h"
