/* Files for what does not fit into memory. */
#include "batch/batch.h"
