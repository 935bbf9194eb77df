/* What the linker puts in the place of barks's own calls of the C library (--wrap,
 * base/meson.build): each asks whether a fault is due and is otherwise the call itself,
 * __real_NAME. Where offsets have 64 bits, glibc has a second name for some of them. */
#include "base/fault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define WRAP(result, symbol, function, failed, parameters, arguments)                              \
    result __real_##symbol parameters;                                                             \
    result __wrap_##symbol parameters;                                                             \
    result __wrap_##symbol parameters                                                              \
    {                                                                                              \
        return fault_strikes(FAULT_##function) ? (failed) : __real_##symbol arguments;             \
    }
#define WRAP_BOTH(result, symbol, failed, parameters, arguments)                                   \
    WRAP(result, symbol, symbol, failed, parameters, arguments)                                    \
    WRAP(result, symbol##64, symbol, failed, parameters, arguments)

/* ---- allocation ---- */

WRAP(void *, malloc, malloc, NULL, (size_t bytes), (bytes))
WRAP(void *, calloc, calloc, NULL, (size_t count, size_t bytes), (count, bytes))
WRAP(void *, realloc, realloc, NULL, (void *memory, size_t bytes), (memory, bytes))
WRAP(void *, reallocarray, reallocarray, NULL, (void *memory, size_t count, size_t bytes),
     (memory, count, bytes))
WRAP(char *, strdup, strdup, NULL, (const char *text), (text))
WRAP(char *, strndup, strndup, NULL, (const char *text, size_t length), (text, length))
WRAP(char *, realpath, realpath, NULL, (const char *path, char *resolved), (path, resolved))

WRAP(int, vasprintf, vasprintf, -1, (char **out, const char *format, va_list arguments),
     (out, format, arguments))

int __wrap_asprintf(char **out, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap_asprintf(char **out, const char *format, ...)
{
    va_list arguments;
    if (fault_strikes(FAULT_asprintf))
        return -1; /* what is in *out then is undefined, as in the real one */
    va_start(arguments, format);
    int length = __real_vasprintf(out, format, arguments);
    va_end(arguments);
    return length;
}

/* ---- reading and writing ---- */

static size_t moved(enum fault_effect effect, size_t bytes)
{
    return effect == FAULT_SHORT && bytes > 1 ? bytes / 2 : bytes;
}

static ssize_t spoil(enum fault_effect effect, void *bytes, ssize_t count)
{
    if (effect == FAULT_SPOILT && count > 0)
        ((unsigned char *)bytes)[count / 2] ^= 1;
    return count;
}

/* A copy with a wrong byte, which the caller frees; NULL: none is wanted. */
static void *spoilt_copy(enum fault_effect effect, const void *bytes, size_t count)
{
    void *__real_malloc(size_t bytes);
    unsigned char *copy = effect == FAULT_SPOILT && count > 0 ? __real_malloc(count) : NULL;
    if (copy != NULL) {
        memcpy(copy, bytes, count);
        copy[count / 2] ^= 1;
    }
    return copy;
}

#define WRAP_READ(symbol, function, parameters, arguments)                                         \
    ssize_t __real_##symbol parameters;                                                            \
    ssize_t __wrap_##symbol parameters;                                                            \
    ssize_t __wrap_##symbol parameters                                                             \
    {                                                                                              \
        enum fault_effect effect = fault_effect(FAULT_##function);                                 \
        if (effect == FAULT_FAILS)                                                                 \
            return -1;                                                                             \
        count = moved(effect, count);                                                              \
        return spoil(effect, bytes, __real_##symbol arguments);                                    \
    }

WRAP_READ(read, read, (int file, void *bytes, size_t count), (file, bytes, count))
WRAP_READ(pread, pread, (int file, void *bytes, size_t count, long offset),
          (file, bytes, count, offset))
WRAP_READ(pread64, pread, (int file, void *bytes, size_t count, int64_t offset),
          (file, bytes, count, offset))
WRAP(ssize_t, process_vm_readv, process_vm_readv, -1,
     (pid_t process, const struct iovec *local, unsigned long local_count,
      const struct iovec *remote, unsigned long remote_count, unsigned long flags),
     (process, local, local_count, remote, remote_count, flags))

#define WRAP_WRITE(symbol, function, parameters, arguments)                                        \
    ssize_t __real_##symbol parameters;                                                            \
    ssize_t __wrap_##symbol parameters;                                                            \
    ssize_t __wrap_##symbol parameters                                                             \
    {                                                                                              \
        /* What tells of errors is let through: else there would be nothing to see. */             \
        if (file == STDERR_FILENO)                                                                 \
            return __real_##symbol arguments;                                                      \
        enum fault_effect effect = fault_effect(FAULT_##function);                                 \
        if (effect == FAULT_FAILS)                                                                 \
            return -1;                                                                             \
        count = moved(effect, count);                                                              \
        void *copy = spoilt_copy(effect, bytes, count);                                            \
        if (copy != NULL)                                                                          \
            bytes = copy;                                                                          \
        ssize_t written = __real_##symbol arguments;                                               \
        if (copy != NULL) {                                                                        \
            int error = errno;                                                                     \
            free(copy);                                                                            \
            errno = error;                                                                         \
        }                                                                                          \
        return written;                                                                            \
    }

WRAP_WRITE(write, write, (int file, const void *bytes, size_t count), (file, bytes, count))
WRAP_WRITE(pwrite, pwrite, (int file, const void *bytes, size_t count, long offset),
           (file, bytes, count, offset))
WRAP_WRITE(pwrite64, pwrite, (int file, const void *bytes, size_t count, int64_t offset),
           (file, bytes, count, offset))

WRAP(size_t, fread, fread, 0, (void *bytes, size_t size, size_t count, FILE *file),
     (bytes, size, count, file))
WRAP(size_t, fwrite, fwrite, 0, (const void *bytes, size_t size, size_t count, FILE *file),
     (bytes, size, count, file))
WRAP(ssize_t, getline, getline, -1, (char **line, size_t *size, FILE *file), (line, size, file))
WRAP_BOTH(void *, readdir, NULL, (DIR * stream), (stream))

int __real_fflush(FILE *file);
int __wrap_fflush(FILE *file);
int __wrap_fflush(FILE *file)
{
    return file != stderr && fault_strikes(FAULT_fflush) ? EOF : __real_fflush(file);
}

/* ---- opening, making, closing ---- */

#define WRAP_OPEN(symbol)                                                                          \
    int __real_##symbol(const char *path, int flags, ...);                                         \
    int __wrap_##symbol(const char *path, int flags, ...);                                         \
    int __wrap_##symbol(const char *path, int flags, ...)                                          \
    {                                                                                              \
        mode_t mode = 0;                                                                           \
        if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) {                          \
            va_list arguments;                                                                     \
            va_start(arguments, flags);                                                            \
            mode = va_arg(arguments, mode_t);                                                      \
            va_end(arguments);                                                                     \
        }                                                                                          \
        return fault_strikes(FAULT_open) ? -1 : __real_##symbol(path, flags, mode);                \
    }
WRAP_OPEN(open)
WRAP_OPEN(open64)

WRAP_BOTH(FILE *, fopen, NULL, (const char *path, const char *mode), (path, mode))
WRAP(DIR *, opendir, opendir, NULL, (const char *path), (path))
WRAP(int, pipe2, pipe2, -1, (int ends[2], int flags), (ends, flags))
WRAP(int, mkdir, mkdir, -1, (const char *path, mode_t mode), (path, mode))
WRAP(char *, mkdtemp, mkdtemp, NULL, (char *path), (path))
WRAP(int, symlink, symlink, -1, (const char *target, const char *path), (target, path))
WRAP(int, link, link, -1, (const char *from, const char *to), (from, to))

/* What is closed is closed, also where that fails. */
#define WRAP_CLOSE(symbol, type, failed)                                                           \
    int __real_##symbol(type file);                                                                \
    int __wrap_##symbol(type file);                                                                \
    int __wrap_##symbol(type file)                                                                 \
    {                                                                                              \
        int result = __real_##symbol(file);                                                        \
        return fault_strikes(FAULT_##symbol) ? (failed) : result;                                  \
    }
WRAP_CLOSE(close, int, -1)
WRAP_CLOSE(fclose, FILE *, EOF)

/* ---- names and places ---- */

WRAP(int, fsync, fsync, -1, (int file), (file))
WRAP(int, rename, rename, -1, (const char *from, const char *to), (from, to))
WRAP(int, renameat2, renameat2, -1,
     (int from_folder, const char *from, int to_folder, const char *to, unsigned flags),
     (from_folder, from, to_folder, to, flags))
WRAP(int, unlink, unlink, -1, (const char *path), (path))
WRAP(int, rmdir, rmdir, -1, (const char *path), (path))
WRAP(int, remove, remove, -1, (const char *path), (path))
WRAP_BOTH(int, stat, -1, (const char *path, void *info), (path, info))
WRAP_BOTH(int, lstat, -1, (const char *path, void *info), (path, info))
WRAP_BOTH(int, fstat, -1, (int file, void *info), (file, info))

/* ---- memory, threads, processes ---- */

WRAP(void *, mmap, mmap, MAP_FAILED,
     (void *where, size_t bytes, int protection, int flags, int file, long offset),
     (where, bytes, protection, flags, file, offset))
WRAP(void *, mmap64, mmap, MAP_FAILED,
     (void *where, size_t bytes, int protection, int flags, int file, int64_t offset),
     (where, bytes, protection, flags, file, offset))
WRAP(int, munmap, munmap, -1, (void *memory, size_t bytes), (memory, bytes))
WRAP(pid_t, fork, fork, -1, (void), ())

void *__real_mremap(void *memory, size_t old_bytes, size_t bytes, int flags, ...);
void *__wrap_mremap(void *memory, size_t old_bytes, size_t bytes, int flags, ...);
void *__wrap_mremap(void *memory, size_t old_bytes, size_t bytes, int flags, ...)
{
    void *where = NULL;
    if ((flags & MREMAP_FIXED) != 0) {
        va_list arguments;
        va_start(arguments, flags);
        where = va_arg(arguments, void *);
        va_end(arguments);
    }
    return fault_strikes(FAULT_mremap) ? MAP_FAILED
                                       : __real_mremap(memory, old_bytes, bytes, flags, where);
}

/* These return the error and leave errno alone. */
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *argument)
{
    return fault_strikes(FAULT_pthread_create)
               ? errno
               : __real_pthread_create(thread, attributes, run, argument);
}

WRAP(int, posix_spawnp, posix_spawnp, errno,
     (pid_t * process, const char *name, const void *actions, const void *attributes,
      char *const arguments[], char *const environment[]),
     (process, name, actions, attributes, arguments, environment))
