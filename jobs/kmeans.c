/* Finds K centers of points: kmeans POINTS OUTPUT K [ROUNDS]
 * The first K points are the first centers; sums are exact, so any number of ranks gives the same.
 */
#include <barks/barks.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CENTERS_MAX = 100 };

BARKS_RECORD(point, (f64, x), (f64, y));
BARKS_RECORD(assigned, (f64, x), (f64, y), (i64, center));
BARKS_RECORD(cluster, (i64, center), (i64, count), (record(barks_sum), x), (record(barks_sum), y));

struct centers {
    int64_t count;
    double x[CENTERS_MAX], y[CENTERS_MAX];
};

BARKS_MAP(assign, point, assigned, struct centers)
{
    double least = 0;
    *out = (struct assigned){.x = in->x, .y = in->y};
    for (int64_t i = 0; i < env->count; i++) {
        double dx = in->x - env->x[i], dy = in->y - env->y[i], d = dx * dx + dy * dy;
        if (i == 0 || d < least) {
            least = d;
            out->center = i;
        }
    }
}

BARKS_AGGREGATE(add_point, assigned, cluster)
{
    acc->count++;
    barks_sum_add(&acc->x, in->x);
    barks_sum_add(&acc->y, in->y);
}
BARKS_REDUCE(merge, cluster)
{
    acc->count += in->count;
    barks_sum_merge(&acc->x, &in->x);
    barks_sum_merge(&acc->y, &in->y);
}

int main(int argc, char **argv)
{
    barks_context *ctx = barks_init(&argc, &argv);
    int64_t k = argc > 3 ? strtoll(argv[3], NULL, 10) : 0, n = 0;
    long rounds = argc == 5 ? strtol(argv[4], NULL, 10) : 10;
    if (argc < 4 || argc > 5 || k < 1 || k > CENTERS_MAX || rounds < 0) {
        bool help = argc == 2 && strcmp(argv[1], "--help") == 0;
        fputs("usage: kmeans POINTS OUTPUT K [ROUNDS]\nPOINTS is CSV of x,y; K is at most 100. "
              "Writes x,y,center to OUTPUT/part-*.csv and prints the centers.\n",
              help ? stdout : stderr);
        return barks_finalize(ctx) + (help ? 0 : 2);
    }
    barks_rdd *points = barks_cache(barks_read_csv(ctx, argv[1], point));
    struct point *first = barks_take(points, k, point, &n);
    struct centers centers = {.count = n};
    for (int64_t i = 0; first != NULL && i < n; i++)
        centers.x[i] = first[i].x, centers.y[i] = first[i].y;
    for (long round = 0; first != NULL && round < rounds; round++) {
        barks_rdd *near = barks_map(points, assign, &centers);
        struct cluster *found =
            barks_collect(barks_aggregate_by_key(near, "center", add_point, merge), cluster, &n);
        for (int64_t i = 0; found != NULL && i < n; i++) {
            centers.x[found[i].center] = barks_sum_value(&found[i].x) / (double)found[i].count;
            centers.y[found[i].center] = barks_sum_value(&found[i].y) / (double)found[i].count;
        }
    }
    if (barks_write_csv(barks_map(points, assign, &centers), argv[2]))
        for (int64_t i = 0; i < centers.count; i++)
            printf("%.6f,%.6f\n", centers.x[i], centers.y[i]);
    return barks_finalize(ctx);
}
