/* Sorts records of 100 bytes, whose first 10 are the key: terasort INPUT OUTPUT [--lines]
 * With --lines the records are lines of text. terasort_check judges the result. */
#include <barks/barks.h>
#include <stdio.h>
#include <string.h>

enum { RECORD_BYTES = 100 };

static const char usage[] =
    "usage: terasort INPUT OUTPUT [--lines] [--overwrite]\n"
    "Sorts records of 100 bytes by their bytes, of which the first 10 are the key, into\n"
    "OUTPUT/part-*.bin; with --lines lines of text into OUTPUT/part-*.txt. The parts, one after\n"
    "another, are sorted. --barks-help lists what every job takes.\n";

int main(int argc, char **argv)
{
    barks_context *ctx = barks_init(&argc, &argv);
    bool lines = false, overwrite = false, help = false;
    int count = 0; /* the paths are moved to the front of argv */
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            help = true;
        else if (strcmp(argv[i], "--lines") == 0)
            lines = true;
        else if (strcmp(argv[i], "--overwrite") == 0)
            overwrite = true;
        else
            argv[count++] = argv[i];
    }
    if (help || count != 2) {
        fputs(usage, help ? stdout : stderr);
        return barks_finalize(ctx) + (help ? 0 : 2);
    }
    if (lines)
        barks_write_text(barks_sort_by(barks_read_text(ctx, argv[0]), "text"), argv[1],
                         .overwrite = overwrite);
    else
        barks_write_fixed(barks_sort_by(barks_read_fixed(ctx, argv[0], RECORD_BYTES), "data"),
                          argv[1], .overwrite = overwrite);
    return barks_finalize(ctx);
}
