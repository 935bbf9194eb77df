/* The pools that --barks-pools names: "reports:fair,weight=3,min=4 batch". */
#pragma once

#include "barks/status.h"
#include "scheduler/scheduler.h"

#include <stdbool.h>
#include <stdint.h>

struct config;

enum { POOL_NAME_BYTES = 64 }; /* the final zero byte included */
#define POOL_DEFAULT "default"

/* By name, the pool POOL_DEFAULT always among them. Begins with pool_settings_read, or as {0}; ends
 * with pool_settings_drop. Threads: unchanged once read. */
struct pool_settings {
    char (*names)[POOL_NAME_BYTES]; /* owned */
    struct pool_spec *specs;        /* owned */
    uint32_t count;
};

/* Errors: BARKS_INVALID (the text says where, what and what would be right), BARKS_LIMIT,
 * BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *pool_settings_read(const struct config *config,
                                               struct pool_settings *out_settings);
void pool_settings_drop(struct pool_settings *settings);

/* NULL is POOL_DEFAULT. Errors: BARKS_INVALID; the text lists the pools. */
BARKS_CHECKED barks_status *pool_settings_find(const struct pool_settings *settings,
                                               const char *name, uint32_t *out_index);
