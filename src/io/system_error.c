#include "io/system_error.h"

#include <errno.h>
#include <string.h>

barks_code system_code(int error_number)
{
    switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case EMFILE:
    case ENFILE:
        return BARKS_LIMIT;
    case ENOMEM:
        return BARKS_NO_MEMORY;
    default: /* error numbers are not an enum: most of them are plain input/output errors */
        return BARKS_IO;
    }
}

const char *system_text(int error_number)
{
    const char *text = strerrordesc_np(error_number);
    return text != NULL ? text : "an error that the system has no words for";
}

const char *system_remedy(int error_number)
{
    switch (error_number) {
    case ENOSPC:
        return "; free space there or write to another file system";
    case EDQUOT:
        return "; delete files of yours there, ask for more quota, or write elsewhere";
    case EFBIG:
        return "; raise the limit of file sizes (ulimit -f) or write more and smaller parts";
    case EMFILE:
    case ENFILE:
        return "; raise the limit of open files (ulimit -n)";
    case EACCES:
    case EPERM:
        return "; ask its owner for permission, or choose another path";
    case EROFS:
        return "; choose a path on a file system that can be written";
    case EIO:
        return "; the device or the file server fails: look at the system's log (dmesg)";
    case ESTALE:
        return "; the file server replaced or removed it: run the job again";
    case ENOENT:
    case ENOTDIR:
        return "; check how it is written, and that this host sees the file system";
    case ELOOP:
        return "; its symbolic links lead in a circle";
    case ENAMETOOLONG:
        return "; shorten it";
    default: /* as above */
        return "";
    }
}
