#include "job.h"

BARKS_RECORD(place (str, name)); /* error: BARKS_RECORD: comma missing after the name, or no field: (place (str, name)) */
