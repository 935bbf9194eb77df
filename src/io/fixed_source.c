/* Records of a fixed length. */
#include "base/buffer.h"
