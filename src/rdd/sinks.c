/* Datasets into files. */
#include "rdd/dataset.h"
