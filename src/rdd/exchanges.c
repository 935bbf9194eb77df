/* Transformations that exchange rows, or leave the exchange out. */
#include "rdd/dataset.h"
