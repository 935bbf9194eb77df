#include "runtime/scan_answer.h"

#include "base/copy.h"
#include "batch/codec.h"
#include "exec/pipeline.h"
#include "exec/scanner.h"
#include "runtime/action.h"
#include "runtime/driver.h"
#include "runtime/job_results.h"

#include <inttypes.h>
#include <stdlib.h>

/* One value for each partition that has rows. */
struct partition_values {
    struct batch *rows; /* owned */
    uint32_t *row_of;   /* for each partition: its row plus 1, 0: none; owned */
};

static void partition_values_drop(struct partition_values *values)
{
    batch_destroy(values->rows);
    free(values->row_of);
}

BARKS_CHECKED static barks_status *read_values(const struct job *job, uint32_t partition_count,
                                               struct partition_values *values)
{
    struct job_results results = {.job = job};
    for (bool more = true; more;) {
        struct result_head head = {0};
        BARKS_TRY(job_results_next_rows(&results, values->rows, &head, &more));
        if (more && head.row_count > 0 && head.partition < partition_count)
            values->row_of[head.partition] = values->rows->base.row_count;
    }
    return NULL;
}

BARKS_CHECKED static barks_status *fold_partitions(barks_context *context, struct node *node,
                                                   const char *what, const struct step *scan,
                                                   struct partition_values *values)
{
    struct job job = {0};
    struct terminal terminal = {.kind = TERMINAL_FOLD,
                                .step = {.kind = STEP_COMBINE, .function = scan->function},
                                .accumulator = scan->function->in};
    values->row_of = calloc((size_t)node->partition_count + 1, sizeof *values->row_of);
    if (values->row_of == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for the values of %" PRIu32 " partitions", what,
                   node->partition_count);
    BARKS_TRY(batch_create(context->pool, &scan->function->in->schema, 1, &values->rows));
    if (node->partition_count <= 1) /* nothing comes behind it */
        return NULL;
    if (scan->env != NULL)
        BARKS_TRY(copy_bytes(scan->env, scan->function->env_size, &terminal.step.env));
    barks_status *status = action_run(context, node, &terminal, what, &job);
    if (status == NULL)
        status = read_values(&job, node->partition_count, values);
    job_drop(&job);
    return status;
}

/* Partition by partition: the value where it begins, of those from *out_first on; before that there
 * is none. */
BARKS_CHECKED static barks_status *add_up(struct scanner *scanner, uint32_t partition_count,
                                          const struct partition_values *values,
                                          const barks_column **columns, struct batch *begins,
                                          uint32_t *out_first)
{
    uint32_t first = 0;
    for (uint32_t i = 0; i < scanner->function->in->schema.field_count; i++)
        columns[i] = &values->rows->base.columns[i];
    BARKS_TRY(batch_reserve(begins, partition_count));
    for (uint32_t p = 0; p < partition_count; p++) {
        if (!scanner->has_value)
            first++;
        else {
            BARKS_TRY(scanner_store(scanner, begins, NULL, begins->base.row_count));
            begins->base.row_count++;
        }
        if (values->row_of[p] != 0)
            BARKS_TRY(scanner_add(scanner, columns, values->row_of[p] - 1, NULL));
    }
    *out_first = first;
    return NULL;
}

BARKS_CHECKED static barks_status *encode(const struct batch *begins, struct step *scan)
{
    uint64_t size_bytes = codec_encoded_bytes(&begins->base, 0, begins->base.row_count);
    BARKS_TRY(copy_bytes(NULL, size_bytes, (void **)&scan->bytes));
    codec_encode(&begins->base, 0, begins->base.row_count, scan->bytes);
    scan->size_bytes = size_bytes;
    return NULL;
}

BARKS_CHECKED static barks_status *fill_scan(barks_context *context, struct node *node,
                                             const char *what, struct step *scan,
                                             struct scanner *scanner,
                                             struct partition_values *values)
{
    const barks_record *record = scan->function->in;
    uint32_t first = 0;
    struct batch *begins = NULL;
    BARKS_TRY(scanner_init(scanner, context->pool, scan->function, scan->env));
    if (scan->initial != NULL)
        BARKS_TRY(scanner_begin(scanner, scan->initial));
    BARKS_TRY(fold_partitions(context, node, what, scan, values));
    const barks_column **columns =
        calloc((size_t)record->schema.field_count + 1, sizeof(const barks_column *));
    if (columns == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%s: no memory for columns", what);
    barks_status *status = batch_create(context->pool, &record->schema, 1, &begins);
    if (status == NULL)
        status = add_up(scanner, node->partition_count, values, columns, begins, &first);
    if (status == NULL)
        status = encode(begins, scan);
    scan->numbers[1] = first;
    batch_destroy(begins);
    free(columns);
    return status;
}

barks_status *answer_scan(barks_context *context, struct node *node, const char *what,
                          struct step *scan)
{
    struct scanner scanner = {0};
    struct partition_values values = {0};
    BARKS_TRY(node_error(node));
    barks_status *status = fill_scan(context, node, what, scan, &scanner, &values);
    scanner_drop(&scanner);
    partition_values_drop(&values);
    return status;
}
