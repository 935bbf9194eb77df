#include "io/directory.h"

#include "io/system_error.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

barks_status *directory_open(struct directory_reader *reader, const char *path)
{
    char *copy = strdup(path);
    if (copy == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the path of '%s'", path);
    DIR *stream = opendir(path);
    if (stream == NULL) {
        int error = errno;
        free(copy);
        BARKS_FAIL(system_code(error), "cannot open the directory '%s': %s%s", path,
                   system_text(error), system_remedy(error));
    }
    *reader = (struct directory_reader){.stream = stream, .path = copy};
    return NULL;
}

static enum path_kind kind_of_type(unsigned char type)
{
    switch (type) {
    case DT_REG:
        return PATH_FILE;
    case DT_DIR:
        return PATH_DIRECTORY;
    case DT_LNK:
    case DT_UNKNOWN:
        return PATH_UNKNOWN;
    default: /* not an enum */
        return PATH_OTHER;
    }
}

barks_status *directory_next(struct directory_reader *reader, const char **out_name,
                             enum path_kind *out_kind)
{
    for (;;) {
        errno = 0;
        struct dirent *entry =
            readdir(reader->stream); /* NOLINT(concurrency-mt-unsafe): a stream has one owner */
        if (entry == NULL && errno != 0) {
            int error = errno;
            BARKS_FAIL(system_code(error), "cannot read the directory '%s': %s%s", reader->path,
                       system_text(error), system_remedy(error));
        }
        if (entry != NULL && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0))
            continue;
        *out_name = entry == NULL ? NULL : entry->d_name;
        *out_kind = entry == NULL ? PATH_UNKNOWN : kind_of_type(entry->d_type);
        return NULL;
    }
}

void directory_reader_drop(struct directory_reader *reader)
{
    if (reader->stream != NULL)
        (void)closedir(reader->stream); /* nothing was written: it cannot lose anything */
    free(reader->path);
    *reader = (struct directory_reader){0};
}

static enum path_kind kind_of_mode(mode_t mode)
{
    if (S_ISREG(mode))
        return PATH_FILE;
    return S_ISDIR(mode) ? PATH_DIRECTORY : PATH_OTHER;
}

enum path_kind path_kind_follow(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? kind_of_mode(info.st_mode) : PATH_UNKNOWN;
}

enum path_kind path_kind_nofollow(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0 ? kind_of_mode(info.st_mode) : PATH_UNKNOWN;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info, (void)kind, (void)place; /* remove() tells a directory from a file by itself */
    return remove(path) == 0 || errno == ENOENT ? 0 : errno;
}

barks_status *directory_remove(const char *path)
{
    int error = nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    if (error < 0)
        error = errno;
    if (error != 0 && error != ENOENT)
        BARKS_FAIL(system_code(error), "cannot remove '%s': %s%s", path, system_text(error),
                   system_remedy(error));
    return NULL;
}

barks_status *directory_sync(const char *path)
{
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = descriptor < 0 || (fsync(descriptor) != 0 && errno != EINVAL) ? errno : 0;
    if (descriptor >= 0)
        (void)close(descriptor); /* nothing was written through it */
    if (error != 0)
        BARKS_FAIL(system_code(error), "cannot wait for the directory '%s' to be on disk: %s%s",
                   path, system_text(error), system_remedy(error));
    return NULL;
}
