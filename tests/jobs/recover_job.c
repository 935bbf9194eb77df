/* Jobs that an executor may be lost with: recover_job MODE OUTPUT. What they write does not follow
 * from ranks or losses.
 *   counted    two stages whose bodies add to accumulators, which are printed
 *   sent       sums by key of rows that were dealt to others before, which are counted
 *   thrown     rows whose keys are others each time that they are computed, said to be so, are
 *              grouped by these; one row of each is written
 *   hot        a join with a key that has most rows of the side that is mapped first
 *   hot_late   of the other side: what the first has sent is copied afterwards
 *   large      a join of partitions that were asked for, of which one has most rows, and sums of it
 *   shipped    what executors have of a file that was shipped
 *   broadcast  a join whose right side is brought to all executors */
#include <barks/barks.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SHIPPED "weights"
enum { ROWS = 60000, FEW = 3000, KEYS = 60000, HOT = 7, PARTITIONS = 8 };

BARKS_RECORD(row, (i64, key), (i64, id));
BARKS_RECORD(id_only, (i64, id));

struct counters {
    barks_accumulator rows, keys;
};

struct making {
    int64_t hot_percent;
};

BARKS_MAP(make_row, barks_number, row, struct making)
{
    bool is_hot = in->value * 7919 % 100 < env->hot_percent;
    *out = (struct row){.key = is_hot ? HOT : in->value % KEYS, .id = in->value};
}
BARKS_MAP(count_row, barks_number, row, struct counters)
{
    barks_add(env->rows, 1);
    *out = (struct row){.key = in->value % FEW, .id = in->value};
}
BARKS_REDUCE(add_ids, row) { acc->id += in->id; }
BARKS_MAP(count_key, row, row, struct counters)
{
    barks_add(env->keys, in->key);
    *out = *in;
}

BARKS_MAP(by_id, id_only, row) { *out = (struct row){.key = in->id % 1000, .id = in->id}; }

/* Of each partition the file's bytes and a hash of them. */
BARKS_FLAT_MAP(read_shipped, barks_number, row)
{
    const char *path = barks_shipped(SHIPPED);
    FILE *file = path != NULL && in->value % 100 == 0 ? fopen(path, "rb") : NULL;
    int64_t bytes = 0, hash = 0;
    for (int byte = 0; file != NULL && (byte = getc_unlocked(file)) != EOF; bytes++)
        hash = (hash * 31 + byte) % 1000003;
    if (file != NULL && fclose(file) == 0)
        emit(.key = bytes, .id = hash);
}

/* 20 MB in a directory that is gone when it has been shipped. */
static bool ship(barks_context *context)
{
    char folder[] = "/tmp/barks-recover-XXXXXX", path[sizeof folder + sizeof SHIPPED];
    if (mkdtemp(folder) == NULL)
        return false;
    snprintf(path, sizeof path, "%s/" SHIPPED, folder);
    FILE *file = fopen(path, "wb");
    for (uint32_t i = 0; file != NULL && i < 20 << 20; i++)
        putc_unlocked((int)(i * 7919 >> 7 & 255), file);
    bool is_shipped = file != NULL && fclose(file) == 0 && barks_ship(context, path);
    return remove(path) == 0 && rmdir(folder) == 0 && is_shipped;
}

/* Not even the same in two attempts at one task. */
BARKS_MAP(throw_key, barks_number, row)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t mixed = (uint64_t)(now.tv_nsec + in->value) * UINT64_C(0x9e3779b97f4a7c15);
    *out = (struct row){.key = (int64_t)(mixed >> 52), .id = in->value};
}
BARKS_GROUP(ids_of, row, id_only)
{
    struct row next;
    while (barks_next_row(rows, &next))
        emit(.id = next.id);
}

static barks_rdd *numbers(barks_context *context, int64_t count)
{
    return barks_range(context, 0, count, 1, PARTITIONS);
}

static barks_rdd *made(barks_context *context, int64_t count, int64_t hot_percent)
{
    struct making making = {.hot_percent = hot_percent};
    return barks_map(numbers(context, count), make_row, &making);
}

static barks_rdd *joined(barks_rdd *left, barks_rdd *right, int broadcast)
{
    return barks_join(left, barks_rename(right, "id as other"), "key", .broadcast = broadcast);
}

static barks_rdd *result_of(barks_context *context, const char *mode, struct counters *counters)
{
    if (strcmp(mode, "counted") == 0) {
        barks_rdd *counted = barks_map(numbers(context, ROWS), count_row, counters);
        barks_rdd *sums = barks_reduce_by_key(counted, "key", add_ids);
        return barks_sort_by(barks_map(sums, count_key, counters), "id, key");
    }
    if (strcmp(mode, "sent") == 0) {
        barks_rdd *sent = barks_repartition(numbers(context, 20 * ROWS), 10 * PARTITIONS);
        return barks_reduce_by_key(barks_map(sent, count_row, counters), "key", add_ids);
    }
    if (strcmp(mode, "thrown") == 0) {
        barks_rdd *thrown = barks_map(numbers(context, ROWS), throw_key, NULL);
        thrown = barks_set_determinism(thrown, BARKS_INDETERMINATE);
        return barks_group_with(thrown, "key", ids_of);
    }
    if (strcmp(mode, "hot") == 0)
        return joined(made(context, ROWS, 80), made(context, FEW, 0), BARKS_NEVER);
    if (strcmp(mode, "shipped") == 0)
        return barks_flat_map(numbers(context, ship(context) ? 800 : 0), read_shipped, NULL);
    if (strcmp(mode, "large") == 0) {
        barks_rdd *left = made(context, 20 * ROWS, 80);
        barks_rdd *right = barks_rename(made(context, FEW, 0), "id as other");
        barks_rdd *pairs = barks_join(left, right, "key", .partitions = PARTITIONS);
        return barks_reduce_by_key(barks_map(pairs, by_id, NULL), "key", add_ids);
    }
    if (strcmp(mode, "hot_late") == 0)
        return joined(made(context, 2 * ROWS, 0), made(context, ROWS, 80), BARKS_NEVER);
    return joined(made(context, ROWS, 0), made(context, FEW, 0), BARKS_ALWAYS);
}

int main(int argc, char **argv)
{
    barks_context *context = barks_init(&argc, &argv);
    if (argc != 3) {
        fprintf(stderr, "usage: recover_job MODE OUTPUT\n");
        return barks_finalize(context) + 2;
    }
    struct counters counters = {.rows = barks_counter(context, "rows"),
                                .keys = barks_counter(context, "keys")};
    /* What fails is in the status of barks_finalize. */
    (void)barks_write_csv(result_of(context, argv[1], &counters), argv[2]);
    printf("%" PRId64 " rows, keys add up to %" PRId64 "\n",
           barks_counter_value(context, counters.rows),
           barks_counter_value(context, counters.keys));
    return barks_finalize(context);
}
