/* Whole files. */
#include "base/buffer.h"
