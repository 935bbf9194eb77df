/* Ranks pages by their links: pagerank EDGES OUTPUT [ROUNDS] [--unsorted] [--overwrite]
 * Sums are exact (barks_sum), so any number of ranks gives the same digits. */
#include <barks/barks.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

BARKS_RECORD(edge, (i64, page), (i64, target));
BARKS_RECORD(degree, (i64, page), (i64, links));
BARKS_RECORD(link, (i64, page), (i64, target), (i64, links), (f64, rank));
BARKS_RECORD(share, (i64, page), (record(barks_sum), sum));
BARKS_RECORD(ranked, (i64, page), (f64, rank));

BARKS_MAP(one_link, edge, degree) { *out = (struct degree){.page = in->page, .links = 1}; }
BARKS_REDUCE(add_links, degree) { acc->links += in->links; }

BARKS_FLAT_MAP(both_ends, edge, ranked)
{
    emit(.page = in->page, .rank = 1);
    emit(.page = in->target, .rank = 1);
}

BARKS_MAP(give_share, link, share)
{
    out->page = in->target;
    barks_sum_add(&out->sum, in->rank / (double)in->links);
}
BARKS_MAP(no_share, ranked, share) { out->page = in->page; } /* of pages without links to them */
BARKS_REDUCE(add_shares, share) { barks_sum_merge(&acc->sum, &in->sum); }

BARKS_MAP(damp, share, ranked)
{
    out->page = in->page;
    out->rank = 0.15 + 0.85 * barks_sum_value(&in->sum);
}

static const char usage[] =
    "usage: pagerank EDGES OUTPUT [ROUNDS] [--unsorted] [--overwrite]\n"
    "EDGES is CSV of page,target; after ROUNDS (10) writes page,rank to OUTPUT/part-*.csv, highest "
    "first, or\nwith --unsorted in any order. --barks-help lists what every job takes.\n";

int main(int argc, char **argv)
{
    barks_context *ctx = barks_init(&argc, &argv);
    bool unsorted = false, overwrite = false, help = false;
    int count = 0; /* of the arguments that are moved to the front of argv */
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            help = true;
        else if (strcmp(argv[i], "--unsorted") == 0)
            unsorted = true;
        else if (strcmp(argv[i], "--overwrite") == 0)
            overwrite = true;
        else
            argv[count++] = argv[i];
    }
    long rounds = count == 3 ? strtol(argv[2], NULL, 10) : 10;
    if (help || count < 2 || count > 3 || rounds < 0) {
        fputs(usage, help ? stdout : stderr);
        return barks_finalize(ctx) + (help ? 0 : 2);
    }
    barks_rdd *edges = barks_read_csv(ctx, argv[0], edge);
    barks_rdd *degrees = barks_reduce_by_key(barks_map(edges, one_link, NULL), "page", add_links);
    barks_rdd *links = barks_cache(barks_join(edges, degrees, "page", .broadcast = BARKS_NEVER));
    barks_rdd *pages = barks_cache(barks_distinct(barks_flat_map(edges, both_ends, NULL)));
    barks_rdd *none = barks_map(pages, no_share, NULL), *ranks = pages;
    uint32_t partitions = barks_partition_count(links);
    for (long i = 0; i < rounds; i++) { /* links and ranks lie by page: only shares travel */
        barks_rdd *shares = barks_map(barks_join(links, ranks, "page"), give_share, NULL);
        barks_rdd *sums = barks_reduce_by_key(barks_union(shares, none), "page", add_shares,
                                              .partitions = partitions);
        ranks = barks_map_keeping(sums, damp, NULL);
    }
    if (!unsorted)
        ranks = barks_sort_by(ranks, "rank desc, page");
    barks_write_csv(ranks, argv[1], .overwrite = overwrite);
    return barks_finalize(ctx);
}
