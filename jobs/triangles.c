/* Counts the triangles of a graph: triangles EDGES
 * An edge is taken once, from its smaller node to its larger, so that a triangle is found once. */
#include <barks/barks.h>
#include <stdio.h>
#include <string.h>

BARKS_RECORD(edge, (i64, a), (i64, b));
BARKS_RECORD(wedge, (i64, a), (i64, b), (i64, c));

BARKS_FLAT_MAP(direct, edge, edge)
{
    if (in->a != in->b)
        emit(.a = in->a < in->b ? in->a : in->b, .b = in->a < in->b ? in->b : in->a);
}

BARKS_FILTER(is_ordered, wedge) { return in->b < in->c; }

int main(int argc, char **argv)
{
    barks_context *ctx = barks_init(&argc, &argv);
    if (argc != 2 || strcmp(argv[1], "--help") == 0) {
        bool help = argc == 2;
        fputs("usage: triangles EDGES\nEDGES is CSV of a,b; prints how many triangles there are.\n",
              help ? stdout : stderr);
        return barks_finalize(ctx) + (help ? 0 : 2);
    }
    barks_rdd *edges = barks_cache(
        barks_distinct(barks_flat_map(barks_read_csv(ctx, argv[1], edge), direct, NULL)));
    barks_rdd *wedges = barks_join(edges, barks_rename(edges, "b as c"), "a");
    barks_rdd *closed = barks_semi_join(barks_filter(wedges, is_ordered, NULL),
                                        barks_rename(edges, "a as b, b as c"), "b, c");
    int64_t count = barks_count(closed);
    if (count >= 0)
        printf("%lld triangles\n", (long long)count);
    return barks_finalize(ctx);
}
