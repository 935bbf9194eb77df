#include "runtime/context.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/pool.h"
#include "exec/emit.h"
#include "exec/registry.h"
#include "net/net.h"
#include "runtime/accumulators.h"
#include "runtime/crash.h"
#include "runtime/exit_note.h"
#include "runtime/future.h"
#include "runtime/live_progress.h"
#include "runtime/resume.h"
#include "runtime/shipping.h"
#include "runtime/signals.h"
#include "runtime/summary.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { NODES_MAX = 1 << 24 };
/* Apart from ids of other things that are waited for. */
#define FIRST_VALUE_ID (UINT64_C(1) << 48)

static barks_context *alive;

barks_context *context_alive(void) { return alive; }

static void print_error(const barks_status *error)
{
    char text[3000];
    barks_status_format(error, text, sizeof text);
    fflush(stdout);
    fprintf(stderr, "barks: %s\n", text);
}

static void drop_context(barks_context *context)
{
    while (context->kept != NULL)
        context_release_rows(context, context->kept->rows);
    for (uint32_t i = 0; i < context->node_count; i++)
        node_destroy(context->nodes[i]);
    free(context->nodes);
    accumulators_drop(context);
    shipping_drop(context);
    free(context->dropped);
    barks_status_free(context->error);
    free(context->output);
    lock_drop(&context->planning);
    watch_list_drop(&context->watches);
    pool_destroy(context->pool);
    resume_close(context->resume);
    config_drop(&context->config);
    free(context);
}

/* ---- init ---- */

/* What every rank would say in the same words is said by one: mpirun ends all as soon as one has
 * failed, and so the others leave rank 0 time. Who then still lives was alone with its error. */
enum { OTHER_RANK_SECONDS = 5 };

static bool is_other_rank(void)
{
    const char *rank = getenv("OMPI_COMM_WORLD_RANK");
    return rank != NULL && strcmp(rank, "0") != 0;
}

BARKS_CHECKED static barks_status *start(barks_context *context, int *argc, char ***argv,
                                         int *out_exit_status)
{
    context->start_ns = monotonic_ns();
    lock_init(&context->planning, LOCK_PLAN, "planning");
    watch_list_init(&context->watches);
    if (getenv("OMPI_COMM_WORLD_RANK") != NULL)
        prctl(PR_SET_PDEATHSIG, SIGTERM); /* no rank outlives its mpirun, however that ends */
    context->next_id = 1;
    context->next_value = FIRST_VALUE_ID;
    BARKS_TRY(config_load(&context->config, argc, *argv));
    const char *fault = config_string(&context->config, CONFIG_FAULT);
    BARKS_TRY(faults_arm(fault, config_origin(&context->config, CONFIG_FAULT)));
    if (strcmp(fault, "help") == 0) {
        if (!is_other_rank())
            faults_write_help(stdout);
        *out_exit_status = 0;
        return NULL;
    }
    if (context->config.wants_help) {
        if (!is_other_rank())
            config_write_help(stdout);
        *out_exit_status = 0;
        return NULL;
    }
    if (!is_other_rank())
        BARKS_TRY(exit_note_open(config_string(&context->config, CONFIG_EXIT_FILE)));
    BARKS_TRY(log_set_levels(config_string(&context->config, CONFIG_LOG)));
    BARKS_TRY(registry_freeze());
    signals_catch();
    crash_catch();
    crash_thread_begin();
    if (!is_other_rank())
        BARKS_TRY(resume_open(&context->config, *argc, *argv, &context->resume));
    BARKS_TRY(driver_start(&context->config, &context->driver, out_exit_status));
    if (context->driver == NULL)
        return NULL;
    return pool_create(driver_memory_bytes(context->driver), &context->pool);
}

barks_context *barks_init(int *argc, char ***argv)
{
    static bool was_called;
    int exit_status = 0;
    if (was_called) {
        fprintf(stderr, "barks: barks_init was called twice; a process has one context, from "
                        "barks_init to barks_finalize\n");
        exit(2);
    }
    was_called = true;
    /* Before anything else, so that every call may fail; options may say otherwise later. */
    barks_status *error = faults_arm(getenv("BARKS_FAULT"), "environment BARKS_FAULT");
    barks_context *context = calloc(1, sizeof *context);
    if (error == NULL)
        error = is_other_rank() ? NULL : exit_note_open(getenv("BARKS_EXIT_FILE"));
    if (error == NULL)
        error = context == NULL
                    ? barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE, "no memory for a context")
                    : start(context, argc, argv, &exit_status);
    if (error != NULL) {
        exit_status = barks_exit_code(error);
        if (is_other_rank())
            sleep(OTHER_RANK_SECONDS);
        print_error(error);
        fflush(NULL);
        exit_note_write(exit_status);
        _exit(exit_status); /* threads may still run on what failed to start */
    }
    if (context->driver == NULL) {
        drop_context(context);
        exit_note_write(exit_status);
        exit(exit_status);
    }
    alive = context;
    return context;
}

