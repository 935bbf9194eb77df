/* Values and counters that the tasks of a job share. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"
