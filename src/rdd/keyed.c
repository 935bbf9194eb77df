/* Transformations of values, by key. */
#include "rdd/dataset.h"
