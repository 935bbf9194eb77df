/* Transformations by key: joins, sets, samples, rows side by side. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"
