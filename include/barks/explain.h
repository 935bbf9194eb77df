/* How a dataset is computed. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"
