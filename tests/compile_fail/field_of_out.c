#include "job.h"

BARKS_MAP(count_line, line, word_count) { out->cuont = in->text.length; } /* error: no member named 'cuont' & struct word_count */
