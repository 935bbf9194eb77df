/* Some rows of a dataset. */
#include "rdd/dataset.h"
