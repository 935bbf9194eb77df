/* Actions beside those of rdd.h, what brings an answer to the driver; and keeping datasets between
 * actions.
 *
 * What holds for every call here, where nothing else is said:
 *
 * Ownership: arrays that are returned are the context's, until barks_finalize or barks_release.
 * Errors:    false, -1 or NULL, after one sentence; those of the job.
 * Threads:   the one that called barks_init. */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/rdd.h"

/* ---- keeping datasets ---- */

typedef enum barks_level {
    BARKS_MEMORY = 1,      /* what does not fit is computed again when it is wanted */
    BARKS_MEMORY_AND_DISK, /* what does not fit is written to --barks-scratch */
    BARKS_DISK,
} barks_level;

typedef struct barks_persist_options {
    char first_;       /* for the macros: so that options can be left out */
    barks_level level; /* 0: BARKS_MEMORY */
    bool encoded;      /* in memory as bytes, not as batches: smaller, slower to read */
    bool compressed;   /* by LZ4, in memory and on disk; implies encoded */
} barks_persist_options;

/**
 * Keeps the dataset's partitions on the executors that compute them, from the next action on:
 * barks_persist(links, .level = BARKS_MEMORY_AND_DISK, .compressed = true). Later actions read them
 * there, and what lies below, exchanges too, is not computed again. Returns rdd; datasets made of
 * it before read it likewise.
 *
 * Partitions that an action does not need, or leaves early, are not kept by it. All kept datasets
 * together take --barks-kept-bytes-max of an executor's memory (half of it); then the partitions
 * read least recently give way, never those of a dataset that is just computed or read. What is
 * gone is computed again. So caching changes times only, never an answer. A dataset that is kept
 * already stays as it is.
 *
 * Options: .level, .encoded, .compressed.
 */
#define barks_persist(...) BARKS_PERSIST_(__VA_ARGS__, )
#define BARKS_PERSIST_(rdd, ...)                                                                   \
    barks_persist_at((rdd), &(barks_persist_options){0, __VA_ARGS__}, BARKS_HERE)
/* barks_persist(rdd): in memory. */
#define barks_cache(rdd) barks_persist_at((rdd), &(barks_persist_options){0}, BARKS_HERE)
BARKS_API barks_rdd *barks_persist_at(barks_rdd *rdd, const barks_persist_options *options,
                                      const char *where);

/* Frees what is kept of the dataset, now. Returns rdd. One that is not kept stays as it is. */
#define barks_unpersist(rdd) barks_unpersist_at((rdd), BARKS_HERE)
BARKS_API barks_rdd *barks_unpersist_at(barks_rdd *rdd, const char *where);

typedef struct barks_storage {
    barks_level level;                            /* 0: not to be kept */
    uint32_t partition_count, kept_count;         /* of the dataset, and those that are kept now */
    uint64_t row_count, memory_bytes, disk_bytes; /* of the kept ones */
} barks_storage;

/* What is kept of the dataset now. False on an error of the dataset. */
#define barks_storage_info(rdd, out) barks_storage_info_at((rdd), (out), BARKS_HERE)
BARKS_API bool barks_storage_info_at(barks_rdd *rdd, barks_storage *out, const char *where);
