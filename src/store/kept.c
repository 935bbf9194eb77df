/* Partitions that executors keep between actions. */
#include "batch/batch.h"
