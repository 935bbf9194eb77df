/* Actions that run while the job goes on. */
#include "rdd/dataset.h"
