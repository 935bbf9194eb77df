#include "job.h"

BARKS_RECORD(place, (list(optional), name)); /* error: no_such_type_of_list_items_as_optional */
