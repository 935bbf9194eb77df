#include "exec/key_windows.h"

#include "base/lock.h"

#include <stdlib.h>

/* Functions whose windows are known: those of the last few aggregates of whole numbers. */
enum { WINDOWS_MAX = 16 };

struct known_window {
    const barks_function *function; /* NULL: those of distinct */
    struct key_window window;       /* of no places: free */
};

struct key_windows {
    struct lock lock;
    struct {
        struct known_window known[WINDOWS_MAX];
        uint32_t next; /* that a new function takes */
    } locked;
};

barks_status *key_windows_create(struct key_windows **out_windows)
{
    struct key_windows *windows = calloc(1, sizeof *windows);
    if (windows == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the windows of keys");
    lock_init(&windows->lock, LOCK_OPERATOR, "windows of keys");
    *out_windows = windows;
    return NULL;
}

void key_windows_destroy(struct key_windows *windows)
{
    if (windows == NULL)
        return;
    lock_drop(&windows->lock);
    free(windows);
}

static struct known_window *find_locked(struct key_windows *windows, const barks_function *function)
{
    for (uint32_t i = 0; i < WINDOWS_MAX; i++) {
        struct known_window *known = &windows->locked.known[i];
        if (known->function == function && known->window.place_count > 0)
            return known;
    }
    return NULL;
}

struct key_window key_windows_get(struct key_windows *windows, const barks_function *function)
{
    struct key_window window = {0};
    if (windows == NULL)
        return window;
    lock_acquire(&windows->lock);
    const struct known_window *known = find_locked(windows, function);
    if (known != NULL)
        window = known->window;
    lock_release(&windows->lock);
    return window;
}

void key_windows_put(struct key_windows *windows, const barks_function *function,
                     struct key_window window)
{
    if (windows == NULL || window.place_count == 0)
        return;
    lock_acquire(&windows->lock);
    struct known_window *known = find_locked(windows, function);
    if (known == NULL)
        known = &windows->locked.known[windows->locked.next++ % WINDOWS_MAX];
    *known = (struct known_window){function, window};
    lock_release(&windows->lock);
}
