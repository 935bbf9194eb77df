/* What the tests of this layer share: files to read, places to write, statuses to judge. */
#pragma once

#include "barks/status.h"
#include "io/split.h"

#include <check.h>

#include <stddef.h>
#include <stdint.h>

/* ck_assert_msg for loops: check notes each assertion that it passes in a file, which is slow a
 * million times. */
#define REQUIRE(condition, ...)                                                                    \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg(__VA_ARGS__);                                                             \
    } while (0)

/* The status must be success; else the test fails with its text. */
void must(barks_status *status);

/* The status must have the code, and each of the texts (up to a NULL) somewhere in its chain. Frees
 * it. */
void must_fail(barks_status *status, barks_code code, ...) __attribute__((sentinel));

/* A new empty directory, to be given to remove_directory. */
char *make_directory(void);
void remove_directory(char *directory);

/* "DIRECTORY/NAME", which stays where it is. */
const char *path_in(const char *directory, const char *name);

void write_file(const char *path, const void *bytes, size_t size_bytes);
void write_text_file(const char *path, const char *text);

/* The content, with a zero byte after it; to be freed. */
char *read_file(const char *path, size_t *out_size_bytes);

/* The whole file as one split. */
struct split split_of(const char *path);

/* The standard output of a shell command, to be freed; *out_status is that of system(3). */
char *run_command(const char *command, size_t *out_size_bytes, int *out_status);
