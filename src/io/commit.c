#include "io/commit.h"

#include "base/fault.h"
#include "base/scope.h"
#include "io/append.h"
#include "io/directory.h"
#include "io/manifest.h"
#include "io/output_target.h"
#include "io/owner.h"
#include "io/publish.h"
#include "io/system_error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
    ABORT_TRIES = 20,
    ABORT_NAP_NS = 10 * 1000 * 1000,
};

char *commit_part_path(const char *directory, uint32_t index, const char *suffix)
{
    char *path = NULL;
    return asprintf(&path, "%s/part-%05" PRIu32 "%s", directory, index, suffix) < 0 ? NULL : path;
}

char *commit_attempt_path(const struct commit *commit, uint32_t index,
                          const struct part_attempt *attempt)
{
    char *path = NULL;
    int length =
        asprintf(&path, "%s/.part-%05" PRIu32 "%s.%" PRIu64 "-%" PRIu32 "-%" PRIu32, commit->hidden,
                 index, commit->suffix, attempt->job, attempt->attempt, attempt->executor);
    return length < 0 ? NULL : path; /* asprintf leaves it undefined */
}

BARKS_CHECKED static barks_status *fail_no_memory(const char *output)
{
    BARKS_FAIL(BARKS_NO_MEMORY, "no memory to write the output '%s'", output);
}

BARKS_CHECKED static barks_status *make_hidden(const struct output_target *target,
                                               const struct commit *commit)
{
    char *prefix = NULL;
    if (asprintf(&prefix, ".%s.barks-", target->name) < 0)
        return fail_no_memory(commit->output);
    owner_remove_leftovers(target->parent, prefix);
    free(prefix);
    if (mkdir(commit->hidden, 0777) != 0) {
        int error = errno;
        BARKS_FAIL(system_code(error),
                   "cannot write in the directory '%s' of the output '%s': %s%s", target->parent,
                   commit->output, system_text(error), system_remedy(error));
    }
    barks_status *status = owner_write(commit->hidden);
    if (status != NULL)
        barks_status_free(
            owner_remove_directory(commit->hidden)); /* the first error is the one to tell */
    return status;
}

barks_status *commit_begin(const struct commit_options *options, struct commit *out_commit)
{
    BARKS_AUTO(output_target) target = {0};
    BARKS_AUTO(commit) commit = {.overwrite = options->overwrite || options->append,
                                 .append = options->append,
                                 .sync = options->sync};
    if (options->job_id[0] == '\0' || strchr(options->job_id, '/') != NULL)
        BARKS_FAIL(BARKS_INVALID, "the job id '%s' cannot be part of a file name", options->job_id);
    BARKS_TRY(output_target_find(options->output, &target));
    const char *slash = strcmp(target.parent, "/") == 0 ? "" : "/";
    commit.suffix = strdup(options->suffix);
    if (asprintf(&commit.output, "%s%s%s", target.parent, slash, target.name) < 0)
        commit.output = NULL; /* asprintf leaves it undefined */
    if (asprintf(&commit.hidden, "%s%s.%s.barks-%s", target.parent, slash, target.name,
                 options->job_id) < 0)
        commit.hidden = NULL;
    if (options->fingerprint != NULL && options->fingerprint[0] != '\0') {
        commit.fingerprint = strdup(options->fingerprint);
        if (commit.fingerprint == NULL)
            return fail_no_memory(options->output);
    }
    if (commit.output == NULL || commit.hidden == NULL || commit.suffix == NULL)
        return fail_no_memory(options->output);
    BARKS_TRY(output_check(commit.output, commit.overwrite));
    if (commit.append)
        BARKS_TRY(append_first_part(commit.output, commit.suffix, &commit.first_part));
    BARKS_TRY(make_hidden(&target, &commit));
    *out_commit = commit;
    commit = (struct commit){0};
    fault_point(POINT_OUTPUT_BEGUN);
    return NULL;
}

void commit_drop(struct commit *commit)
{
    free(commit->output);
    free(commit->hidden);
    free(commit->suffix);
    free(commit->fingerprint);
    *commit = (struct commit){0};
}

/* A task that has not heard of the end may make a part while the directory is being emptied: it
 * will hear of it, or find no directory. */
barks_status *commit_abort(const struct commit *commit)
{
    barks_status *status = owner_remove_directory(commit->hidden);
    for (int i = 1; i < ABORT_TRIES && status != NULL; i++) {
        (void)nanosleep(&(struct timespec){.tv_nsec = ABORT_NAP_NS}, NULL);
        barks_status_free(status);
        status = owner_remove_directory(commit->hidden);
    }
    return status;
}

static int compare_parts(const void *a, const void *b)
{
    uint32_t left = ((const struct commit_part *)a)->index;
    uint32_t right = ((const struct commit_part *)b)->index;
    return (left > right) - (left < right);
}

BARKS_CHECKED static barks_status *check_size(const struct commit *commit, const char *path,
                                              const struct commit_part *part)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        int error = errno;
        BARKS_FAIL(system_code(error), "cannot look at part %" PRIu32 " of '%s': %s%s", part->index,
                   commit->output, system_text(error), system_remedy(error));
    }
    if ((uint64_t)info.st_size != part->file_bytes)
        BARKS_FAIL(BARKS_IO,
                   "part %" PRIu32
                   " of '%s' has %ju bytes, but its task wrote %ju: something else changes files "
                   "in '%s'",
                   part->index, commit->output, (uintmax_t)info.st_size,
                   (uintmax_t)part->file_bytes, commit->hidden);
    return NULL;
}

