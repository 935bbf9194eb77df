#include "job.h"

BARKS_FILTER(is_rare, word_count) { return in->count < env->count_max; } /* error: no member named 'count_max' & barks_no_env */
