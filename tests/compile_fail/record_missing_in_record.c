#include "job.h"

BARKS_RECORD(place, (record(point), at)); /* error: no_BARKS_RECORD_named_point_above */
