/* Numbers about a column. */
#include "rdd/dataset.h"
