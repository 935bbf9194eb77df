/* All pairs of nodes with a path between them: transitive_closure EDGES OUTPUT */
#include <barks/barks.h>
#include <stdio.h>
#include <string.h>

BARKS_RECORD(edge, (i64, from), (i64, to));

/* Paths, and those that are an edge longer. */
static barks_rdd *lengthen(barks_rdd *paths, int64_t round, void *edges)
{
    (void)round;
    barks_rdd *ends = barks_rename(paths, "to as middle");
    barks_rdd *longer = barks_join(ends, barks_rename(edges, "from as middle"), "middle");
    return barks_distinct(barks_union(paths, barks_select(longer, "from, to")));
}

int main(int argc, char **argv)
{
    barks_context *ctx = barks_init(&argc, &argv);
    if (argc != 3) {
        bool help = argc == 2 && strcmp(argv[1], "--help") == 0;
        fputs("usage: transitive_closure EDGES OUTPUT\nEDGES is CSV of from,to; writes the pairs "
              "from,to that a path joins to OUTPUT/part-*.csv.\n",
              help ? stdout : stderr);
        return barks_finalize(ctx) + (help ? 0 : 2);
    }
    barks_rdd *edges = barks_cache(barks_distinct(barks_read_csv(ctx, argv[1], edge)));
    barks_rdd *paths = barks_repeat(edges, lengthen, edges, .until = barks_until_same_count);
    int64_t count = barks_count(paths);
    if (count >= 0 && barks_write_csv(barks_sort_by(paths, "from, to"), argv[2]))
        printf("%lld pairs\n", (long long)count);
    return barks_finalize(ctx);
}
