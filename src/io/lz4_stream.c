/* Streams of lz4. */
#include "base/buffer.h"
