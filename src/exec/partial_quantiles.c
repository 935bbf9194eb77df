#include "base/buffer.h"
#include "exec/column_number.h"
#include "exec/partial_states.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { RUN_SIZE_PER_ERROR = 17 };

static barks_status *quantiles_begin(void *self, const struct partial_options *options)
{
    struct quantiles_state *state = self;
    state->column = options->columns[0];
    state->run_size = (uint32_t)ceil(RUN_SIZE_PER_ERROR / options->error) + 1;
    state->fresh = calloc(state->run_size, sizeof *state->fresh);
    if (state->fresh == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a run of %u values", state->run_size);
    return NULL;
}

static int by_key(const void *left, const void *right)
{
    uint64_t a = number_key(*(const double *)left), b = number_key(*(const double *)right);
    return (a > b) - (a < b);
}

/* Two sorted runs become one, of every second value: those at odd places. Result in `into`. */
static void halve(double *into, const double *other, double *room, uint32_t run_size)
{
    uint32_t a = 0, b = 0;
    for (uint32_t i = 0; i < 2 * run_size; i++) {
        bool from_a = b == run_size || (a < run_size && by_key(&into[a], &other[b]) <= 0);
        double value = from_a ? into[a++] : other[b++];
        if (i % 2 == 1)
            room[i / 2] = value;
    }
    memcpy(into, room, run_size * sizeof *into);
}

/* A sorted run of the level, which is taken, goes up until it finds a level that has none. */
BARKS_CHECKED static barks_status *add_run(struct quantiles_state *state, uint32_t level,
                                           double *run)
{
    double *room = calloc(state->run_size, sizeof *room);
    if (room == NULL) {
        free(run);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a run of %u values", state->run_size);
    }
    while (level < QUANTILE_LEVELS - 1 && state->levels[level] != NULL) {
        halve(run, state->levels[level], room, state->run_size);
        free(state->levels[level]);
        state->levels[level++] = NULL;
    }
    free(room);
    if (state->levels[level] != NULL) {
        free(run);
        BARKS_FAIL(BARKS_LIMIT, "too many rows for the error that quantiles were asked for");
    }
    state->levels[level] = run;
    return NULL;
}

BARKS_CHECKED static barks_status *add_value(struct quantiles_state *state, double x)
{
    state->fresh[state->free_count++] = x;
    state->count++;
    if (state->free_count < state->run_size)
        return NULL;
    double *run = calloc(state->run_size, sizeof *run);
    if (run == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a run of %u values", state->run_size);
    memcpy(run, state->fresh, state->run_size * sizeof *run);
    qsort(run, state->run_size, sizeof *run, by_key);
    state->free_count = 0;
    return add_run(state, 0, run);
}

static barks_status *quantiles_add(void *self, const barks_batch *rows)
{
    struct quantiles_state *state = self;
    const barks_column *column = &rows->columns[state->column];
    for (uint32_t row = 0; row < rows->row_count; row++)
        if (barks_is_valid(column, row))
            BARKS_TRY(add_value(state, number_at(column, row)));
    return NULL;
}

static barks_status *quantiles_merge(void *self, const void *other_state)
{
    struct quantiles_state *state = self;
    const struct quantiles_state *other = other_state;
    for (uint32_t level = 0; level < QUANTILE_LEVELS; level++) {
        if (other->levels[level] == NULL)
            continue;
        double *run = calloc(state->run_size, sizeof *run);
        if (run == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a run of %u values", state->run_size);
        memcpy(run, other->levels[level], state->run_size * sizeof *run);
        state->count += (uint64_t)state->run_size << level;
        BARKS_TRY(add_run(state, level, run));
    }
    for (uint32_t i = 0; i < other->free_count; i++)
        BARKS_TRY(add_value(state, other->fresh[i]));
    return NULL;
}

/* ---- travelling: which levels there are, how many fresh values, then all of them ---- */

struct quantiles_head {
    uint64_t levels; /* bits */
    uint64_t count;
    uint32_t run_size, free_count;
};

static barks_status *quantiles_pack(const void *self, struct buffer *out)
{
    const struct quantiles_state *state = self;
    struct quantiles_head head = {
        .count = state->count, .run_size = state->run_size, .free_count = state->free_count};
    for (uint32_t level = 0; level < QUANTILE_LEVELS; level++)
        head.levels |= (uint64_t)(state->levels[level] != NULL) << level;
    BARKS_TRY(buffer_append(out, &head, sizeof head));
    BARKS_TRY(buffer_append(out, state->fresh, state->free_count * sizeof *state->fresh));
    for (uint32_t level = 0; level < QUANTILE_LEVELS; level++)
        if (state->levels[level] != NULL)
            BARKS_TRY(buffer_append(out, state->levels[level], state->run_size * sizeof(double)));
    return NULL;
}

static barks_status *quantiles_unpack(void *self, const uint8_t *bytes, size_t size_bytes)
{
    struct quantiles_state *state = self;
    struct quantiles_head head = {0};
    size_t run_bytes = state->run_size * sizeof(double);
    if (size_bytes >= sizeof head)
        memcpy(&head, bytes, sizeof head);
    size_t wanted = sizeof head + head.free_count * sizeof(double) +
                    (size_t)__builtin_popcountll(head.levels) * run_bytes;
    if (head.run_size != state->run_size || head.free_count >= head.run_size ||
        head.levels >> QUANTILE_LEVELS != 0 || wanted != size_bytes)
        BARKS_FAIL(BARKS_BAD_INPUT, "quantiles of %zu bytes", size_bytes);
    bytes += sizeof head;
    memcpy(state->fresh, bytes, head.free_count * sizeof(double));
    bytes += head.free_count * sizeof(double);
    state->free_count = head.free_count;
    state->count = head.count;
    for (uint32_t level = 0; level < QUANTILE_LEVELS; level++) {
        if (((head.levels >> level) & 1) == 0)
            continue;
        state->levels[level] = calloc(1, run_bytes);
        if (state->levels[level] == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a run of %u values", state->run_size);
        memcpy(state->levels[level], bytes, run_bytes);
        bytes += run_bytes;
    }
    return NULL;
}

static void quantiles_drop(void *self)
{
    struct quantiles_state *state = self;
    for (uint32_t level = 0; level < QUANTILE_LEVELS; level++)
        free(state->levels[level]);
    free(state->fresh);
    *state = (struct quantiles_state){0};
}

/* ---- the answer ---- */

struct weighted {
    double value; /* first: compared by by_key */
    uint64_t weight;
};

static uint32_t list_values(const struct quantiles_state *state, struct weighted *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < state->free_count; i++)
        out[count++] = (struct weighted){.value = state->fresh[i], .weight = 1};
    for (uint32_t level = 0; level < QUANTILE_LEVELS; level++)
        for (uint32_t i = 0; state->levels[level] != NULL && i < state->run_size; i++)
            out[count++] =
                (struct weighted){.value = state->levels[level][i], .weight = UINT64_C(1) << level};
    return count;
}

barks_status *quantiles_at(const struct quantiles_state *state, const double *fractions,
                           uint32_t fraction_count, double *out_values)
{
    uint32_t count = state->free_count;
    for (uint32_t level = 0; level < QUANTILE_LEVELS; level++)
        count += state->levels[level] != NULL ? state->run_size : 0;
    struct weighted *all = calloc((size_t)count + 1, sizeof *all);
    if (all == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %u values", count);
    list_values(state, all);
    qsort(all, count, sizeof *all, by_key);
    for (uint32_t i = 0; i < fraction_count; i++) {
        double wanted = ceil(fractions[i] * (double)state->count);
        uint64_t passed = 0;
        uint32_t at = 0;
        while (at + 1 < count && (double)(passed + all[at].weight) < wanted)
            passed += all[at++].weight;
        out_values[i] = all[at].value;
    }
    free(all);
    return NULL;
}

const struct partial_kind partial_quantiles = {
    .name = "quantiles",
    .state_bytes = sizeof(struct quantiles_state),
    .begin = quantiles_begin,
    .add = quantiles_add,
    .merge = quantiles_merge,
    .pack = quantiles_pack,
    .unpack = quantiles_unpack,
    .drop = quantiles_drop,
};
