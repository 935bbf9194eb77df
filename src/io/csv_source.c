/* Rows of CSV files. */
#include "base/buffer.h"
