/* Resources: what the tasks of an executor share and one of them makes: a library's handle, a
 * model, a connection.
 *
 *     static void close_model(struct model *model) { model_close(model->handle); }
 *     BARKS_RESOURCE(model, struct model, close_model, struct paths)
 *     {
 *         resource->handle = model_open(barks_shipped(env->name));
 *         if (resource->handle == NULL)
 *             fail("cannot open the model");
 *     }
 *     BARKS_MAP(guess, picture, guessed, struct paths)
 *     {
 *         const struct model *shared = barks_resource(model, env);
 *         ...
 *     }
 */
#pragma once
#pragma GCC system_header

#include "barks/api.h"
#include "barks/record.h"

#include <stddef.h>

typedef struct barks_resource_type {
    const char *name;
    size_t size;
    size_t env_size;
    void (*make)(barks_call *call, void *resource); /* sets call->status where it fails */
    void (*free)(void *resource);
} barks_resource_type;

/**
 * BARKS_RESOURCE(name, type, free function[, env type]) { resource->handle = ...; }
 *
 * The body fills *resource, a `type` of zeros; `env` is the env that it was asked for with, and
 * fail works. It runs once an executor, when a body asks for the resource first; others that ask
 * meanwhile wait. void free_function(type *) gives back what the body has filled in, at the end of
 * the job; it is not called for a resource whose body failed, which is made anew for who asks
 * later. In local mode there is one for each executor of the process.
 *
 * Threads: bodies that share it run at once: what they change in it must be locked by them.
 */
#define BARKS_RESOURCE(...)                                                                        \
    BARKS_PASTE(BARKS_RESOURCE_, BARKS_ENV_AFTER_3_(__VA_ARGS__))(__VA_ARGS__)
#define BARKS_RESOURCE_BAD_(...)                                                                   \
    BARKS_BAD_ARGUMENTS_("BARKS_RESOURCE(name, type, free function[, env])", #__VA_ARGS__)
#define BARKS_RESOURCE_WITHOUT_ENV_(given_name, resource_type, free_function)                      \
    BARKS_RESOURCE_OF_(given_name, resource_type, free_function, barks_no_env, 0)
#define BARKS_RESOURCE_WITH_ENV_(given_name, resource_type, free_function, env_type)               \
    BARKS_RESOURCE_OF_(given_name, resource_type, free_function, env_type, sizeof(env_type))
#define BARKS_RESOURCE_BODY_(given_name, resource_type, env_type)                                  \
    static void barks_body_##given_name(                                                           \
        BARKS_UNUSED_ resource_type *resource, BARKS_UNUSED_ const env_type *env,                  \
        BARKS_UNUSED_ struct barks_body *fail_works_in_bodies_of_functions)
#define BARKS_RESOURCE_OF_(given_name, resource_type, free_function, env_type, env_bytes)          \
    BARKS_RESOURCE_BODY_(given_name, resource_type, env_type);                                     \
    static void barks_make_##given_name(barks_call *call, void *resource)                          \
    {                                                                                              \
        struct barks_body body = {call, false};                                                    \
        barks_body_##given_name(resource, call->env, &body);                                       \
    }                                                                                              \
    static void barks_free_##given_name(void *resource)                                            \
    {                                                                                              \
        resource_type *typed = resource;                                                           \
        free_function(typed);                                                                      \
    }                                                                                              \
    static const struct barks_resource_##given_name {                                              \
        barks_resource_type resource;                                                              \
        resource_type *type;                                                                       \
        env_type *env;                                                                             \
    } given_name BARKS_UNUSED_ = {.resource = {.name = #given_name,                                \
                                               .size = sizeof(resource_type),                      \
                                               .env_size = (env_bytes),                            \
                                               .make = barks_make_##given_name,                    \
                                               .free = barks_free_##given_name}};                  \
    BARKS_RESOURCE_BODY_(given_name, resource_type, env_type)

/**
 * barks_resource(name, env): only in a body: this executor's resource, never NULL. Each env (by its
 * bytes; NULL where the resource has none) makes one of its own, so the env of the body, or a
 * struct in it, is what to give. Cheap enough to be asked once a row.
 *
 * Ownership: the engine's, until barks_finalize.
 * Errors:    a resource that cannot be made ends the body and the task with the reason.
 */
#define barks_resource(name, env_pointer)                                                          \
    __extension__({                                                                                \
        __typeof__((name).type) barks_found_ =                                                     \
            barks_resource_at(fail_works_in_bodies_of_functions->call, &(name).resource,           \
                              BARKS_ENV_OF(name, env_pointer));                                    \
        if (BARKS_UNLIKELY(barks_found_ == NULL))                                                  \
            fail("no resource '%s'", #name); /* the call knows why */                              \
        barks_found_;                                                                              \
    })
/* The same for functions that bodies call, with NULL as call: NULL where it cannot be made, and the
 * task fails. */
BARKS_API void *barks_resource_at(barks_call *call, const barks_resource_type *type,
                                  const void *env);
