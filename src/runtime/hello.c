#include "runtime/hello.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/scope.h"
#include "base/version.h"
#include "exec/registry.h"
#include "net/net.h"
#include "net/topology.h"
#include "runtime/message.h"
#include "runtime/visible_devices.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAP_NS = 1000 * 1000, MEMORY_MIN_BYTES = 64 << 20, CONFIG_BYTES_MAX = 1 << 20 };

void hello_drop(struct hello *hello)
{
    free(hello->version);
    free(hello->host);
    free(hello->memory_origin);
    free(hello->devices);
    free(hello->problem);
    *hello = (struct hello){0};
}

void welcome_drop(struct welcome *welcome)
{
    config_drop(&welcome->config);
    *welcome = (struct welcome){0};
}

BARKS_CHECKED static barks_status *copy_into(const char *text, char **out)
{
    *out = text != NULL ? strdup(text) : NULL;
    if (text != NULL && *out == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the start");
    return NULL;
}

barks_status *hello_of_this_process(const struct topology *topology, struct hello *out_hello)
{
    char host[256] = "unknown";
    const char *origin = "";
    if (gethostname(host, sizeof host - 1) != 0)
        snprintf(host, sizeof host, "unknown");
    *out_hello = (struct hello){
        .protocol = PROTOCOL_VERSION,
        .pid = (uint32_t)getpid(),
        .node_id = topology_node_id(),
        .core_count = topology_core_count(topology),
        .user_bound = topology_user_bound(topology),
        .memory_bytes = topology_memory_budget(&origin),
    };
    BARKS_TRY(registry_binary_hash(&out_hello->binary_hash));
    BARKS_TRY(copy_into(LIBRARY_VERSION, &out_hello->version));
    BARKS_TRY(copy_into(host, &out_hello->host));
    BARKS_TRY(copy_into(origin, &out_hello->memory_origin));
    BARKS_TRY(visible_devices(&out_hello->devices));
    barks_status *problem = registry_freeze();
    if (problem == NULL)
        return NULL;
    barks_status *status = copy_into(barks_status_text(problem), &out_hello->problem);
    barks_status_free(problem);
    return status;
}

static void hello_pack(struct packer *out, const struct hello *hello)
{
    pack_u64(out, hello->protocol);
    pack_text(out, hello->version);
    pack_u64(out, hello->binary_hash);
    pack_text(out, hello->host);
    pack_u64(out, hello->pid);
    pack_u64(out, hello->node_id);
    pack_u64(out, hello->core_count);
    pack_bool(out, hello->user_bound);
    pack_u64(out, hello->memory_bytes);
    pack_text(out, hello->memory_origin);
    pack_text(out, hello->devices);
    pack_text(out, hello->problem);
}

barks_status *hello_unpack(struct unpacker *in, struct hello *out_hello)
{
    out_hello->protocol = unpack_u32(in);
    out_hello->version = unpack_text(in);
    out_hello->binary_hash = unpack_u64(in);
    out_hello->host = unpack_text(in);
    out_hello->pid = unpack_u32(in);
    out_hello->node_id = unpack_u64(in);
    out_hello->core_count = unpack_u32(in);
    out_hello->user_bound = unpack_bool(in);
    out_hello->memory_bytes = unpack_u64(in);
    out_hello->memory_origin = unpack_text(in);
    out_hello->devices = unpack_text(in);
    out_hello->problem = unpack_text(in);
    return unpacker_finish(in);
}

BARKS_CHECKED static barks_status *read_welcome(struct unpacker *in, struct welcome *out)
{
    size_t config_bytes = 0;
    const uint8_t *config = unpack_bytes(in, &config_bytes);
    out->first_core = unpack_u32(in);
    out->worker_count = unpack_u32(in);
    out->bind = unpack_bool(in);
    out->memory_bytes = unpack_u64(in);
    out->has_far_peers = unpack_bool(in);
    out->driver_pid = unpack_u32(in);
    BARKS_TRY(unpacker_finish(in));
    return config_unpack(&out->config, config, config_bytes);
}

BARKS_CHECKED static barks_status *say_hello(struct net *net, const struct topology *topology)
{
    struct hello hello = {0};
    struct packer out = {0};
    barks_status *status = hello_of_this_process(topology, &hello);
    if (status == NULL) {
        pack_u64(&out, MESSAGE_HELLO);
        hello_pack(&out, &hello);
        status = message_send(net, 0, &out);
    }
    hello_drop(&hello);
    return status;
}

barks_status *hello_exchange(struct net *net, const struct topology *topology,
                             const struct config *config, struct welcome *out_welcome,
                             bool *out_refused, int *out_exit_status)
{
    uint64_t deadline_ns = monotonic_ns() + config_duration_ns(config, CONFIG_START_DEADLINE);
    BARKS_TRY(say_hello(net, topology));
    while (monotonic_ns() < deadline_ns) {
        struct net_message message = {0};
        bool got = false;
        BARKS_TRY(net_poll(net, &message, &got));
        if (!got) {
            net_wait(net, NAP_NS);
            continue;
        }
        struct unpacker in;
        unpacker_init(&in, message.bytes, message.size_bytes);
        enum message_kind kind = (enum message_kind)unpack_u32(&in);
        barks_status *status = NULL;
        if (kind == MESSAGE_WELCOME)
            status = read_welcome(&in, out_welcome);
        else if (kind == MESSAGE_END)
            *out_exit_status = (int)unpack_u32(&in);
        *out_refused = kind == MESSAGE_END;
        unpacker_drop(&in);
        net_message_drop(&message);
        return status;
    }
    BARKS_FAIL(BARKS_LOST,
               "the driver did not answer within its deadline (--barks-start-deadline)");
}

/* ---- the driver's side ---- */

barks_status *hello_check(const struct hello *driver, const struct hello *executors,
                          uint32_t executor_count)
{
    if (driver->problem != NULL)
        BARKS_FAIL(BARKS_INVALID, "%s", driver->problem);
    for (uint32_t i = 0; i < executor_count; i++) {
        const struct hello *hello = &executors[i];
        if (hello->protocol != driver->protocol || strcmp(hello->version, driver->version) != 0)
            BARKS_FAIL(BARKS_INVALID,
                       "rank %" PRIu32 " on %s runs barks %s (protocol %" PRIu32
                       ") and the driver on %s barks %s (protocol %" PRIu32
                       "); start all ranks with the same library",
                       i + 1, hello->host, hello->version, hello->protocol, driver->host,
                       driver->version, driver->protocol);
        if (hello->binary_hash != driver->binary_hash)
            BARKS_FAIL(BARKS_INVALID,
                       "rank %" PRIu32
                       " on %s runs another program than the driver on %s (hash %016" PRIx64
                       ", here %016" PRIx64 "); start all ranks with the same file",
                       i + 1, hello->host, driver->host, hello->binary_hash, driver->binary_hash);
        if (hello->problem != NULL)
            BARKS_FAIL(BARKS_INVALID, "rank %" PRIu32 " on %s: %s", i + 1, hello->host,
                       hello->problem);
    }
    return NULL;
}

/* Executors [begin, end) that are on a node. */
static uint32_t count_on_node(const struct hello *executors, uint32_t begin, uint32_t end,
                              uint64_t node_id)
{
    uint32_t count = 0;
    for (uint32_t i = begin; i < end; i++)
        count += executors[i].node_id == node_id;
    return count;
}

/* The cores of executor i; a spare has those of one that works, since it takes the place of one. */
static void share_cores(const struct hello *executors, uint32_t i, uint32_t working_count,
                        uint32_t *out_first, uint32_t *out_count)
{
    uint64_t node_id = executors[i].node_id;
    uint32_t sharers = count_on_node(executors, 0, working_count, node_id);
    uint32_t index = count_on_node(executors, i < working_count ? 0 : working_count, i, node_id);
    if (sharers == 0) /* spares alone */
        sharers = 1;
    topology_share(executors[i].core_count, sharers, index % sharers, out_first, out_count);
}

barks_status *hello_share(const struct hello *executors, uint32_t executor_count,
                          uint32_t spare_count, const struct config *config,
                          struct welcome *out_welcomes)
{
    for (uint32_t i = 0; i < executor_count; i++) {
        const struct hello *hello = &executors[i];
        struct welcome *welcome = &out_welcomes[i];
        uint32_t first = 0, count = hello->core_count;
        uint32_t neighbours = count_on_node(executors, 0, executor_count, hello->node_id);
        if (!hello->user_bound)
            share_cores(executors, i, executor_count - spare_count, &first, &count);
        uint64_t workers = (uint64_t)config_int(config, CONFIG_WORKERS);
        uint64_t memory_bytes = config_bytes(config, CONFIG_MEMORY);
        *welcome = (struct welcome){
            .first_core = first,
            .worker_count = workers > 0 ? (uint32_t)workers : count,
            .bind = config_bool(config, CONFIG_BIND),
            .memory_bytes = memory_bytes > 0 ? memory_bytes : hello->memory_bytes / neighbours,
            .has_far_peers = neighbours < executor_count,
        };
        if (welcome->memory_bytes < MEMORY_MIN_BYTES)
            BARKS_FAIL(BARKS_LIMIT,
                       "an executor on %s would have %" PRIu64
                       " MiB of memory (%s); it needs 64 MiB: raise --barks-memory or "
                       "start fewer ranks on a node",
                       hello->host, welcome->memory_bytes >> 20,
                       memory_bytes > 0 ? "--barks-memory" : hello->memory_origin);
    }
    return NULL;
}

barks_status *welcome_send(struct net *net, uint32_t to, const struct welcome *welcome,
                           const struct config *config)
{
    struct packer out = {0};
    BARKS_AUTO(buffer) settings = {.limit_bytes = CONFIG_BYTES_MAX};
    BARKS_TRY(config_pack(config, &settings));
    pack_u64(&out, MESSAGE_WELCOME);
    pack_bytes(&out, settings.size_bytes > 0 ? settings.data : (const uint8_t *)"",
               settings.size_bytes);
    pack_u64(&out, welcome->first_core);
    pack_u64(&out, welcome->worker_count);
    pack_bool(&out, welcome->bind);
    pack_u64(&out, welcome->memory_bytes);
    pack_bool(&out, welcome->has_far_peers);
    pack_u64(&out, welcome->driver_pid);
    return message_send(net, to, &out);
}
