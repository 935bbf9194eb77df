#include "work/work_clean.h"

#include "base/pack.h"
#include "base/scope.h"
#include "exec/stored_source.h"
#include "io/directory.h"
#include "plan/fingerprint.h"
#include "work/stage_manifest.h"
#include "work/work_directory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct found_stage {
    char *path; /* owned */
    uint64_t bytes;
    time_t used; /* when its manifest, or whatever is newest in it, was written or touched */
};

struct found_stages {
    struct found_stage *all; /* owned */
    size_t count, capacity;
};

static void found_stages_drop(struct found_stages *found)
{
    for (size_t i = 0; i < found->count; i++)
        free(found->all[i].path);
    free(found->all);
    *found = (struct found_stages){0};
}

BARKS_CHECKED static barks_status *fail_no_memory(const char *path)
{
    BARKS_FAIL(BARKS_NO_MEMORY, "no memory to clean '%s'", path);
}

static bool is_stage_name(const char *name)
{
    return strlen(name) + 1 == FINGERPRINT_NAME_BYTES &&
           strspn(name, "0123456789abcdef") + 1 == FINGERPRINT_NAME_BYTES;
}

static void look_at(const char *path, struct found_stage *stage)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return; /* another is cleaning as well */
    stage->bytes += S_ISREG(info.st_mode) ? (uint64_t)info.st_size : 0;
    stage->used = info.st_mtime > stage->used ? info.st_mtime : stage->used;
}

BARKS_CHECKED static barks_status *measure(struct found_stage *stage)
{
    BARKS_AUTO(directory_reader) reader = {0};
    const char *name = NULL;
    enum path_kind kind = PATH_UNKNOWN;
    look_at(stage->path, stage);
    BARKS_TRY(directory_open(&reader, stage->path));
    for (;;) {
        char *path = NULL;
        BARKS_TRY(directory_next(&reader, &name, &kind));
        if (name == NULL)
            return NULL;
        if (asprintf(&path, "%s/%s", stage->path, name) < 0)
            return fail_no_memory(stage->path);
        look_at(path, stage);
        free(path);
    }
}

BARKS_CHECKED static barks_status *add_stage(struct found_stages *found, const char *directory,
                                             const char *name)
{
    if (found->count == found->capacity) {
        size_t capacity = 2 * found->capacity + 64;
        struct found_stage *all = realloc(found->all, capacity * sizeof *all);
        if (all == NULL)
            return fail_no_memory(directory);
        found->all = all;
        found->capacity = capacity;
    }
    struct found_stage *stage = &found->all[found->count];
    *stage = (struct found_stage){0};
    if (asprintf(&stage->path, "%s/%s", directory, name) < 0)
        return fail_no_memory(directory);
    found->count++;
    return measure(stage);
}

BARKS_CHECKED static barks_status *find_stages(const char *path, struct found_stages *found)
{
    BARKS_AUTO(directory_reader) reader = {0};
    const char *name = NULL;
    enum path_kind kind = PATH_UNKNOWN;
    BARKS_TRY(directory_open(&reader, path));
    for (;;) {
        BARKS_TRY(directory_next(&reader, &name, &kind));
        if (name == NULL)
            return NULL;
        if (is_stage_name(name))
            BARKS_TRY(add_stage(found, path, name));
    }
}

static int longest_unused_first(const void *left, const void *right)
{
    const struct found_stage *a = left, *b = right;
    return (a->used > b->used) - (a->used < b->used);
}

/* The name in its manifest, to be freed; NULL where none can be read. */
static char *read_job(const struct found_stage *stage)
{
    char *path = NULL, *job = NULL;
    uint8_t *bytes = NULL;
    size_t size_bytes = 0;
    if (asprintf(&path, "%s/" STORED_MANIFEST_NAME, stage->path) < 0)
        return NULL;
    barks_status *status = work_read_file(path, STAGE_MANIFEST_KIND, &bytes, &size_bytes);
    free(path);
    if (status == NULL && bytes != NULL) {
        BARKS_AUTO(unpacker) in;
        unpacker_init(&in, bytes, size_bytes);
        job = unpack_text(&in);
    }
    barks_status_free(status); /* it is removed all the same */
    free(bytes);
    return job;
}

static void tell(const struct clean_options *options, const struct found_stage *stage,
                 uint64_t age_seconds)
{
    char *job = read_job(stage);
    struct clean_stage told = {
        .path = stage->path, .job = job, .bytes = stage->bytes, .age_seconds = age_seconds};
    options->each(options->context, &told);
    free(job);
}

/* Its manifest first, so that a stage that is half gone is none. */
BARKS_CHECKED static barks_status *remove_stage(const struct found_stage *stage)
{
    char *manifest = NULL;
    if (asprintf(&manifest, "%s/" STORED_MANIFEST_NAME, stage->path) < 0)
        return fail_no_memory(stage->path);
    (void)remove(manifest); /* what stays is told by the next line */
    free(manifest);
    return directory_remove(stage->path);
}

barks_status *work_clean(const char *path, const struct clean_options *options,
                         struct clean_result *out_result)
{
    struct clean_result result = {0};
    struct found_stages found __attribute__((cleanup(found_stages_drop))) = {0};
    BARKS_TRY(work_check(path));
    BARKS_TRY(find_stages(path, &found));
    if (found.count > 1)
        qsort(found.all, found.count, sizeof *found.all, longest_unused_first);
    time_t now = time(NULL);
    for (size_t i = 0; i < found.count; i++)
        result.bytes_left += found.all[i].bytes;
    result.stages_left = found.count;
    for (size_t i = 0; i < found.count; i++) {
        const struct found_stage *stage = &found.all[i];
        uint64_t age_seconds = now > stage->used ? (uint64_t)(now - stage->used) : 0;
        if (age_seconds < options->age_seconds && result.bytes_left <= options->bytes_max &&
            result.stages_left <= options->stages_max)
            break;
        if (options->each != NULL)
            tell(options, stage, age_seconds);
        if (!options->is_dry)
            BARKS_TRY(remove_stage(stage));
        result.stages_removed++;
        result.bytes_removed += stage->bytes;
        result.stages_left--;
        result.bytes_left -= stage->bytes;
    }
    *out_result = result;
    return NULL;
}
