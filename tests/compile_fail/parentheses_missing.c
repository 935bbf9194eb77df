#include "job.h"

BARKS_RECORD(place, str name, f64 x); /* error: BARKS_RECORD(place): a field is (type, name), this is not: str name */
