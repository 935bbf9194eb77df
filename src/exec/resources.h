/* What bodies of an executor share and one of them has made (barks/resource.h). */
#pragma once

#include "barks/resource.h"
#include "barks/status.h"

/* Threads: any; a lock guards the list, and is not held while one is made. */
struct resources;
struct resource;

BARKS_CHECKED barks_status *resources_create(struct resources **out_resources);
/* Frees them, the last that was made first. No task runs any more. NULL is fine. */
void resources_destroy(struct resources *resources);

/* The resource of this type and env, made by the caller or, if another is at it, awaited. Errors:
 * those of making it, also for who waited; that it needs itself; BARKS_NO_MEMORY. */
BARKS_CHECKED barks_status *resources_get(struct resources *resources,
                                          const barks_resource_type *type, const void *env,
                                          const struct resource **out_resource);

bool resource_is(const struct resource *resource, const barks_resource_type *type, const void *env);
void *resource_object(const struct resource *resource);
