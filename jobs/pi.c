/* Estimates pi by random points in a square: pi [SAMPLES]
 * The points depend on their number alone, so any number of ranks gives the same digits. */
#include <barks/barks.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TASKS = 64 };

BARKS_RECORD(points, (i64, first), (i64, end));
BARKS_RECORD(hits, (i64, inside), (i64, total));

static uint64_t mix(uint64_t x) /* splitmix64, Steele et al. 2014 */
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

BARKS_MAP(throw_points, points, hits)
{
    for (int64_t i = in->first; i < in->end; i++) {
        double x = (double)(mix((uint64_t)i * 2) >> 11) * 0x1p-53;
        double y = (double)(mix((uint64_t)i * 2 + 1) >> 11) * 0x1p-53;
        out->inside += x * x + y * y < 1;
    }
    out->total = in->end - in->first;
}

BARKS_REDUCE(add_hits, hits)
{
    acc->inside += in->inside;
    acc->total += in->total;
}

int main(int argc, char **argv)
{
    barks_context *ctx = barks_init(&argc, &argv);
    long long samples = argc > 1 ? strtoll(argv[1], NULL, 10) : 100 * 1000 * 1000;
    if (argc > 2 || samples < 1) {
        bool help = argc == 2 && strcmp(argv[1], "--help") == 0;
        fputs("usage: pi [SAMPLES]\nEstimates pi from SAMPLES random points (100 million); "
              "--barks-help lists more.\n",
              help ? stdout : stderr);
        return barks_finalize(ctx) + (help ? 0 : 2);
    }
    struct points ranges[TASKS];
    for (int64_t i = 0; i < TASKS; i++)
        ranges[i] = (struct points){.first = samples / TASKS * i,
                                    .end = i + 1 < TASKS ? samples / TASKS * (i + 1) : samples};
    struct hits sum = {0};
    barks_rdd *thrown =
        barks_map(barks_parallelize(ctx, points, ranges, TASKS, TASKS), throw_points, NULL);
    if (barks_reduce(thrown, add_hits, &sum))
        printf("pi is about %.6f (%lld points)\n", 4.0 * (double)sum.inside / (double)sum.total,
               (long long)sum.total);
    return barks_finalize(ctx);
}
