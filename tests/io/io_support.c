#include "io_support.h"

#include "base/scope.h"
#include "io/directory.h"
#include "io/listing.h"

#include <check.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void must(barks_status *status)
{
    char text[1000];
    (void)barks_status_format(status, text, sizeof text);
    REQUIRE(status == NULL, "%s", text);
}

void must_fail(barks_status *status, barks_code code, ...)
{
    char text[3000];
    va_list wanted;
    REQUIRE(status != NULL, "it should have failed");
    (void)barks_status_format(status, text, sizeof text);
    REQUIRE(barks_status_code(status) == code, "%s instead of %s: %s",
            barks_code_name(barks_status_code(status)), barks_code_name(code), text);
    va_start(wanted, code);
    for (const char *part = va_arg(wanted, const char *); part != NULL;
         part = va_arg(wanted, const char *))
        REQUIRE(strstr(text, part) != NULL, "'%s' is not in: %s", part, text);
    va_end(wanted);
    barks_status_free(status);
}

char *make_directory(void)
{
    const char *base = getenv("TMPDIR");
    if (base == NULL && access("/dev/shm", W_OK | X_OK) == 0)
        base = "/dev/shm"; /* thousands of small files: a busy disk would decide how long a test
                              takes */
    char *path = NULL;
    ck_assert_int_gt(asprintf(&path, "%s/barks-io-XXXXXX", base != NULL ? base : "/tmp"), 0);
    ck_assert_ptr_nonnull(mkdtemp(path));
    return path;
}

void remove_directory(char *directory)
{
    must(directory_remove(directory));
    free(directory);
}

/* Kept until the process of the test ends, where a global makes them no leaks. */
static struct path_list kept_paths;

const char *path_in(const char *directory, const char *name)
{
    size_t i = 0;
    must(path_list_add(&kept_paths, directory, name, PATH_UNKNOWN));
    const char *path = kept_paths.entries[kept_paths.count - 1].path;
    while (strcmp(kept_paths.entries[i].path, path) != 0)
        i++;
    if (i + 1 < kept_paths.count) /* asked for before, maybe a thousand times */
        free(kept_paths.entries[--kept_paths.count].path);
    return kept_paths.entries[i].path;
}

void write_file(const char *path, const void *bytes, size_t size_bytes)
{
    FILE *file = fopen(path, "we");
    REQUIRE(file != NULL, "cannot create %s", path);
    ck_assert_uint_eq(fwrite(bytes, 1, size_bytes, file), size_bytes);
    ck_assert_int_eq(fclose(file), 0);
}

void write_text_file(const char *path, const char *text) { write_file(path, text, strlen(text)); }

static char *read_stream(FILE *file, size_t *out_size_bytes)
{
    size_t size_bytes = 0;
    size_t capacity = 4096;
    char *content = malloc(capacity + 1);
    size_t got = 0;
    while ((got = fread(content + size_bytes, 1, capacity - size_bytes, file)) > 0) {
        size_bytes += got;
        if (size_bytes == capacity)
            content = realloc(content, (capacity *= 2) + 1);
        ck_assert_ptr_nonnull(content);
    }
    content[size_bytes] = '\0';
    *out_size_bytes = size_bytes;
    return content;
}

char *read_file(const char *path, size_t *out_size_bytes)
{
    FILE *file = fopen(path, "re");
    REQUIRE(file != NULL, "cannot open %s", path);
    char *content = read_stream(file, out_size_bytes);
    ck_assert_int_eq(fclose(file), 0);
    return content;
}

struct split split_of(const char *path)
{
    struct stat info;
    REQUIRE(stat(path, &info) == 0, "no file %s", path);
    return (struct split){
        .path = path,
        .end = (uint64_t)info.st_size,
        .file_bytes = (uint64_t)info.st_size,
        .mtime_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec,
    };
}

char *run_command(const char *command, size_t *out_size_bytes, int *out_status)
{
    FILE *pipe = popen(command, "re");
    REQUIRE(pipe != NULL, "cannot run %s", command);
    char *output = read_stream(pipe, out_size_bytes);
    *out_status = pclose(pipe);
    return output;
}
