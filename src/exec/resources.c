#include "exec/resources.h"

#include "base/copy.h"
#include "base/lock.h"
#include "exec/task_info.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum resource_state { RESOURCE_NONE, RESOURCE_MAKING, RESOURCE_READY };

struct resource {
    const barks_resource_type *type;
    void *env;    /* owned */
    void *object; /* owned; unchanged once it is READY, so that tasks may remember it */
    /* Under the lock: */
    enum resource_state state;
    pthread_t maker;            /* MAKING */
    struct resource *waits_for; /* MAKING: its maker waits for this one, or NULL */
    barks_status *failed;       /* owned: of the last try */
    struct resource *made_before, *next;
};

struct resources {
    struct lock lock;
    struct condition changed;
    struct {
        struct resource *all;
        struct resource *last_made;
    } locked;
};

barks_status *resources_create(struct resources **out_resources)
{
    struct resources *resources = calloc(1, sizeof *resources);
    if (resources == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for resources");
    lock_init(&resources->lock, LOCK_OPERATOR, "resources");
    condition_init(&resources->changed);
    *out_resources = resources;
    return NULL;
}

static void drop_resource(struct resource *resource)
{
    barks_status_free(resource->failed);
    free(resource->env);
    free(resource->object);
    free(resource);
}

void resources_destroy(struct resources *resources)
{
    if (resources == NULL)
        return;
    for (struct resource *at = resources->locked.last_made; at != NULL; at = at->made_before)
        at->type->free(at->object);
    while (resources->locked.all != NULL) {
        struct resource *next = resources->locked.all->next;
        drop_resource(resources->locked.all);
        resources->locked.all = next;
    }
    condition_drop(&resources->changed);
    lock_drop(&resources->lock);
    free(resources);
}

bool resource_is(const struct resource *resource, const barks_resource_type *type, const void *env)
{
    return resource->type == type &&
           (type->env_size == 0 || memcmp(resource->env, env, type->env_size) == 0);
}

void *resource_object(const struct resource *resource) { return resource->object; }

BARKS_CHECKED static barks_status *find_locked(struct resources *resources,
                                               const barks_resource_type *type, const void *env,
                                               struct resource **out_resource)
{
    for (struct resource *at = resources->locked.all; at != NULL; at = at->next)
        if (resource_is(at, type, env)) {
            *out_resource = at;
            return NULL;
        }
    struct resource *made = calloc(1, sizeof *made);
    if (made == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the resource '%s'", type->name);
    made->type = type;
    if (type->env_size > 0) {
        barks_status *status = copy_bytes(env, type->env_size, &made->env);
        if (status != NULL) {
            free(made);
            return status;
        }
    }
    made->next = resources->locked.all;
    resources->locked.all = made;
    *out_resource = made;
    return NULL;
}

/* Whether this thread is the one that all would wait for. */
static bool needs_itself_locked(const struct resource *wanted)
{
    while (wanted != NULL && wanted->state == RESOURCE_MAKING) {
        if (pthread_equal(wanted->maker, pthread_self()))
            return true;
        wanted = wanted->waits_for;
    }
    return false;
}

/* What this thread makes waits for that; NULL: no more. */
static void note_wait_locked(struct resources *resources, struct resource *wanted)
{
    for (struct resource *at = resources->locked.all; at != NULL; at = at->next)
        if (at->state == RESOURCE_MAKING && pthread_equal(at->maker, pthread_self()))
            at->waits_for = wanted;
}

BARKS_CHECKED static barks_status *fail_made(const struct resource *resource,
                                             const barks_status *cause)
{
    char text[512];
    barks_status_format(cause, text, sizeof text);
    return barks_status_new(barks_status_code(cause), NULL, BARKS_HERE,
                            "the resource '%s' cannot be made: %s", resource->type->name, text);
}

BARKS_CHECKED static barks_status *await_locked(struct resources *resources,
                                                struct resource *wanted)
{
    if (needs_itself_locked(wanted))
        BARKS_FAIL(BARKS_USER_ERROR, "the resource '%s' needs itself", wanted->type->name);
    note_wait_locked(resources, wanted);
    while (wanted->state == RESOURCE_MAKING)
        condition_wait(&resources->changed, &resources->lock);
    note_wait_locked(resources, NULL);
    /* Those who waited do not try in turn what may take minutes to fail. */
    return wanted->state == RESOURCE_READY ? NULL : fail_made(wanted, wanted->failed);
}

BARKS_CHECKED static barks_status *make_object(const struct resource *resource, void **out_object)
{
    const barks_resource_type *type = resource->type;
    barks_call call = {.env = resource->env};
    void *object = calloc(1, type->size > 0 ? type->size : 1);
    if (object == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "%zu bytes are not there", type->size);
    const barks_status *noted_before = task_noted_failure();
    type->make(&call, object);
    const barks_status *noted = task_noted_failure();
    if (call.status == NULL && noted != noted_before) /* by a function that make has called */
        call.status = barks_status_new(barks_status_code(noted), NULL, BARKS_HERE, "%s",
                                       barks_status_text(noted));
    if (call.status != NULL) {
        free(object);
        return call.status;
    }
    *out_object = object;
    return NULL;
}

/* Gives the lock back meanwhile. */
BARKS_CHECKED static barks_status *make_locked(struct resources *resources,
                                               struct resource *resource)
{
    void *object = NULL;
    resource->state = RESOURCE_MAKING;
    resource->maker = pthread_self();
    lock_release(&resources->lock);
    barks_status *status = make_object(resource, &object);
    lock_acquire(&resources->lock);
    barks_status_free(resource->failed);
    resource->failed = status;
    resource->object = object;
    resource->state = status == NULL ? RESOURCE_READY : RESOURCE_NONE;
    if (status == NULL) {
        resource->made_before = resources->locked.last_made;
        resources->locked.last_made = resource;
    }
    condition_broadcast(&resources->changed);
    return status != NULL ? fail_made(resource, status) : NULL;
}

barks_status *resources_get(struct resources *resources, const barks_resource_type *type,
                            const void *env, const struct resource **out_resource)
{
    struct resource *found = NULL;
    if (type->env_size > 0 && env == NULL)
        BARKS_FAIL(BARKS_INVALID, "the resource '%s' wants an env, and was given NULL", type->name);
    lock_acquire(&resources->lock);
    barks_status *status = find_locked(resources, type, env, &found);
    if (status == NULL && found->state == RESOURCE_MAKING)
        status = await_locked(resources, found);
    else if (status == NULL && found->state == RESOURCE_NONE)
        status = make_locked(resources, found);
    lock_release(&resources->lock);
    *out_resource = found;
    return status;
}
