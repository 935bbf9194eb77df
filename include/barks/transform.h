/* Transformations that change what rows are, and where they lie. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"
