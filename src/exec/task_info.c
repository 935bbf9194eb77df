/* What bodies may ask of the task that they run in. */
#include "exec/operator.h"
