/* Rows in the order of a user's function. */
#include "exec/comparator.h"
#include "rdd/action_frame.h"
#include "rdd/dataset.h"
#include "runtime/answer.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- sorting ---- */

BARKS_CHECKED static barks_status *fill_step(const barks_rdd *input, const barks_function *function,
                                             const void *env, const char *where, struct step *out)
{
    out->function = function;
    BARKS_TRY(check_fields(input, function->in, function->name, where));
    return copy_env(env, function, where, &out->env);
}

/* Rows in ranges by the function. */
static barks_rdd *range_by_function(barks_rdd *input, const barks_function *function,
                                    const void *env, uint32_t partition_count, const char *where)
{
    barks_rdd *rdd = dataset_exchange(input, PARTITION_RANGE, partition_count, where);
    if (rdd->context == NULL || rdd->node.error != NULL)
        return rdd;
    rdd->node.exchange.step.kind = STEP_FUNCTION;
    barks_status *status = fill_step(input, function, env, where, &rdd->node.exchange.step);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

barks_rdd *barks_sort_by_fn_at(barks_rdd *input, const barks_function *function,
                               const barks_exchange_options *options, const char *where)
{
    uint32_t partition_count = 0;
    barks_status *status = NULL;
    bool is_sound = input->context != NULL && input->node.error == NULL;
    if (is_sound)
        status = choose_partitions(input, options->partitions, where, &partition_count);
    if (is_sound && status == NULL && (partition_count > 1 || input->node.partition_count != 1))
        input = range_by_function(input, function, options->env, partition_count, where);
    barks_rdd *rdd = dataset_create(input->context, STEP_SORT, &input, 1, where);
    if (rdd->context == NULL) {
        barks_status_free(status);
        return rdd;
    }
    rdd->node.record = input->node.record;
    rdd->node.partition_count = input->node.partition_count;
    if (rdd->node.error == NULL && status == NULL)
        status = fill_step(input, function, options->env, where, &rdd->node.step);
    return status != NULL ? dataset_fail(rdd, status) : rdd;
}

/* ---- the first rows ---- */

/* The first n rows, as a batch of the caller's. */
BARKS_CHECKED static barks_status *find_first(barks_rdd *rdd, int64_t n, const struct row_order *by,
                                              const char *what, struct batch **out_rows)
{
    BARKS_TRY(node_error(&rdd->node));
    BARKS_TRY(check_fields(rdd, by->compare->in, by->compare->name, what));
    if (by->compare->env_size > 0 && by->env == NULL)
        BARKS_FAIL(BARKS_INVALID, "%s: '%s' wants an env, and was given NULL", what,
                   by->compare->name);
    return answer_first_by(rdd->context, &rdd->node, n, by, what, out_rows);
}

void *barks_top_by_at(barks_rdd *rdd, int64_t n, const barks_function *function,
                      const barks_record *record, int64_t *out_count,
                      const barks_compare_options *options, const char *where)
{
    char what[ACTION_NAME_BYTES];
    struct batch *best = NULL;
    void *rows = NULL;
    int64_t count = 0;
    const struct row_order by = {.compare = function, .env = options->env};
    action_name(what, "top", where);
    barks_context *context = action_context(rdd, what);
    *out_count = 0;
    if (context == NULL)
        return NULL;
    barks_status *status = find_first(rdd, n, &by, what, &best);
    if (status == NULL) {
        count = best->base.row_count;
        status = answer_give_rows(context, best, record, what, &rows);
    }
    if (!action_is_done(context, status))
        return NULL;
    *out_count = count;
    return rows;
}

void *barks_best_by_at(barks_rdd *rdd, const barks_function *function, bool greatest,
                       const barks_record *record, const barks_compare_options *options,
                       const char *where)
{
    char what[ACTION_NAME_BYTES];
    struct batch *best = NULL;
    void *rows = NULL;
    const struct row_order by = {.compare = function, .env = options->env, .descending = greatest};
    action_name(what, greatest ? "max" : "min", where);
    barks_context *context = action_context(rdd, what);
    if (context == NULL)
        return NULL;
    barks_status *status = find_first(rdd, 1, &by, what, &best);
    if (status == NULL && best->base.row_count == 0) {
        batch_destroy(best);
        status = barks_status_new(BARKS_INVALID, NULL, BARKS_HERE,
                                  "%s: empty dataset: there is no %s row", what,
                                  greatest ? "greatest" : "least");
    } else if (status == NULL)
        status = answer_give_rows(context, best, record, what, &rows);
    return action_is_done(context, status) ? rows : NULL;
}
