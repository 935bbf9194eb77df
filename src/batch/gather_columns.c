/* Some rows of some columns into some columns. */
#include "batch/batch.h"
