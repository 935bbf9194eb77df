/* Sorts of files so long that only pieces of them are read for the sample: runtime/sampling.c. */
#include "rdd/shapes.h"
#include "support/property.h"

#include <glob.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LINES = 3100000, RUNS = 6, LINE_BYTES = 8 }; /* 25 MB, in 6 splits */

enum lines_kind { IN_SORTED_RUNS, ASCENDING, LINES_KINDS };

static char place[] = "/tmp/barks-test-XXXXXX";

static void write_lines(enum lines_kind kind, const char *path)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    for (uint32_t line = 0; line < LINES; line++) {
        uint32_t in_runs = line % (LINES / RUNS) * RUNS + line / (LINES / RUNS);
        fprintf(file, "%07" PRIu32 "\n", kind == ASCENDING ? line : in_runs);
    }
    ck_assert_int_eq(fclose(file), 0);
}

BARKS_FILTER(is_wanted, barks_text)
{
    return barks_str_starts_with(in->text, BARKS_STR_LITERAL("00000"));
}

static barks_context *begin(void)
{
    char program[] = "test", quiet[] = "--barks-quiet", local[] = "--barks-local=2",
         splits[] = "--barks-split-bytes=4200000";
    char *arguments[] = {program, quiet, local, splits, NULL};
    char **argv = arguments;
    int argc = 4;
    return barks_init(&argc, &argv);
}

/* The parts' rows are in order and all there; the largest part has at most twice its share. */
static void check_parts(const char *output, uint64_t row_count)
{
    char pattern[300], text[LINE_BYTES + 1] = {0}, before[LINE_BYTES + 1] = {0};
    glob_t parts;
    uint64_t found = 0;
    snprintf(pattern, sizeof pattern, "%s/part-*", output);
    ck_assert_int_eq(glob(pattern, 0, NULL, &parts), 0);
    for (size_t i = 0; i < parts.gl_pathc; i++) {
        struct stat info;
        FILE *file = fopen(parts.gl_pathv[i], "r");
        ck_assert_ptr_nonnull(file);
        for (; fread(text, LINE_BYTES, 1, file) == 1; found++) {
            ck_assert_int_ge(strcmp(text, before), 0);
            memcpy(before, text, sizeof text);
        }
        ck_assert_int_eq(fstat(fileno(file), &info), 0);
        ck_assert_uint_le((uint64_t)info.st_size,
                          2 * row_count * LINE_BYTES / parts.gl_pathc + 100 * LINE_BYTES);
        fclose(file);
    }
    globfree(&parts);
    ck_assert_uint_eq(found, row_count);
}

START_TEST(parts_are_even_whatever_the_order_of_a_file)
{
    char input[200], output[200], command[100];
    ck_assert_ptr_nonnull(mkdtemp(place));
    snprintf(input, sizeof input, "%s/input", place);
    snprintf(output, sizeof output, "%s/output", place);
    barks_context *context = begin();
    for (enum lines_kind kind = IN_SORTED_RUNS; kind < LINES_KINDS; kind++) {
        write_lines(kind, input);
        ck_assert(barks_write_text(barks_sort_by(barks_read_text(context, input), "text"), output,
                                   .overwrite = true));
        check_parts(output, LINES);
    }
    /* Of which pieces of the file have hardly any: they lie in one place. */
    barks_rdd *few = barks_filter(barks_read_text(context, input), is_wanted, NULL);
    ck_assert(barks_write_text(barks_sort_by(few, "text"), output, .overwrite = true));
    check_parts(output, 100);
    ck_assert_int_eq(barks_finalize(context), 0);
    snprintf(command, sizeof command, "rm -rf '%s'", place);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

SUITE_MAIN("rdd/sampled_files", parts_are_even_whatever_the_order_of_a_file)
