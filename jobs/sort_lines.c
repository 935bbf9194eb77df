/* Sorts lines by their bytes: sort_lines INPUT... OUTPUT [--overwrite]
 * The part files of OUTPUT, one after another, are the sorted lines. */
#include <barks/barks.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: sort_lines INPUT... OUTPUT [--overwrite]\n"
    "Sorts the lines of text files by their bytes into OUTPUT/part-*.txt, which read one after\n"
    "another are the sorted lines; --barks-help lists what every job takes.\n";

int main(int argc, char **argv)
{
    barks_context *ctx = barks_init(&argc, &argv);
    bool overwrite = false, help = false;
    size_t path_count = 0; /* the paths are moved to the front of argv */
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            help = true;
        else if (strcmp(argv[i], "--overwrite") == 0)
            overwrite = true;
        else
            argv[path_count++] = argv[i];
    }
    if (help || path_count < 2) {
        fputs(usage, help ? stdout : stderr);
        return barks_finalize(ctx) + (help ? 0 : 2);
    }
    barks_rdd *lines = barks_read_text_paths(ctx, argv, path_count - 1);
    barks_rdd *sorted = barks_sort_by(lines, "text");
    barks_write_text(sorted, argv[path_count - 1], .overwrite = overwrite);
    return barks_finalize(ctx);
}
