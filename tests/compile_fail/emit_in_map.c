#include "job.h"

BARKS_MAP(count_line, line, word_count) { emit(.count = 1); } /* error: undeclared & emit_works_in_FLAT_MAP_and_MAP_BATCHES */
