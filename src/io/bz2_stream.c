/* Streams of bzip2. */
#include "base/buffer.h"
