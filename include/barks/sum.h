/* Sums of floats that do not depend on the order of the rows. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/record.h"
