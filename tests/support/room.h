/* Memory and a scratch directory for a test of what uses both. */
#pragma once

#include "base/pool.h"
#include "store/scratch.h"
#include "store/spill.h"
#include "support/must.h"

static struct spill_room room;

static inline void begin(uint64_t budget_bytes)
{
    must(pool_create(budget_bytes, &room.pool));
    must(scratch_create("/tmp", &room.scratch));
}

static inline void end(void)
{
    ck_assert_uint_eq(pool_used_bytes(room.pool), 0);
    scratch_destroy(room.scratch);
    pool_destroy(room.pool);
}
