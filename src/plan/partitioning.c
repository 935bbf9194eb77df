/* What is known of where the rows of a dataset lie. */
#include "plan/node.h"
