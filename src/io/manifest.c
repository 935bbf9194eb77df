#include "io/manifest.h"

#include "base/checked.h"
#include "io/commit.h"
#include "io/system_error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_BYTES = 400 };
static const char fingerprint_word[] = "fingerprint ";

static FILE *open_manifest(const char *directory)
{
    char *path = NULL;
    if (asprintf(&path, "%s/_SUCCESS", directory) < 0)
        return NULL;
    FILE *file = fopen(path, "re");
    free(path);
    return file;
}

/* Those of the writes before, to an output that is appended to. */
static bool copy_fingerprints(const struct commit *commit, FILE *out)
{
    char line[LINE_BYTES];
    bool right = true;
    FILE *file = open_manifest(commit->output);
    while (file != NULL && right && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, fingerprint_word, strlen(fingerprint_word)) == 0)
            right = fputs(line, out) >= 0;
    if (file != NULL)
        fclose(file); /* it was only read */
    return right;
}

BARKS_CHECKED static barks_status *print_manifest(const struct commit *commit,
                                                  const struct commit_part *parts,
                                                  size_t part_count, FILE *file)
{
    uint64_t row_count = 0;
    uint64_t file_bytes = 0;
    for (size_t i = 0; i < part_count; i++)
        if (ckd_add(&row_count, row_count, parts[i].row_count) ||
            ckd_add(&file_bytes, file_bytes, parts[i].file_bytes))
            BARKS_FAIL(BARKS_INTERNAL, "the parts of '%s' have more than 2^64 rows or bytes",
                       commit->output);
    bool right = fprintf(file, "barks-output 1\nparts %zu\nrows %" PRIu64 "\nbytes %" PRIu64 "\n",
                         part_count, row_count, file_bytes) >= 0;
    for (size_t i = 0; i < part_count && right; i++)
        right =
            fprintf(file, "part-%05" PRIu32 "%s rows %" PRIu64 " bytes %" PRIu64 "\n",
                    parts[i].index, commit->suffix, parts[i].row_count, parts[i].file_bytes) >= 0;
    if (right && commit->append)
        right = copy_fingerprints(commit, file);
    if (right && commit->fingerprint != NULL)
        right = fprintf(file, "fingerprint %s\n", commit->fingerprint) >= 0;
    if (!right || fflush(file) != 0 || (commit->sync && fsync(fileno(file)) != 0)) {
        int error = errno;
        BARKS_FAIL(system_code(error), "cannot write '%s/_SUCCESS': %s%s", commit->hidden,
                   system_text(error), system_remedy(error));
    }
    return NULL;
}

barks_status *manifest_write(const struct commit *commit, const struct commit_part *parts,
                             size_t part_count)
{
    char *path = NULL;
    if (asprintf(&path, "%s/_SUCCESS", commit->hidden) < 0)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to write '%s/_SUCCESS'", commit->hidden);
    FILE *file = fopen(path, "we");
    int error = errno;
    free(path);
    if (file == NULL)
        BARKS_FAIL(system_code(error), "cannot create '%s/_SUCCESS': %s%s", commit->hidden,
                   system_text(error), system_remedy(error));
    barks_status *status = print_manifest(commit, parts, part_count, file);
    if (fclose(file) != 0 && status == NULL) {
        error = errno;
        BARKS_FAIL(system_code(error), "cannot write '%s/_SUCCESS': %s%s", commit->hidden,
                   system_text(error), system_remedy(error));
    }
    return status;
}

/* What the lines of a manifest say, looked at one by one. */
struct manifest_look {
    const char *output, *fingerprint;
    size_t parts_wanted, parts;
    size_t fingerprints, hits;
    bool is_wrong;
};

static void look_at_part(struct manifest_look *look, const char *name, uint64_t file_bytes)
{
    char *path = NULL;
    struct stat info;
    if (asprintf(&path, "%s/%s", look->output, name) < 0) {
        look->is_wrong = true;
        return;
    }
    look->is_wrong |= stat(path, &info) != 0 || (uint64_t)info.st_size != file_bytes;
    look->parts++;
    free(path);
}

static void look_at_line(struct manifest_look *look, char *line)
{
    char name[300];
    uint64_t row_count = 0, file_bytes = 0;
    line[strcspn(line, "\n")] = '\0';
    if (strncmp(line, "parts ", 6) == 0)
        look->parts_wanted = strtoul(line + 6, NULL, 10);
    if (strncmp(line, fingerprint_word, strlen(fingerprint_word)) == 0) {
        look->fingerprints++;
        look->hits += strcmp(line + strlen(fingerprint_word), look->fingerprint) == 0;
    }
    if (sscanf(line, "%299s rows %" SCNu64 " bytes %" SCNu64, name, &row_count, &file_bytes) == 3)
        look_at_part(look, name, file_bytes);
}

bool manifest_is_of(const char *output, const char *fingerprint, bool is_appended)
{
    char line[LINE_BYTES];
    struct manifest_look look = {
        .output = output, .fingerprint = fingerprint, .parts_wanted = SIZE_MAX};
    FILE *file = open_manifest(output);
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        look_at_line(&look, line);
    if (file != NULL)
        fclose(file); /* it was only read */
    return !look.is_wrong && look.parts == look.parts_wanted && look.hits > 0 &&
           (is_appended || look.fingerprints == 1);
}
