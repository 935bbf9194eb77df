/* Batches handed to and taken from other libraries by the Arrow C data interface. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"
