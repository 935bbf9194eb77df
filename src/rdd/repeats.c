/* Rounds: the states of a dataset, of which the last two are kept. */
#include "barks/repeat.h"
#include "rdd/action_frame.h"
#include "rdd/checkpoints.h"
#include "runtime/answer.h"
#include "runtime/kept_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVERY_DEFAULT = 10 };

struct state {
    barks_rdd *rdd;
    bool is_ours; /* kept by us, so that we free it */
};

struct repeat {
    const barks_repeat_options *options;
    const char *where;
    barks_context *context;
    struct state last;   /* the newest one */
    struct state before; /* of the round before it; its rdd is NULL before the second round */
    struct state cut;    /* where the lineage of both of them ends: not freed while they are read;
                            its rdd is NULL where it is in files, or none */
    char *cut_path;      /* owned: its files; NULL: none */
};

static void release(struct repeat *repeat, struct state state)
{
    if (state.is_ours && state.rdd != repeat->cut.rdd)
        barks_unpersist_at(state.rdd, repeat->where);
}

/* ---- one round ---- */

BARKS_CHECKED static barks_status *check_next(const struct repeat *repeat, const barks_rdd *next)
{
    if (next == NULL || next->context != repeat->context)
        BARKS_FAIL(BARKS_INVALID, "the function has returned no dataset of this job");
    return node_error(&next->node);
}

/* What was kept before, by whoever, is left to them. */
BARKS_CHECKED static barks_status *compute(struct repeat *repeat, barks_rdd *next, const char *what,
                                           struct state *out)
{
    const barks_repeat_options *options = repeat->options;
    barks_persist_options keeping = {
        .level = options->level == 0 ? BARKS_MEMORY_AND_DISK : options->level,
        .compressed = options->compressed,
        .copies = options->copies,
    };
    BARKS_TRY(check_next(repeat, next));
    *out = (struct state){.rdd = next, .is_ours = barks_storage_level(next) == 0};
    if (out->is_ours)
        barks_persist_at(next, &keeping, repeat->where);
    BARKS_TRY(node_error(&next->node));
    return compute_all(next, what);
}

static int64_t cut_every(const barks_repeat_options *options)
{
    return options->every > 0 || options->checkpoint == NULL ? options->every : EVERY_DEFAULT;
}

/* The older checkpoint is read by no state that is left. */
BARKS_CHECKED static barks_status *forget_cut(struct repeat *repeat)
{
    struct state old = repeat->cut;
    char *path = repeat->cut_path;
    repeat->cut = (struct state){0};
    repeat->cut_path = NULL;
    release(repeat, old);
    barks_status *status = path != NULL ? answer_remove(path) : NULL;
    free(path);
    return status;
}

BARKS_CHECKED static barks_status *cut(struct repeat *repeat, int64_t round, const char *what)
{
    const char *directory = repeat->options->checkpoint;
    char *path = NULL;
    if (directory != NULL) {
        size_t room = strlen(directory) + 32;
        path = malloc(room);
        if (path == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for a path");
        snprintf(path, room, "%s/round-%" PRId64, directory, round);
    }
    barks_status *status = path != NULL ? checkpoint_write(repeat->last.rdd, path, BARKS_OVERWRITE,
                                                           what, repeat->where)
                                        : checkpoint_locally(repeat->last.rdd, what);
    if (status != NULL) {
        free(path);
        return status;
    }
    release(repeat, repeat->before);
    repeat->before = (struct state){0};
    status = forget_cut(repeat);
    repeat->cut_path = path;
    if (path == NULL)
        repeat->cut = repeat->last;
    return status;
}

/* The function may give a state back that it was given. */
static void move_on(struct repeat *repeat, struct state next)
{
    if (next.rdd == repeat->last.rdd)
        return;
    if (next.rdd == repeat->before.rdd)
        next.is_ours = repeat->before.is_ours;
    else
        release(repeat, repeat->before);
    repeat->before = repeat->last;
    repeat->last = next;
}

/* *out_is_over: .until has said so. */
BARKS_CHECKED static barks_status *run_round(struct repeat *repeat, int64_t round,
                                             barks_repeat_body *body, void *env, bool *out_is_over)
{
    const barks_repeat_options *options = repeat->options;
    char what[ACTION_NAME_BYTES];
    struct state next = {0};
    action_name(what, "repeat", repeat->where);
    BARKS_TRY(compute(repeat, body(repeat->last.rdd, round, env), what, &next));
    barks_rdd *from = repeat->last.rdd;
    move_on(repeat, next);
    int answer = options->until != NULL ? options->until(from, next.rdd, round, env) : 0;
    if (answer < 0)
        BARKS_FAIL(repeat->context->error != NULL ? barks_status_code(repeat->context->error)
                                                  : BARKS_CANCELLED,
                   "the function that says whether it was the last round has failed");
    *out_is_over = answer > 0;
    bool is_last = *out_is_over || round + 1 == options->rounds;
    int64_t every = cut_every(options);
    bool is_new = next.rdd != from; /* else nothing has been added to cut off */
    return is_new && !is_last && every > 0 && (round + 1) % every == 0 ? cut(repeat, round, what)
                                                                       : NULL;
}

/* ---- all of them ---- */

BARKS_CHECKED static barks_status *check_options(const barks_repeat_options *options)
{
    if (options->rounds < 0 || options->every < 0)
        BARKS_FAIL(BARKS_INVALID, ".%s is %" PRId64 ": it is a number of rounds",
                   options->rounds < 0 ? "rounds" : "every",
                   options->rounds < 0 ? options->rounds : options->every);
    if (options->rounds == 0 && options->until == NULL)
        BARKS_FAIL(BARKS_INVALID,
                   "it would never end: .rounds says how many there are at most, .until when they "
                   "end");
    return NULL;
}

static barks_rdd *failed(barks_rdd *first, barks_status *status, const char *where)
{
    return dataset_fail(dataset_exchange(first, PARTITION_ONE, 1, where), status);
}

barks_rdd *barks_repeat_at(barks_rdd *first, barks_repeat_body *body, void *env,
                           const barks_repeat_options *options, const char *where)
{
    if (first->context == NULL || first->context != context_alive() || first->node.error != NULL)
        return first;
    struct repeat repeat = {
        .options = options, .where = where, .context = first->context, .last = {.rdd = first}};
    barks_status *status = check_options(options);
    if (status != NULL)
        return failed(
            first,
            barks_status_new(barks_status_code(status), status, BARKS_HERE, "repeat at %s", where),
            where);
    int64_t round = 0;
    for (bool is_over = false; !is_over && status == NULL; round++) {
        status = run_round(&repeat, round, body, env, &is_over);
        is_over |= round + 1 == options->rounds;
    }
    release(&repeat, repeat.before);
    free(repeat.cut_path);
    if (status == NULL)
        return repeat.last.rdd;
    struct state cut = repeat.cut;
    repeat.cut = (struct state){0};
    release(&repeat, repeat.last);
    if (cut.rdd != repeat.last.rdd)
        release(&repeat, cut);
    return failed(first,
                  barks_status_new(barks_status_code(status), status, BARKS_HERE,
                                   "repeat at %s: round %" PRId64, where, round - 1),
                  where);
}

int barks_until_same_count(barks_rdd *before, barks_rdd *after, int64_t round, void *env)
{
    (void)round;
    (void)env;
    int64_t counts[2] = {barks_count(before), barks_count(after)};
    return counts[0] < 0 || counts[1] < 0 ? -1 : counts[0] == counts[1];
}
