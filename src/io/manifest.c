#include "io/manifest.h"

#include "base/checked.h"
#include "io/commit.h"
#include "io/system_error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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
