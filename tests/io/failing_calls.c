#include "failing_calls.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int call_count;
int fail_at;
bool without_renameat2;

static bool fails(void) { return ++call_count == fail_at; }

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    if (fails())
        return errno = EIO, -1;
    return __real_rename(from, to);
}

int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    if (without_renameat2)
        return errno = EINVAL, -1;
    if (fails())
        return errno = EIO, -1;
    return __real_renameat2(from_fd, from, to_fd, to, flags);
}

ssize_t __real_write(int descriptor, const void *bytes, size_t size_bytes);
ssize_t __wrap_write(int descriptor, const void *bytes, size_t size_bytes);
ssize_t __wrap_write(int descriptor, const void *bytes, size_t size_bytes)
{
    if (fails())
        return errno = ENOSPC, -1;
    /* Short writes are no errors: the rest follows. */
    return __real_write(descriptor, bytes, size_bytes > 1 ? size_bytes / 2 : size_bytes);
}

int __real_fsync(int descriptor);
int __wrap_fsync(int descriptor);
int __wrap_fsync(int descriptor)
{
    if (fails())
        return errno = EIO, -1;
    return __real_fsync(descriptor);
}

int __real_close(int descriptor);
int __wrap_close(int descriptor);
int __wrap_close(int descriptor)
{
    int result = __real_close(descriptor);
    if (fails())
        return errno = EDQUOT, -1; /* as NFS tells it */
    return result;
}

int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode)
{
    if (fails())
        return errno = EACCES, -1;
    return __real_mkdir(path, mode);
}

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
    if (fails())
        return errno = EMFILE, NULL;
    return __real_fopen(path, mode);
}

/* The name of fopen where file offsets are asked to have 64 bits. */
FILE *__real_fopen64(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode)
{
    if (fails())
        return errno = EMFILE, NULL;
    return __real_fopen64(path, mode);
}
