/* Ranks pages by their links: pagerank EDGES OUTPUT [ROUNDS] [--unsorted] [--overwrite]
 * Shares of ranks are whole multiples of 2^-40, whose sums are exact: any number of ranks gives the
 * same digits. A rank may be up to 2^23, a page's number below 2^31: most of the memory is pages,
 * and those of 64 bits would double it. */
#include <barks/barks.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double unit = 1.0 / ((int64_t)1 << 40);

BARKS_RECORD(edge, (i32, page), (i32, target));
BARKS_RECORD(page_links, (i32, page), (list(i32), target));
BARKS_RECORD(page_only, (i32, page));
BARKS_RECORD(share, (i32, page), (i64, units)); /* of the ranks of pages that link to it */
BARKS_RECORD(giver, (list(i32), target), (optional(i64), units));
BARKS_RECORD(ranked, (i32, page), (f64, rank));

static double rank_of(int64_t units) { return 0.15 + 0.85 * (double)units * unit; }

static int64_t units_for_each(double rank, uint32_t link_count)
{
    return (int64_t)(rank / link_count / unit + 0.5);
}

BARKS_FLAT_MAP(give_first, page_links, share) /* every rank is 1 */
{
    int64_t units = units_for_each(1, in->target.count);
    for (uint32_t i = 0; i < in->target.count; i++)
        emit(.page = in->target.items[i], .units = units);
}

BARKS_FLAT_MAP(give_shares, giver, share) /* no units: no page links to it */
{
    double rank = rank_of(in->units.valid ? in->units.value : 0);
    int64_t units = units_for_each(rank, in->target.count);
    for (uint32_t i = 0; i < in->target.count; i++)
        emit(.page = in->target.items[i], .units = units);
}

BARKS_REDUCE(add_shares, share) { acc->units += in->units; }

BARKS_PAIR(to_rank, page_only, share, ranked, long) /* env: rounds */
{
    out->page = left != NULL ? left->page : right->page;
    out->rank = *env == 0 ? 1 : rank_of(right != NULL ? right->units : 0);
}

static const char usage[] =
    "usage: pagerank EDGES OUTPUT [ROUNDS] [--unsorted] [--overwrite]\n"
    "EDGES is CSV of page,target, whole numbers below 2^31; after ROUNDS (10) writes page,rank to\n"
    "OUTPUT/part-*.csv, highest first, or with --unsorted in any order. --barks-help lists what "
    "every job takes.\n";

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
    barks_rdd *edges = barks_read_csv(ctx, argv[0], edge, .multiline = BARKS_NEVER);
    barks_rdd *links = barks_cache(barks_group_by_key(edges, "page"));
    if (barks_count(links) < 0) /* so that they lie in memory before the rounds */
        return barks_finalize(ctx);
    barks_rdd *given = barks_flat_map(links, give_first, NULL), *shares = NULL;
    uint32_t partitions = barks_partition_count(links);
    for (long i = 0; i < rounds || i == 0; i++) { /* both lie by page: only what is given travels */
        shares = barks_reduce_by_key(given, "page", add_shares, .partitions = partitions);
        barks_rdd *givers = barks_left_join(links, shares, "page", .broadcast = BARKS_NEVER);
        given = barks_flat_map(givers, give_shares, NULL);
    }
    barks_rdd *ranks = barks_full_join_with(links, shares, "page", to_rank, .env = &rounds);
    if (!unsorted)
        ranks = barks_sort_by(ranks, "rank desc, page");
    barks_write_csv(ranks, argv[1], .overwrite = overwrite);
    return barks_finalize(ctx);
}
