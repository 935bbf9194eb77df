/* Actions beside those of rdd.h: what brings an answer to the driver. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"
