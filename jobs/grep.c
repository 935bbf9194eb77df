/* Finds lines: grep PATTERN INPUT... OUTPUT [--overwrite]
 * Keeps the lines that contain PATTERN, a fixed string, in the order of the input. */
#include <barks/barks.h>
#include <stdio.h>
#include <string.h>

enum { PATTERN_BYTES = 1024 };

BARKS_RECORD(line, (str, text));

struct pattern {
    uint32_t length;
    char bytes[PATTERN_BYTES];
};

BARKS_FILTER(contains, line, struct pattern)
{
    return barks_str_find(in->text, barks_str_of(env->bytes, env->length)) >= 0;
}

static const char usage[] =
    "usage: grep PATTERN INPUT... OUTPUT [--overwrite]\n"
    "Writes the lines of text files that contain PATTERN (a fixed string of at most\n"
    "1024 bytes) to OUTPUT/part-*.txt; --barks-help lists what every job takes.\n";

int main(int argc, char **argv)
{
    barks_context *ctx = barks_init(&argc, &argv);
    bool overwrite = false, help = false;
    size_t count = 0; /* pattern and paths are moved to the front of argv */
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            help = true;
        else if (strcmp(argv[i], "--overwrite") == 0)
            overwrite = true;
        else
            argv[count++] = argv[i];
    }
    if (help || count < 3 || strlen(argv[0]) > PATTERN_BYTES) {
        fputs(usage, help ? stdout : stderr);
        return barks_finalize(ctx) + (help ? 0 : 2);
    }
    struct pattern pattern = {.length = (uint32_t)strlen(argv[0])};
    memcpy(pattern.bytes, argv[0], pattern.length);
    barks_rdd *lines = barks_read_text_paths(ctx, argv + 1, count - 2);
    barks_rdd *found = barks_filter(lines, contains, &pattern);
    barks_write_text(found, argv[count - 1], .overwrite = overwrite);
    return barks_finalize(ctx);
}
