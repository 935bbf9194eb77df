/* Joins two CSV files: join_csv LEFT RIGHT KEYS OUTPUT [--kind inner|left|right|full|semi|anti] */
#include <barks/barks.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
    "usage: join_csv LEFT RIGHT KEYS OUTPUT [--kind KIND] [--overwrite]\n"
    "Joins the rows of two CSV inputs, which have headers and whose types are inferred, on KEYS\n"
    "(\"id\" or \"year, month\", columns of both) into OUTPUT/part-*.csv. KIND is inner (if left\n"
    "out), left, right, full, semi or anti. --barks-help lists what every job takes.\n";

static barks_rdd *join(const char *kind, barks_rdd *left, barks_rdd *right, const char *keys)
{
    if (strcmp(kind, "inner") == 0)
        return barks_join(left, right, keys);
    if (strcmp(kind, "left") == 0)
        return barks_left_join(left, right, keys);
    if (strcmp(kind, "right") == 0)
        return barks_right_join(left, right, keys);
    if (strcmp(kind, "full") == 0)
        return barks_full_join(left, right, keys);
    if (strcmp(kind, "semi") == 0)
        return barks_semi_join(left, right, keys);
    return strcmp(kind, "anti") == 0 ? barks_anti_join(left, right, keys) : NULL;
}

int main(int argc, char **argv)
{
    barks_context *ctx = barks_init(&argc, &argv);
    bool overwrite = false, help = false;
    const char *kind = "inner";
    int count = 0; /* the paths and the keys are moved to the front of argv */
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            help = true;
        else if (strcmp(argv[i], "--overwrite") == 0)
            overwrite = true;
        else if (strcmp(argv[i], "--kind") == 0 && i + 1 < argc)
            kind = argv[++i];
        else
            argv[count++] = argv[i];
    }
    barks_rdd *joined = NULL;
    if (!help && count == 4)
        joined = join(kind, barks_read_csv_inferred(ctx, argv[0], .header = BARKS_ALWAYS),
                      barks_read_csv_inferred(ctx, argv[1], .header = BARKS_ALWAYS), argv[2]);
    if (joined == NULL) {
        fputs(usage, help ? stdout : stderr);
        return barks_finalize(ctx) + (help ? 0 : 2);
    }
    barks_write_csv(joined, argv[3], .overwrite = overwrite);
    return barks_finalize(ctx);
}
