/* What every action begins and ends with: it describes itself as a struct action
 * (runtime/future.h), which runs at once, or later where the dataset was given by barks_later_. */
#pragma once

#include "rdd/dataset.h"
#include "runtime/future.h"

#include <stdbool.h>

/* "count at job.c:12". */
void action_name(char *what, const char *action, const char *where);

/* The context that an action runs in, or NULL after it has said why there is none. */
barks_context *action_context(const barks_rdd *rdd, const char *what);

/* True where status is NULL; else the error is told, and false. Takes status. */
bool action_is_done(barks_context *context, barks_status *status);

/* An action on rdd, whose error it has; what it is given is filled in by the caller. */
struct action action_of(barks_rdd *rdd, const char *name, const char *where,
                        barks_status *(*run)(struct action *action));

/* These do nothing where the action has an error already, and set one where they cannot: fields or
 * orders by name; a copy of a struct, with its strings; of a function's env. */
void action_parse_keys(struct action *action, const char *keys, const char *where);
void action_parse_order(struct action *action, const char *order, const char *where);
void action_parse_column(struct action *action, const char *column, const char *where);
void action_copy_values(struct action *action, const double *values, uint32_t count);
void action_copy_struct(struct action *action, const barks_record *record, const void *given);
void action_copy_env(struct action *action, const barks_function *function, const void *env);

/* Writes text to the standard output, at once. Errors: BARKS_IO: it could not be written. */
BARKS_CHECKED barks_status *print_text(const char *what, const void *text, size_t size_bytes);

/* "a, b" of all fields of the action's rows, which have no error; the caller's. */
BARKS_CHECKED barks_status *action_all_fields(const struct action *action, char **out_text);
/* What is out of room because of the number of keys says what helps. Takes status. */
barks_status *action_name_keys(barks_status *status);

/* Of actions that give rows: performs it. *out_count (where it is not NULL) and the result are what
 * it gives; 0 and NULL on an error, and where it is asynchronous. */
void *action_give(struct action *action, int64_t *out_count);

/* What a run that gives rows ends with: takes batch. */
BARKS_CHECKED barks_status *action_take_batch(struct action *action, struct batch *batch);

/* Folds the rows of action->node into *out, and ends it. */
bool action_reduce(struct action *action, const barks_function *function, void *out,
                   size_t out_bytes);
