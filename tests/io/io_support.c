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
    ck_assert_msg(status == NULL, "%s", text);
}

void must_fail(barks_status *status, barks_code code, ...)
{
    char text[4000];
    va_list wanted;
    ck_assert_msg(status != NULL, "it should have failed");
    (void)barks_status_format(status, text, sizeof text);
    ck_assert_msg(barks_status_code(status) == code, "%s instead of %s: %s",
                  barks_code_name(barks_status_code(status)), barks_code_name(code), text);
    va_start(wanted, code);
    for (const char *part = va_arg(wanted, const char *); part != NULL;
         part = va_arg(wanted, const char *))
        ck_assert_msg(strstr(text, part) != NULL, "'%s' is not in: %s", part, text);
    va_end(wanted);
    barks_status_free(status);
}

char *make_directory(void)
{
    const char *base = getenv("TMPDIR");
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

const char *path_in(const char *directory, const char *name)
{
    static char paths[8][600];
    static unsigned next;
    char *path = paths[next++ % 8];
    ck_assert_int_lt(snprintf(path, sizeof paths[0], "%s/%s", directory, name), sizeof paths[0]);
    return path;
}

void write_file(const char *path, const void *bytes, size_t size_bytes)
{
    FILE *file = fopen(path, "we");
    ck_assert_msg(file != NULL, "cannot create %s", path);
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
    ck_assert_msg(file != NULL, "cannot open %s", path);
    char *content = read_stream(file, out_size_bytes);
    ck_assert_int_eq(fclose(file), 0);
    return content;
}

struct split split_of(const char *path)
{
    struct stat info;
    ck_assert_msg(stat(path, &info) == 0, "no file %s", path);
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
    ck_assert_msg(pipe != NULL, "cannot run %s", command);
    char *output = read_stream(pipe, out_size_bytes);
    *out_status = pclose(pipe);
    return output;
}
