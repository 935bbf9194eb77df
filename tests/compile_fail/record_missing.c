#include "job.h"

BARKS_MAP(to_upper, line, upper_line) /* error: no_BARKS_RECORD_named_upper_line_above */
{
    out->text = in->text;
}
