#include "io/part_file.h"

#include "base/fault.h"
#include "io/commit.h"
#include "io/system_error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

barks_status *part_file_open(struct part_file *part, const struct commit *commit, struct pool *pool,
                             uint32_t index, uint32_t attempt)
{
    char *attempt_path = NULL;
    struct stat info;
    if (stat(commit->hidden, &info) != 0 && errno == ENOENT)
        BARKS_FAIL(BARKS_IO,
                   "the directory '%s', which the driver made for the output, is not on this host: "
                   "put the output "
                   "on a file system that all hosts of the job share",
                   commit->hidden);
    index += commit->first_part;
    char *part_path = commit_part_path(commit->hidden, index, commit->suffix);
    if (part_path == NULL || asprintf(&attempt_path, "%s.%u", part_path, (unsigned)attempt) < 0)
        attempt_path = NULL; /* asprintf leaves it undefined */
    free(part_path);
    if (attempt_path == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to write part %u of '%s'", (unsigned)index,
                   commit->output);
    barks_status *status = file_writer_open(&part->writer, pool, attempt_path);
    if (status != NULL) {
        free(attempt_path);
        return status;
    }
    part->commit = commit;
    part->index = index;
    part->attempt_path = attempt_path;
    return NULL;
}

BARKS_CHECKED static barks_status *close_and_rename(struct part_file *part, uint64_t row_count,
                                                    struct commit_part *out_done)
{
    uint64_t file_bytes = 0;
    BARKS_TRY(file_writer_close(&part->writer, part->commit->sync, &file_bytes));
    char *part_path = commit_part_path(part->commit->hidden, part->index, part->commit->suffix);
    if (part_path == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to commit '%s'", part->attempt_path);
    fault_point(POINT_PART_WRITTEN);
    int error = rename(part->attempt_path, part_path) == 0 ? 0 : errno;
    free(part_path);
    if (error != 0)
        BARKS_FAIL(system_code(error), "cannot rename '%s' to the part's own name: %s%s",
                   part->attempt_path, system_text(error), system_remedy(error));
    fault_point(POINT_PART_RENAMED);
    free(part->attempt_path);
    part->attempt_path = NULL;
    *out_done = (struct commit_part){
        .index = part->index, .row_count = row_count, .file_bytes = file_bytes};
    return NULL;
}

barks_status *part_file_commit(struct part_file *part, uint64_t row_count,
                               struct commit_part *out_done)
{
    barks_status *status = close_and_rename(part, row_count, out_done);
    part_file_drop(part);
    return status;
}

void part_file_drop(struct part_file *part)
{
    file_writer_drop(&part->writer);
    if (part->attempt_path != NULL)
        (void)unlink(part->attempt_path); /* what stays is removed by commit_end or commit_abort */
    free(part->attempt_path);
    *part = (struct part_file){0};
}
