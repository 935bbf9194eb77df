#include "base/buffer.h"
#include "exec/column_number.h"
#include "exec/partial_states.h"

#include <stdlib.h>
#include <string.h>

static uint32_t bucket_count(const struct histogram_state *state)
{
    return state->options->value_count - 1;
}

static barks_status *histogram_begin(void *self, const struct partial_options *options)
{
    struct histogram_state *state = self;
    state->options = options;
    state->counts = calloc((size_t)options->value_count + 1, sizeof *state->counts);
    if (state->counts == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a histogram of %u bounds", options->value_count);
    return NULL;
}

/* The last bound that is at most x, of bounds whose first is. */
static uint32_t bound_below(const double *bounds, uint32_t count, double x)
{
    uint32_t low = 0, high = count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (bounds[middle] <= x)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static barks_status *histogram_add(void *self, const barks_batch *rows)
{
    struct histogram_state *state = self;
    const double *bounds = state->options->values;
    uint32_t last = bucket_count(state);
    const barks_column *column = &rows->columns[state->options->columns[0]];
    for (uint32_t row = 0; row < rows->row_count; row++) {
        double x = number_at(column, row);
        if (!barks_is_valid(column, row) || !(x >= bounds[0] && x <= bounds[last]))
            continue;
        uint32_t bucket = bound_below(bounds, last + 1, x);
        state->counts[bucket < last ? bucket : last - 1]++;
    }
    return NULL;
}

static barks_status *histogram_merge(void *self, const void *other)
{
    struct histogram_state *state = self;
    for (uint32_t i = 0; i < bucket_count(state); i++)
        state->counts[i] += ((const struct histogram_state *)other)->counts[i];
    return NULL;
}

static barks_status *histogram_pack(const void *self, struct buffer *out)
{
    const struct histogram_state *state = self;
    return buffer_append(out, state->counts, bucket_count(state) * sizeof *state->counts);
}

static barks_status *histogram_unpack(void *self, const uint8_t *bytes, size_t size_bytes)
{
    struct histogram_state *state = self;
    if (size_bytes != bucket_count(state) * sizeof *state->counts)
        BARKS_FAIL(BARKS_BAD_INPUT, "a histogram of %zu bytes", size_bytes);
    memcpy(state->counts, bytes, size_bytes);
    return NULL;
}

static void histogram_drop(void *self)
{
    free(((struct histogram_state *)self)->counts);
    *(struct histogram_state *)self = (struct histogram_state){0};
}

const struct partial_kind partial_histogram = {
    .name = "histogram",
    .state_bytes = sizeof(struct histogram_state),
    .begin = histogram_begin,
    .add = histogram_add,
    .merge = histogram_merge,
    .pack = histogram_pack,
    .unpack = histogram_unpack,
    .drop = histogram_drop,
};
