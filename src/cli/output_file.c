#include "cli/output_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

barks_status *output_open(const char *path, struct output_file *out_output)
{
    *out_output = (struct output_file){.file = stdout};
    if (strcmp(path, "-") == 0)
        return NULL;
    size_t bytes = strlen(path) + sizeof ".part";
    char *part = malloc(bytes);
    if (part == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a path");
    snprintf(part, bytes, "%s.part", path);
    FILE *file = fopen(part, "we");
    if (file == NULL) {
        barks_status *status = barks_status_new(BARKS_IO, NULL, BARKS_HERE, "cannot write '%s': %s",
                                                part, strerror(errno));
        free(part);
        return status;
    }
    *out_output = (struct output_file){.path = path, .part = part, .file = file};
    return NULL;
}

barks_status *output_close(struct output_file *output, barks_status *bad)
{
    const char *path = output->path != NULL ? output->path : "the standard output";
    errno = 0;
    bool is_whole = fflush(output->file) == 0 && !ferror(output->file);
    int error = errno;
    if (output->path != NULL) {
        is_whole &= fclose(output->file) == 0;
        is_whole = is_whole && bad == NULL && rename(output->part, output->path) == 0;
        error = error != 0 ? error : errno;
        if (!is_whole)
            unlink(output->part);
        free(output->part);
    }
    *output = (struct output_file){0};
    if (bad != NULL)
        return bad;
    if (!is_whole)
        BARKS_FAIL(BARKS_IO, "cannot write %s: %s", path, strerror(error != 0 ? error : EIO));
    return NULL;
}
