#include "io/append.h"

#include "base/scope.h"
#include "io/commit.h"
#include "io/directory.h"
#include "io/system_error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The number in "part-00007.csv"; false for another name. */
static bool take_index(const char *name, const char *suffix, uint32_t *out_index)
{
    char *end = NULL;
    if (strncmp(name, "part-", 5) != 0 || name[5] < '0' || name[5] > '9')
        return false;
    unsigned long index = strtoul(name + 5, &end, 10);
    if (index >= UINT32_MAX || strcmp(end, suffix) != 0)
        return false;
    *out_index = (uint32_t)index;
    return true;
}

barks_status *append_first_part(const char *output, const char *suffix, uint32_t *out_first_part)
{
    struct stat info;
    bool has_manifest = false;
    uint32_t first = 0;
    *out_first_part = 0;
    if (stat(output, &info) != 0 && errno == ENOENT)
        return NULL;
    BARKS_AUTO(directory_reader) reader = {0};
    BARKS_TRY(directory_open(&reader, output));
    for (;;) {
        const char *name = NULL;
        enum path_kind kind = PATH_UNKNOWN;
        uint32_t index = 0;
        BARKS_TRY(directory_next(&reader, &name, &kind));
        if (name == NULL)
            break;
        has_manifest |= strcmp(name, "_SUCCESS") == 0;
        if (take_index(name, suffix, &index))
            first = index >= first ? index + 1 : first;
        else if (strncmp(name, "part-", 5) == 0)
            BARKS_FAIL(BARKS_INVALID,
                       "'%s' is not appended to, since it holds '%s', and new parts end in '%s': "
                       "choose another path",
                       output, name, suffix);
    }
    if (!has_manifest)
        BARKS_FAIL(BARKS_INVALID,
                   "'%s' is not appended to, since it has no manifest _SUCCESS: it is no output of "
                   "barks",
                   output);
    *out_first_part = first;
    return NULL;
}

/* A line of a manifest that tells of a part. */
static bool take_part(const char *line, const char *suffix, struct commit_part *out)
{
    char name[300];
    return sscanf(line, "%299s rows %" SCNu64 " bytes %" SCNu64, name, &out->row_count,
                  &out->file_bytes) == 3 &&
           take_index(name, suffix, &out->index);
}

BARKS_CHECKED static barks_status *link_part(const struct commit *commit, uint32_t index)
{
    char *from = commit_part_path(commit->output, index, commit->suffix);
    char *to = commit_part_path(commit->hidden, index, commit->suffix);
    int error = from == NULL || to == NULL ? ENOMEM : link(from, to) == 0 ? 0 : errno;
    free(from);
    free(to);
    if (error == EEXIST)
        BARKS_FAIL(BARKS_INVALID, "another job has appended to '%s' meanwhile: run this one again",
                   commit->output);
    if (error != 0)
        BARKS_FAIL(system_code(error),
                   "cannot link part %" PRIu32 " of '%s' to the new output: %s%s", index,
                   commit->output, system_text(error), system_remedy(error));
    return NULL;
}

BARKS_CHECKED static barks_status *link_all(const struct commit *commit, FILE *manifest,
                                            size_t more, struct commit_part **parts, size_t *count)
{
    char line[400];
    size_t wanted = SIZE_MAX;
    while (fgets(line, sizeof line, manifest) != NULL) {
        struct commit_part part = {0};
        if (strncmp(line, "parts ", 6) == 0)
            wanted = strtoul(line + 6, NULL, 10);
        if (!take_part(line, commit->suffix, &part))
            continue;
        struct commit_part *larger = realloc(*parts, (*count + 1 + more) * sizeof *larger);
        if (larger == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory to append to '%s'", commit->output);
        *parts = larger;
        larger[(*count)++] = part;
        BARKS_TRY(link_part(commit, part.index));
    }
    if (wanted != *count)
        BARKS_FAIL(BARKS_BAD_INPUT, "'%s/_SUCCESS' is cut or damaged: it lists %zu parts",
                   commit->output, *count);
    return NULL;
}

barks_status *append_link_old(const struct commit *commit, size_t more,
                              struct commit_part **out_parts, size_t *out_count)
{
    char *path = NULL;
    struct commit_part *parts = calloc(more + 1, sizeof *parts);
    size_t count = 0;
    if (parts == NULL || asprintf(&path, "%s/_SUCCESS", commit->output) < 0) {
        free(parts);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to append to '%s'", commit->output);
    }
    FILE *manifest = fopen(path, "re");
    int error = errno;
    barks_status *status = NULL;
    if (manifest != NULL)
        status = link_all(commit, manifest, more, &parts, &count);
    else if (error != ENOENT) /* else there is no output yet */
        status = barks_status_new(system_code(error), NULL, BARKS_HERE, "cannot read '%s': %s%s",
                                  path, system_text(error), system_remedy(error));
    if (manifest != NULL)
        fclose(manifest);
    free(path);
    if (status != NULL) {
        free(parts);
        return status;
    }
    *out_parts = parts;
    *out_count = count;
    return NULL;
}
