/* Datasets side by side, and rows numbered. */
#include "rdd/dataset.h"
