#include "job.h"

BARKS_FILTER(is_long, line) { return in->txet.length > 80; } /* error: no member named 'txet' & struct line */
