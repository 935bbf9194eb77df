/* How files of a format are read. */
#include "base/buffer.h"
