/* What the bounds share: memory on huge pages, threads, files, and errors that end the program. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "keys and binary rows rely on it");

enum { HUGE_PAGE_BYTES = 2 << 20, THREADS_MAX = 64 };

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
    exit(1);
}

static inline double now_seconds(void)
{
    struct timespec time;
    if (clock_gettime(CLOCK_MONOTONIC, &time) != 0)
        die("clock_gettime");
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Zeroed memory on huge pages where the kernel has them. */
static inline void *map_memory(size_t bytes)
{
    char *memory = mmap(NULL, bytes + HUGE_PAGE_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        die("no memory");
    memory += -(uintptr_t)memory % HUGE_PAGE_BYTES;
    (void)madvise(memory, bytes, MADV_HUGEPAGE); /* only speed depends on it */
    return memory;
}

static inline uint64_t mix(uint64_t a, uint64_t b)
{
    __extension__ unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_number(uint64_t number)
{
    return mix(number ^ UINT64_C(0xa0761d6478bd642f), UINT64_C(0xe7037ed1a0b428db));
}

/* ---- threads ---- */

/* All threads wait for each other; true in one of them. */
static inline bool wait_for_all(pthread_barrier_t *barrier)
{
    int waited = pthread_barrier_wait(barrier);
    if (waited != 0 && waited != PTHREAD_BARRIER_SERIAL_THREAD)
        die("pthread_barrier_wait");
    return waited == PTHREAD_BARRIER_SERIAL_THREAD;
}

/* Runs run(&arguments[i * argument_bytes]) in thread i of count, and waits for all. */
static inline void run_threads(unsigned count, void *(*run)(void *), void *arguments,
                               size_t argument_bytes)
{
    pthread_t threads[THREADS_MAX];
    for (unsigned i = 0; i < count; i++) {
        errno = pthread_create(&threads[i], NULL, run, (char *)arguments + i * argument_bytes);
        if (errno != 0)
            die("pthread_create");
    }
    for (unsigned i = 0; i < count; i++) {
        errno = pthread_join(threads[i], NULL);
        if (errno != 0)
            die("pthread_join");
    }
}

/* The number of threads that the command line wants, or 0. */
static inline unsigned threads_of(const char *text)
{
    unsigned long count = strtoul(text, NULL, 10);
    return count <= THREADS_MAX ? (unsigned)count : 0;
}

/* ---- files ---- */

static inline int open_input(const char *path, uint64_t *out_bytes)
{
    struct stat stat;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &stat) != 0)
        die(path);
    *out_bytes = (uint64_t)stat.st_size;
    return fd;
}

/* Reads [begin, end) of a file, short only where it ends. */
static inline size_t read_at(int fd, void *out, uint64_t begin, uint64_t end)
{
    size_t got = 0;
    while (begin + got < end) {
        ssize_t n = pread(fd, (char *)out + got, (size_t)(end - begin) - got, (off_t)(begin + got));
        if (n < 0 && errno != EINTR)
            die("read");
        if (n == 0)
            break;
        got += n > 0 ? (size_t)n : 0;
    }
    return got;
}

struct writer { /* of one thread's file */
    int fd;
    char *buffer; /* WRITER_BYTES, and WRITER_SPARE_BYTES more */
    size_t used_bytes;
};

enum { WRITER_BYTES = 1 << 20, WRITER_SPARE_BYTES = 4096 };

static inline void write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno != EINTR)
            die("write");
        bytes += n > 0 ? n : 0;
        length -= n > 0 ? (size_t)n : 0;
    }
}

/* Opens PREFIX.INDEX, which is empty then. */
static inline struct writer writer_open(const char *prefix, unsigned index)
{
    char path[2048];
    int length = snprintf(path, sizeof path, "%s.%u", prefix, index);
    if (length < 0 || (size_t)length >= sizeof path) {
        errno = ENAMETOOLONG;
        die("output");
    }
    struct writer writer = {.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666),
                            .buffer = map_memory(WRITER_BYTES + WRITER_SPARE_BYTES)};
    if (writer.fd < 0)
        die(path);
    return writer;
}

static inline void writer_flush(struct writer *writer)
{
    write_all(writer->fd, writer->buffer, writer->used_bytes);
    writer->used_bytes = 0;
}

/* Where WRITER_SPARE_BYTES may be put; the caller adds to used_bytes what it has put there. */
static inline char *writer_room(struct writer *writer)
{
    if (writer->used_bytes >= WRITER_BYTES)
        writer_flush(writer);
    return writer->buffer + writer->used_bytes;
}

static inline void writer_close(struct writer *writer)
{
    writer_flush(writer);
    if (close(writer->fd) != 0)
        die("close");
}

/* Decimal digits of a number; returns their end. */
static inline char *put_number(char *out, uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    memcpy(out, digits + at, sizeof digits - at);
    return out + (sizeof digits - at);
}
