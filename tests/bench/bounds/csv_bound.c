/* csv_bound FILE: what a loop written by hand for just these ten columns takes to read them into
 * arrays, on one core: CPU seconds of the best of five, and sums that tell that it did. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ROWS = 1024, REPEATS = 5 };

struct text {
    const char *bytes;
    size_t length;
};

static struct columns {
    int64_t id[ROWS], vehicle[ROWS], passengers[ROWS];
    double distance[ROWS], fare[ROWS];
    struct text code[ROWS], start[ROWS], city[ROWS], remark[ROWS];
    bool shared[ROWS], has_passengers[ROWS];
} columns;
static char *copies; /* of texts with doubled quotes */
static size_t copied_bytes;

static const char *integer(const char *at, int64_t *out)
{
    int64_t value = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        value = 10 * value + (*at - '0');
    *out = value;
    return at + 1;
}

static const char *decimal(const char *at, double *out)
{
    static const double powers[] = {1, 10, 100, 1000, 1e4, 1e5};
    int64_t value = 0;
    const char *point = NULL;
    for (; *at != ','; at++)
        if (*at == '.')
            point = at + 1;
        else
            value = 10 * value + (*at - '0');
    *out = (double)value / powers[point != NULL ? at - point : 0];
    return at + 1;
}

static const char *text(const char *at, char end, struct text *out)
{
    const char *begin = at;
    while (*at != end)
        at++;
    *out = (struct text){.bytes = begin, .length = (size_t)(at - begin)};
    return at + 1;
}

static const char *quoted(const char *at, struct text *out)
{
    char *copy = copies + copied_bytes;
    size_t length = 0;
    for (at++; *at != '"' || at[1] == '"'; at++) {
        at += *at == '"';
        copy[length++] = *at;
    }
    *out = (struct text){.bytes = copy, .length = length};
    copied_bytes += length;
    return at + 2;
}

static const char *row(const char *at, unsigned i)
{
    at = integer(at, &columns.id[i]);
    at = integer(at, &columns.vehicle[i]);
    at = text(at, ',', &columns.code[i]);
    at = text(at, ',', &columns.start[i]);
    at = decimal(at, &columns.distance[i]);
    at = decimal(at, &columns.fare[i]);
    at = text(at, ',', &columns.city[i]);
    columns.shared[i] = *at == 't';
    at += *at == 't' ? 5 : 6;
    columns.has_passengers[i] = *at != ',';
    at = integer(at, &columns.passengers[i]);
    return *at == '"' ? quoted(at, &columns.remark[i]) : text(at, '\n', &columns.remark[i]);
}

int main(int argc, char **argv)
{
    struct stat info;
    int descriptor = argc == 2 ? open(argv[1], O_RDONLY) : -1;
    if (descriptor < 0 || fstat(descriptor, &info) != 0)
        return fprintf(stderr, "usage: csv_bound FILE\n"), 2;
    size_t size = (size_t)info.st_size;
    char *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, descriptor, 0);
    copies = malloc(1 << 20);
    if (bytes == MAP_FAILED || copies == NULL)
        return 1;
    double best = 1e9, fares = 0;
    uint64_t rows = 0, lengths = 0;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        clock_t start = clock();
        const char *header = memchr(bytes, '\n', size), *at = header + 1;
        for (rows = lengths = 0, fares = 0; at < bytes + size;) {
            unsigned count = 0;
            copied_bytes = 0;
            while (count < ROWS && at < bytes + size)
                at = row(at, count++);
            for (unsigned i = 0; i < count; i++) {
                fares += columns.fare[i];
                lengths += columns.remark[i].length;
            }
            rows += count;
        }
        double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
        best = seconds < best ? seconds : best;
    }
    printf("bound %.1f MB/s rows %" PRIu64 " fares %.1f remarks %" PRIu64 "\n",
           (double)size * 1e-6 / best, rows, fares, lengths);
    return 0;
}
