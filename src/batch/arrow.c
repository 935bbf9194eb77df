/* Batches to and from the Arrow C data interface. */
#include "batch/batch.h"
