/* Columns chosen, dropped and renamed. */
#include "rdd/dataset.h"
