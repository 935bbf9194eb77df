/* Datasets into files of many formats. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"
