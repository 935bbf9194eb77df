#include "job.h"

BARKS_RECORD(place, (string, name), (f64, x)); /* error: no_such_field_type_as_string */