BARKS_CHECKED static barks_status *give_name(const struct commit *commit, const char *from,
                                             const char *to, const struct commit_part *part)
{
    int error = rename(from, to) == 0 ? 0 : errno;
    if (error == ENOENT)
        BARKS_FAIL(BARKS_IO,
                   "part %" PRIu32
                   " of '%s' was written on another host and cannot be seen here: put the output "
                   "on a file system that all hosts of the job share",
                   part->index, commit->output);
    if (error != 0)
        BARKS_FAIL(system_code(error), "cannot rename '%s' to the part's own name: %s%s", from,
                   system_text(error), system_remedy(error));
    fault_point(POINT_PART_RENAMED);
    return check_size(commit, to, part);
}

/* Each part is there, as long as its task left it, and gets its name. */
BARKS_CHECKED static barks_status *name_parts(const struct commit *commit,
                                              const struct commit_part *parts, size_t part_count)
{
    for (size_t i = 0; i < part_count; i++) {
        const struct commit_part *part = &parts[i];
        if (i > 0 && part->index == parts[i - 1].index)
            BARKS_FAIL(BARKS_INTERNAL, "part %" PRIu32 " of '%s' is committed twice", part->index,
                       commit->output);
        char *from = commit_attempt_path(commit, part->index, &part->attempt);
        char *to = commit_part_path(commit->hidden, part->index, commit->suffix);
        barks_status *status = from == NULL || to == NULL ? fail_no_memory(commit->output)
                                                          : give_name(commit, from, to, part);
        free(from);
        free(to);
        BARKS_TRY(status);
    }
    return NULL;
}

static bool is_part(const char *name, const char *suffix, const struct commit_part *parts,
                    size_t part_count)
{
    char *end = NULL;
    if (strncmp(name, "part-", 5) != 0 || name[5] < '0' || name[5] > '9')
        return false;
    unsigned long index = strtoul(name + 5, &end, 10);
    if (index > UINT32_MAX || strcmp(end, suffix) != 0)
        return false;
    struct commit_part wanted = {.index = (uint32_t)index};
    return bsearch(&wanted, parts, part_count, sizeof *parts, compare_parts) != NULL;
}

/* Removes attempts that failed or came second, and parts of an earlier try of the stage. */
BARKS_CHECKED static barks_status *remove_strays(const struct commit *commit,
                                                 const struct commit_part *parts, size_t part_count)
{
    BARKS_AUTO(path_list) strays = {0};
    {
        BARKS_AUTO(directory_reader) reader = {0};
        BARKS_TRY(directory_open(&reader, commit->hidden));
        const char *name = NULL;
        enum path_kind kind = PATH_UNKNOWN;
        for (;;) {
            BARKS_TRY(directory_next(&reader, &name, &kind));
            if (name == NULL)
                break;
            if (!is_part(name, commit->suffix, parts, part_count) && strcmp(name, ".owner") != 0)
                BARKS_TRY(path_list_add(&strays, commit->hidden, name, kind));
        }
    }
    for (size_t i = 0; i < strays.count; i++)
        BARKS_TRY(directory_remove(strays.entries[i].path));
    return NULL;
}

/* The old parts before the new ones. */
BARKS_CHECKED static barks_status *add_old(const struct commit *commit, struct commit_part **parts,
                                           size_t *part_count)
{
    struct commit_part *all = NULL;
    size_t old_count = 0;
    BARKS_TRY(append_link_old(commit, *part_count, &all, &old_count));
    if (*part_count > 0)
        memcpy(all + old_count, *parts, *part_count * sizeof *all);
    free(*parts);
    *parts = all;
    *part_count += old_count;
    return NULL;
}

barks_status *commit_end(const struct commit *commit, const struct commit_part *parts,
                         size_t part_count)
{
    struct commit_part *sorted = calloc(part_count + 1, sizeof *sorted);
    if (sorted == NULL)
        return fail_no_memory(commit->output);
    if (part_count > 0)
        memcpy(sorted, parts, part_count * sizeof *sorted);
    qsort(sorted, part_count, sizeof *sorted, compare_parts);
    barks_status *status = name_parts(commit, sorted, part_count);
    if (status == NULL)
        status = remove_strays(commit, sorted, part_count);
    if (status == NULL && commit->append)
        status = add_old(commit, &sorted, &part_count);
    if (status == NULL)
        status = manifest_write(commit, sorted, part_count);
    free(sorted);
    BARKS_TRY(status);
    if (commit->sync)
        BARKS_TRY(directory_sync(commit->hidden));
    fault_point(POINT_OUTPUT_WHOLE);
    status = publish_output(commit);
    /* Only now: a directory without owner that a dead job has left would be kept for a day. Who
     * reads an output passes over names with a dot, so that one that stays is no reason to fail. */
    barks_status_free(owner_remove(commit->output));
    BARKS_TRY(status);
    fault_point(POINT_OUTPUT_PUBLISHED);
    return NULL;
}
