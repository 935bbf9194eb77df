/* Values that bodies add to while tasks run. */
#include "exec/operator.h"
