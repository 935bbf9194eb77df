#include "runtime/local_executors.h"

#include "base/config.h"
#include "base/log.h"
#include "net/net.h"
#include "runtime/executor_service.h"
#include "runtime/members.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct local_executor {
    struct net *net;
    const struct config *config;
    pthread_t thread;
    bool started;
};

static void *run(void *argument)
{
    struct local_executor *executor = argument;
    int exit_status = executor_serve(executor->net, executor->config, NULL);
    if (exit_status != 0)
        LOG(LEVEL_DEBUG, "runtime", "a local executor ended with status %d", exit_status);
    return NULL;
}

BARKS_CHECKED static barks_status *start(struct local_executor *executor)
{
    int error = pthread_create(&executor->thread, NULL, run, executor);
    if (error != 0)
        BARKS_FAIL(BARKS_LIMIT, "cannot start an executor: %s; raise `ulimit -u`",
                   strerrordesc_np(error));
    executor->started = true;
    return NULL;
}

barks_status *local_executors_start(const struct config *config, struct local_executors *out,
                                    struct net **out_driver_net)
{
    int wanted = config_int(config, CONFIG_LOCAL);
    uint32_t count = wanted > 0 ? (uint32_t)wanted : 1;
    struct net **nets = calloc((size_t)count + 1, sizeof(struct net *));
    out->all = calloc(count, sizeof *out->all);
    barks_status *status = NULL;
    if (nets == NULL || out->all == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                  "no memory for %" PRIu32 " executors", count);
    if (status == NULL)
        status =
            net_local_open(count + 1, config_choice(config, CONFIG_RECOVERY) == RECOVERY_ON, nets);
    if (status != NULL) {
        free(nets);
        return status;
    }
    *out_driver_net = nets[0];
    out->count = count;
    for (uint32_t i = 0; i < count && status == NULL; i++) {
        out->all[i] = (struct local_executor){.net = nets[i + 1], .config = config};
        status = start(&out->all[i]);
    }
    free(nets);
    return status;
}

void local_executors_join(struct local_executors *executors, const struct members *members)
{
    for (uint32_t i = 0; i < executors->count; i++) {
        if (!executors->all[i].started)
            continue;
        if (i < members->count && member_is_lost(&members->all[i]))
            pthread_detach(executors->all[i].thread);
        else
            pthread_join(executors->all[i].thread, NULL);
    }
}

void local_executors_drop(struct local_executors *executors)
{
    free(executors->all);
    *executors = (struct local_executors){0};
}
