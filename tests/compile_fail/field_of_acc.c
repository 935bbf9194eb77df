#include "job.h"

BARKS_REDUCE(add_counts, word_count) { acc->sum += in->count; } /* error: no member named 'sum' & struct word_count */
