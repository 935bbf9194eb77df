/* Rows of files, in any format that is known. */
#include "barks/rdd.h"
#include "base/pack.h"
#include "base/scope.h"
#include "exec/operator.h"
#include "io/format.h"
#include "io/listing.h"
#include "io/path_fields.h"
#include "io/quarantine.h"
#include "io/split.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What reading a partition needs. Begins zeroed, ends with file_rows_drop. */
struct file_rows {
    struct source_options options;
    struct bad_rows bad;
    struct split_set splits;
    struct source *source;
    struct batch *batch;
};

static void file_rows_drop(struct file_rows *rows)
{
    batch_destroy(rows->batch);
    source_close(rows->source);
    bad_rows_drop(&rows->bad);
    split_set_drop(&rows->splits);
    source_options_drop(&rows->options);
}

const char *task_place(struct task *task)
{
    struct source_place place = {0};
    if (task->source == NULL)
        return task->place;
    source_place(task->source, 0, &place);
    snprintf(task->place, sizeof task->place, "rows from byte %" PRIu64 " of '%s'", place.offset,
             place.path != NULL ? place.path : "");
    return task->place;
}

BARKS_CHECKED static barks_status *fill_from_path(const struct file_rows *rows)
{
    struct source_place place = {0};
    source_place(rows->source, 0, &place); /* all rows of a batch are of one file */
    return path_fields_fill(place.path, rows->batch);
}

BARKS_CHECKED static barks_status *push_rows(struct task *task, struct file_rows *rows,
                                             struct operator* into)
{
    uint64_t counted_bytes = 0;
    while (!task->partition_done) {
        BARKS_TRY(source_next(rows->source, rows->batch));
        source_count(task, rows->batch->base.row_count, rows->source->file_bytes - counted_bytes);
        counted_bytes = rows->source->file_bytes;
        if (rows->batch->base.row_count == 0)
            return NULL;
        if (rows->options.partitioned)
            BARKS_TRY(fill_from_path(rows));
        task->source = rows->source;
        barks_status *status = operator_push(into, rows->batch);
        if (status != NULL) /* it is told with the place of the batch that it happened in */
            status = barks_status_new(barks_status_code(status), status, BARKS_HERE, "at %s",
                                      task_place(task));
        task->source = NULL;
        BARKS_TRY(status);
    }
    return NULL;
}

/* A path that only some hosts of the job see is the likeliest mistake, and the one that is told
 * worst by open(). */
BARKS_CHECKED static barks_status *check_files(const struct split_set *splits)
{
    char host[256] = "this host";
    for (size_t i = 0; i < splits->count; i++) {
        if (input_mark(splits->splits[i].path) != 0)
            continue;
        if (gethostname(host, sizeof host - 1) != 0)
            snprintf(host, sizeof host, "this host");
        struct input_file unseen = {.path = (char *)(uintptr_t)splits->splits[i].path}; /* lent */
        return input_mark_mismatch(&unseen, 0, host);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *unpack_options(const struct step *step,
                                                  struct source_options *out)
{
    struct unpacker unpacker;
    if (step->bytes == NULL)
        return NULL; /* text, as it is */
    unpacker_init(&unpacker, step->bytes, step->size_bytes);
    barks_status *status = source_options_unpack(&unpacker, out);
    unpacker_drop(&unpacker);
    return status;
}

BARKS_CHECKED static barks_status *begin_rows(struct task *task, const struct pipe_node *leaf,
                                              uint32_t leaf_partition,
                                              const struct task_payload *payload,
                                              struct file_rows *rows)
{
    const char *name = leaf->step.text_count > 0 ? leaf->step.texts[0] : "text";
    const struct source_format *format = source_format_find(name);
    struct pool *pool = task->services->pool;
    size_t used_bytes = 0;
    if (format == NULL)
        BARKS_FAIL(BARKS_BAD_INPUT, "a plan reads files of the unknown format '%s'", name);
    BARKS_TRY(unpack_options(&leaf->step, &rows->options));
    if (rows->options.record_bytes_max == 0)
        rows->options.record_bytes_max = task->services->line_bytes_max;
    BARKS_TRY(split_unpack(payload->bytes, payload->size_bytes, &used_bytes, &rows->splits));
    BARKS_TRY(check_files(&rows->splits));
    const struct terminal *terminal = &task->spec->pipeline->terminal;
    if (terminal->kind == TERMINAL_SAMPLE && terminal->stride > 1 && format->is_scattered)
        BARKS_TRY(split_set_thin_out(&rows->splits, terminal->stride, &task->rows_stand_for));
    struct quarantine_place place = {.directory = rows->options.quarantine,
                                     .token = rows->options.quarantine_token,
                                     .job = task->spec->job};
    enum bad_rows_mode mode = format->has_bad_rows ? rows->options.bad_rows : BAD_ROWS_FAIL;
    if (mode == BAD_ROWS_QUARANTINE && (place.directory == NULL || place.token == NULL))
        BARKS_FAIL(BARKS_BAD_INPUT, "a plan puts bad rows aside without saying where");
    BARKS_TRY(bad_rows_init(&rows->bad, pool, mode, &place, leaf_partition));
    rows->bad.most = rows->options.max_bad;
    BARKS_TRY(format->open(pool, &rows->options, &leaf->record->schema, rows->splits.splits,
                           rows->splits.count, &rows->bad, &rows->source));
    return batch_create(pool, &leaf->record->schema, BATCH_ROWS, &rows->batch);
}

/* The driver adds up those of the attempts that count. */
BARKS_CHECKED static barks_status *count_bad(struct task *task, const struct file_rows *rows)
{
    struct barks_text last = {.text = barks_str_of(rows->bad.last, strlen(rows->bad.last))};
    if (rows->bad.count == 0 || rows->options.bad_rows_counter == 0)
        return NULL;
    struct accumulated *count = accumulations_at(&task->result->accumulated, task->partition,
                                                 rows->options.bad_rows_counter, ACCUMULATOR_BAD);
    if (count == NULL)
        return NULL; /* it is noted, and fails the task */
    accumulated_add(count, (int64_t)rows->bad.count);
    if (count->rows != NULL)
        batch_clear(count->rows);
    return accumulated_add_rows(count, task->services->pool, &barks_record_barks_text, &last, 1);
}

barks_status *file_source_run(struct task *task, const struct pipe_node *leaf,
                              uint32_t leaf_partition, const struct task_payload *payload,
                              struct operator* into)
{
    BARKS_AUTO(file_rows) rows = {0};
    BARKS_TRY(begin_rows(task, leaf, leaf_partition, payload, &rows));
    BARKS_TRY(push_rows(task, &rows, into));
    if (!task->partition_done) /* else there may be more bad rows that nobody has seen */
        BARKS_TRY(bad_rows_finish(&rows.bad));
    return count_bad(task, &rows);
}
