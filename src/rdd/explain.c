/* How a dataset is computed, as text. */
#include "rdd/dataset.h"
