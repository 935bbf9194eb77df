/* Rows of equal keys together. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"