/* ---- finalize ---- */

int barks_finalize(barks_context *context)
{
    if (context == NULL || context != alive) {
        fprintf(stderr, "barks: barks_finalize was called %s\n",
                context == NULL ? "without a context" : "twice");
        return 2;
    }
    int exit_code = context->exit_code;
    futures_end(context);
    alive = NULL;
    driver_end(context->driver, 0);
    summary_print(context);
    driver_close_history(context->driver, exit_code, context->output);
    driver_destroy(context->driver);
    drop_context(context);
    exit_note_write(exit_code);
    return exit_code;
}

barks_status *barks_take_error(barks_context *context)
{
    lock_acquire(&context->planning);
    barks_status *error = context->error;
    context->error = NULL;
    context->exit_code = 0;
    lock_release(&context->planning);
    return error;
}

/* ---- what it owns ---- */

barks_status *context_add_node(barks_context *context, struct node *node)
{
    lock_acquire(&context->planning);
    barks_status *status = context_add_node_locked(context, node);
    lock_release(&context->planning);
    return status;
}

barks_status *context_add_node_locked(barks_context *context, struct node *node)
{
    if (context->node_count == NODES_MAX) {
        node_destroy(node);
        BARKS_FAIL(BARKS_LIMIT, "a job has at most %d datasets", NODES_MAX);
    }
    if (context->node_count == context->node_capacity) {
        uint32_t capacity = context->node_capacity > 0 ? 2 * context->node_capacity : 64;
        struct node **nodes = realloc(context->nodes, capacity * sizeof(struct node *));
        if (nodes == NULL) {
            node_destroy(node);
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %" PRIu32 " datasets", capacity);
        }
        context->nodes = nodes;
        context->node_capacity = capacity;
    }
    node->id = context->node_count;
    context->nodes[context->node_count++] = node;
    return NULL;
}

barks_status *context_copy_rows(barks_context *context, const barks_record *record,
                                const void *rows, size_t row_count, struct batch **out_batch)
{
    struct batch *batch = NULL;
    if (row_count > INT32_MAX)
        BARKS_FAIL(BARKS_LIMIT, "%zu rows are over the limit of 2^31 for an array", row_count);
    BARKS_TRY(batch_create(context->pool, &record->schema, (uint32_t)row_count + 1, &batch));
    barks_status *status = rows_to_batch(record, rows, (uint32_t)row_count, context->pool, batch);
    if (status != NULL) {
        batch_destroy(batch);
        return status;
    }
    *out_batch = batch;
    return NULL;
}

barks_status *context_keep_rows(barks_context *context, void *rows, struct batch *batch)
{
    struct kept_rows *kept = calloc(1, sizeof *kept);
    if (kept == NULL) {
        free(rows);
        batch_destroy(batch);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a result");
    }
    lock_acquire(&context->planning);
    *kept = (struct kept_rows){.rows = rows, .batch = batch, .next = context->kept};
    context->kept = kept;
    lock_release(&context->planning);
    return NULL;
}

void context_release_rows(barks_context *context, const void *rows)
{
    struct kept_rows *found = NULL;
    lock_acquire(&context->planning);
    for (struct kept_rows **link = &context->kept; *link != NULL; link = &(*link)->next) {
        if ((*link)->rows != rows)
            continue;
        found = *link;
        *link = found->next;
        break;
    }
    lock_release(&context->planning);
    if (found == NULL)
        return;
    free(found->rows);
    batch_destroy(found->batch);
    free(found);
}

void context_fail(barks_context *context, barks_status *error)
{
    print_error(error);
    lock_acquire(&context->planning);
    if (context->exit_code == 0)
        context->exit_code = barks_exit_code(error);
    barks_status *before = context->error;
    context->error = error;
    lock_release(&context->planning);
    barks_status_free(before);
}
