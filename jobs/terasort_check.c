/* Judges what terasort has written: terasort_check INPUT OUTPUT
 * The output is right when its records are in order, and as many and of the same sum as the
 * input's. */
#include <barks/barks.h>
#include <stdio.h>
#include <string.h>

enum { RECORD_BYTES = 100 };

/* A partition: its first and last record, and what does not depend on the order. */
BARKS_RECORD(run, (bytes, first), (bytes, last), (i64, records), (i64, sum), (bool, sorted));

struct state {
    char first[RECORD_BYTES], last[RECORD_BYTES];
    struct run run;
    bool out_of_order;
};

BARKS_MAP_PARTITIONS(check_order, barks_binary, run, struct state)
{
    for (uint32_t i = 0; phase == BARKS_BATCH && i < batch->row_count; i++) {
        const char *record = barks_str_bytes(&batch->data[i]);
        uint64_t hash = UINT64_C(0xcbf29ce484222325);
        for (int b = 0; b < RECORD_BYTES; b++)
            hash = (hash ^ (unsigned char)record[b]) * UINT64_C(0x100000001b3);
        if (state->run.records == 0)
            memcpy(state->first, record, RECORD_BYTES);
        else if (memcmp(state->last, record, RECORD_BYTES) > 0)
            state->out_of_order = true;
        memcpy(state->last, record, RECORD_BYTES);
        state->run.records++;
        state->run.sum = (int64_t)((uint64_t)state->run.sum + hash);
    }
    if (phase == BARKS_CLOSE && state->run.records > 0)
        emit(.first = barks_str_of(state->first, RECORD_BYTES),
             .last = barks_str_of(state->last, RECORD_BYTES), .records = state->run.records,
             .sum = state->run.sum, .sorted = !state->out_of_order);
}

/* All runs, in order, as one. */
static bool look_at(barks_context *ctx, const char *path, struct run *total)
{
    int64_t count = 0;
    barks_rdd *records = barks_read_fixed(ctx, path, RECORD_BYTES);
    struct run *runs = barks_collect(barks_map_partitions(records, check_order, NULL), run, &count);
    *total = (struct run){.sorted = true};
    for (int64_t i = 0; runs != NULL && i < count; i++) {
        total->sorted &= runs[i].sorted;
        total->sorted &= i == 0 || barks_str_compare(runs[i - 1].last, runs[i].first) <= 0;
        total->records += runs[i].records;
        total->sum = (int64_t)((uint64_t)total->sum + (uint64_t)runs[i].sum);
    }
    return runs != NULL;
}

int main(int argc, char **argv)
{
    barks_context *ctx = barks_init(&argc, &argv);
    struct run in, out;
    if (argc != 3) {
        bool help = argc == 2 && strcmp(argv[1], "--help") == 0;
        fputs("usage: terasort_check INPUT OUTPUT\nSays whether OUTPUT is INPUT, sorted.\n",
              help ? stdout : stderr);
        return barks_finalize(ctx) + (help ? 0 : 2);
    }
    bool good = look_at(ctx, argv[1], &in) && look_at(ctx, argv[2], &out) && out.sorted &&
                in.records == out.records && in.sum == out.sum;
    printf("%s: %lld records\n", good ? "sorted" : "wrong", (long long)in.records);
    return barks_finalize(ctx) | !good;
}
