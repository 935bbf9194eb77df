/* All of barks. */
#pragma once

#include "barks/arrow.h"
#include "barks/context.h"
#include "barks/custom.h"
#include "barks/listener.h"
#include "barks/needs.h"
#include "barks/rdd.h"
#include "barks/record.h"
#include "barks/repeat.h"
#include "barks/resource.h"
#include "barks/schedule.h"
#include "barks/status.h"
#include "barks/str.h"
#include "barks/together.h"
#include "barks/words.h"
