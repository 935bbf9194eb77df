/* Where the keys of aggregates lay, by their functions: the tables of later tasks and stages expect
 * theirs there too. */
#pragma once

#include "barks/function.h"
#include "barks/status.h"
#include "shuffle/combine.h"

/* Threads: any; a lock guards it. */
struct key_windows;

BARKS_CHECKED barks_status *key_windows_create(struct key_windows **out_windows);
void key_windows_destroy(struct key_windows *windows); /* NULL is fine */

/* The last one that was put; of no places: none was lately. windows may be NULL. */
struct key_window key_windows_get(struct key_windows *windows, const barks_function *function);
/* One of no places is not noted. */
void key_windows_put(struct key_windows *windows, const barks_function *function,
                     struct key_window window);
