/* Datasets joined by keys. */
#include "rdd/dataset.h"
