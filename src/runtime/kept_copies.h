/* Second copies of kept partitions, on executors other than those that computed them. */
#pragma once

#include "runtime/context.h"

/* Copies what is to be kept twice and is kept once, by a job for each such dataset; a partition
 * that cannot be copied is not tried again until it has been computed again. That it fails is
 * logged: copies change no answer. Under the planning lock, which is given back while jobs run. */
void kept_copies_make(barks_context *context);
