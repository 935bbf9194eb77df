/* What the exchanges of both sides of a join do for each other. */
#pragma once

#include "rdd/dataset.h"

/* given: the sides as the caller has them; sides: as the join reads them. Where both are exchanged
 * for this join alone, says whether rows of hot keys may be spread (shuffle/hot_keys.h), whether
 * rows are left out whose keys the other side lacks (shuffle/key_filter.h), and which side is
 * mapped first. has_partitions: the number of partitions was asked for, so that somebody may count
 * on what is in each. */
void join_exchanges_arrange(barks_rdd *const *given, barks_rdd *const *sides, enum join_kind kind,
                            bool has_partitions);
