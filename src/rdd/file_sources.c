/* Datasets from files, and from numbers. */
#include "base/clock.h"
#include "base/config.h"
#include "plan/file_node.h"
#include "rdd/dataset.h"
#include "runtime/accumulators.h"
#include "runtime/answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a scan of CSV gives. */
BARKS_RECORD(barks_csv_map, (i64, map));

/* Finds where quotes stand at the bounds of splits, by a job over all of them: such a scan is what
 * makes any split readable by itself. */
BARKS_CHECKED static barks_status *scan_states(barks_context *context, struct node *node,
                                               const char *where)
{
    char what[256];
    void *maps = NULL;
    uint64_t count = 0;
    barks_rdd *scan = dataset_create(context, STEP_FILES, NULL, 0, where);
    if (scan->context == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a dataset");
    scan->node.record = &barks_record_barks_csv_map;
    snprintf(what, sizeof what, "find the quotes of CSV at %s", where);
    barks_status *status = file_node_scan(node, &scan->node);
    if (status == NULL)
        status = answer_take(context, &scan->node, INT64_MAX, &barks_record_barks_csv_map, what,
                             &maps, &count);
    _Static_assert(sizeof(struct barks_csv_map) == sizeof(int64_t), "an array of them is of maps");
    barks_status *set =
        file_node_set_states(node, &scan->node, status == NULL ? maps : NULL, count);
    barks_release(context, maps);
    if (status == NULL)
        return set;
    barks_status_free(set);
    return status;
}

/* A counter for the bad rows of a read, where any are suffered. */
BARKS_CHECKED static barks_status *make_counter(barks_context *context, const char *where,
                                                struct file_wish *wish)
{
    static const char *const what[] = {
        [BARKS_DROP_BAD] = "dropped from",
        [BARKS_KEEP_BAD] = "kept of",
        [BARKS_QUARANTINE_BAD] = "put aside from",
    };
    char name[400];
    barks_bad_rows mode = wish->options->bad_rows;
    if (mode <= BARKS_FAIL_BAD || mode > BARKS_QUARANTINE_BAD)
        return NULL;
    snprintf(name, sizeof name, "bad rows %s '%.200s' (%.100s)", what[mode], wish->paths[0], where);
    lock_acquire(&context->planning);
    barks_status *status =
        accumulators_add(context, name, ACCUMULATOR_BAD, NULL, NULL, &wish->bad_rows_counter);
    if (status == NULL)
        accumulators_find(context, wish->bad_rows_counter, ACCUMULATOR_BAD)->most =
            wish->options->max_bad;
    lock_release(&context->planning);
    return status;
}

static barks_rdd *read_files(barks_context *context, struct file_wish *wish, const char *where)
{
    bool scan = false;
    char token[64];
    barks_rdd *rdd = dataset_create(context, STEP_FILES, NULL, 0, where);
    rdd->node.record = wish->record != NULL ? wish->record : &barks_record_barks_text;
    if (rdd->context == NULL)
        return rdd;
    wish->split_bytes = config_bytes(&context->config, CONFIG_SPLIT_BYTES);
    wish->record_bytes_max = config_bytes(&context->config, CONFIG_LINE_BYTES_MAX);
    wish->pool = context->pool;
    snprintf(token, sizeof token, "%ld-%" PRIx64, (long)getpid(), wall_ns());
    wish->quarantine_token = token;
    barks_status *status = make_counter(context, where, wish);
    if (status == NULL)
        status = file_node_fill(&rdd->node, wish, &scan);
    if (status == NULL && scan)
        status = scan_states(context, &rdd->node, where);
    if (rdd->node.record == NULL) /* of a failure: whatever asks for fields finds none of its own */
        rdd->node.record = &barks_record_barks_text;
    if (status != NULL)
        status = barks_status_new(barks_status_code(status), status, BARKS_HERE, "%s: read %s",
                                  where, wish->format);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

barks_rdd *barks_read_text_at(barks_context *context, const char *const *paths, size_t path_count,
                              const barks_text_options *options, const char *where)
{
    barks_read_options read = {.recursive = options->recursive, .where_path = options->where_path};
    struct file_wish wish = {
        .format = "text",
        .paths = paths,
        .path_count = path_count,
        .record = &barks_record_barks_text,
        .separator = options->separator,
        .separator_bytes = options->separator_bytes,
        .options = &read,
    };
    return read_files(context, &wish, where);
}

barks_rdd *barks_read_files_at(barks_context *context, const char *format, const char *path,
                               const barks_record *record, const char *schema,
                               const barks_read_options *options, const char *where)
{
    struct file_wish wish = {
        .format = format,
        .paths = &path,
        .path_count = 1,
        .record = record,
        .schema = schema,
        .options = options,
    };
    return read_files(context, &wish, where);
}

barks_rdd *barks_read_fixed_at(barks_context *context, const char *path, uint32_t record_bytes,
                               const barks_read_options *options, const char *where)
{
    struct file_wish wish = {
        .format = "fixed",
        .paths = &path,
        .path_count = 1,
        .record = &barks_record_barks_binary,
        .record_bytes = record_bytes,
        .options = options,
    };
    return read_files(context, &wish, where);
}

/* ---- bad rows ---- */

/* Adds what reads below the node have counted, each once. */
static int64_t add_bad(barks_context *context, const struct node *node, bool *seen)
{
    int64_t count = 0;
    if (seen[node->id])
        return 0;
    seen[node->id] = true;
    const struct accumulator *read =
        accumulators_find(context, node->bad_rows.counter, ACCUMULATOR_BAD);
    if (read != NULL)
        count = accumulator_integer(read);
    for (uint32_t i = 0; i < node->input_count; i++)
        count += add_bad(context, node->inputs[i], seen);
    return count;
}

int64_t barks_bad_row_count(barks_rdd *rdd)
{
    barks_context *context = context_alive();
    int64_t count = -1;
    if (context == NULL || rdd->context != context)
        return -1;
    lock_acquire(&context->planning);
    bool *seen = calloc((size_t)context->node_count + 1, sizeof *seen);
    if (seen != NULL)
        count = add_bad(context, &rdd->node, seen);
    lock_release(&context->planning);
    free(seen);
    return count;
}

barks_rdd *barks_range_at(barks_context *context, int64_t first, int64_t end, int64_t step,
                          uint32_t partitions, const char *where)
{
    enum { RANGE_PARTITIONS = 64 };
    barks_rdd *rdd = dataset_create(context, STEP_NUMBERS, NULL, 0, where);
    rdd->node.record = &barks_record_barks_number;
    if (rdd->context == NULL)
        return rdd;
    uint64_t stride = step > 0 ? (uint64_t)step : 0 - (uint64_t)step;
    uint64_t distance =
        step > 0 ? (uint64_t)end - (uint64_t)first : (uint64_t)first - (uint64_t)end;
    bool is_empty = step > 0 ? end <= first : end >= first;
    uint64_t count = is_empty || step == 0 ? 0 : (distance - 1) / stride + 1;
    uint32_t most = (uint32_t)config_int(&context->config, CONFIG_PARTITIONS_MAX);
    if (step == 0 || count > UINT64_C(1) << 62 || partitions > most)
        return dataset_fail(
            rdd, barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                  "%s: a range has a step other than 0, at most 2^62 numbers and "
                                  "%" PRIu32 " partitions",
                                  where, most));
    uint32_t wanted = count < RANGE_PARTITIONS ? (uint32_t)count : RANGE_PARTITIONS;
    rdd->node.partition_count = partitions > 0 ? partitions : wanted > 0 ? wanted : 1;
    rdd->node.step.numbers[0] = first;
    rdd->node.step.numbers[1] = step;
    rdd->node.step.numbers[2] = (int64_t)count;
    return rdd;
}
