/* Values and counters that tasks share. */
#include "rdd/dataset.h"
