/* Datasets from files of many formats, and from numbers. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"
