#include "base/disk_space.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/statvfs.h>

void disk_space_text(int descriptor, int error_number, uint64_t wanted_bytes,
                     char out[DISK_SPACE_TEXT_BYTES])
{
    struct statvfs found;
    out[0] = '\0';
    if (error_number != ENOSPC || fstatvfs(descriptor, &found) != 0)
        return;
    uint64_t free_bytes = (uint64_t)found.f_bavail * found.f_frsize;
    if (wanted_bytes > 0)
        snprintf(out, DISK_SPACE_TEXT_BYTES,
                 " (%" PRIu64 " bytes were wanted, %" PRIu64 " are free)", wanted_bytes,
                 free_bytes);
    else
        snprintf(out, DISK_SPACE_TEXT_BYTES, " (%" PRIu64 " bytes are free)", free_bytes);
}
