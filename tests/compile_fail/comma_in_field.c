#include "job.h"

BARKS_RECORD(place, (str name), (f64, x)); /* error: BARKS_RECORD(place): comma missing in a field (type, name): (str name) */
