#include "job.h"

BARKS_RECORD(place, (str, name) (f64, x)); /* error: BARKS_RECORD(place): comma missing between fields: (str, name) (f64, x) */
