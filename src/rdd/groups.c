/* Datasets grouped by keys. */
#include "rdd/dataset.h"
