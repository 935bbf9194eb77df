#include "io/part_file.h"

#include "base/fault.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

barks_status *part_file_open(struct part_file *part, const struct commit *commit, struct pool *pool,
                             uint32_t index, const struct part_attempt *attempt)
{
    struct stat info;
    if (stat(commit->hidden, &info) != 0 && errno == ENOENT)
        BARKS_FAIL(BARKS_IO,
                   "the directory '%s', which the driver made for the output, is not on this host: "
                   "put the output "
                   "on a file system that all hosts of the job share",
                   commit->hidden);
    index += commit->first_part;
    char *attempt_path = commit_attempt_path(commit, index, attempt);
    if (attempt_path == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to write part %u of '%s'", (unsigned)index,
                   commit->output);
    barks_status *status = file_writer_open_new(&part->writer, pool, attempt_path);
    if (status != NULL) {
        free(attempt_path);
        return status;
    }
    part->commit = commit;
    part->index = index;
    part->attempt = *attempt;
    part->attempt_path = attempt_path;
    return NULL;
}

barks_status *part_file_end(struct part_file *part, uint64_t row_count,
                            struct commit_part *out_done)
{
    uint64_t file_bytes = 0;
    barks_status *status = file_writer_close(&part->writer, part->commit->sync, &file_bytes);
    if (status == NULL) {
        *out_done = (struct commit_part){.index = part->index,
                                         .row_count = row_count,
                                         .file_bytes = file_bytes,
                                         .attempt = part->attempt};
        fault_point(POINT_PART_WRITTEN);
        free(part->attempt_path);
        part->attempt_path = NULL; /* it stays */
    }
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
