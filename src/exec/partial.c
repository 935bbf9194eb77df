/* Answers of which each partition gives a small part. */
#include "exec/operator.h"
