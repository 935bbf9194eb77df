/* What an executor does when others are lost (docs/recovery.md). */
#include "base/clock.h"
#include "base/config.h"
#include "base/fault.h"
#include "base/process.h"
#include "runtime/executor_state.h"
#include "runtime/message.h"

#include <inttypes.h>
#include <stdlib.h>

#define LOOK_FOR_DRIVER_NS (UINT64_C(200) * NS_PER_MS)

static void read_lost(struct unpacker *in, bool *is_lost, uint32_t size)
{
    uint32_t count = unpack_count(in);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t rank = unpack_u32(in);
        if (rank < size)
            is_lost[rank] = true;
    }
}

barks_status *executor_take_epoch(struct executor *executor, struct unpacker *in)
{
    struct packer out = {0};
    uint32_t epoch = unpack_u32(in), size = executor->net->size;
    bool *is_lost = calloc(size, sizeof *is_lost);
    if (is_lost == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to note who is lost");
    read_lost(in, is_lost, size);
    barks_status *status = unpacker_finish(in);
    fault_point(POINT_EPOCH_TAKEN);
    if (status == NULL)
        status = exchange_begin_epoch(executor->exchange, epoch, is_lost);
    free(is_lost);
    BARKS_TRY(status);
    executor->epoch = epoch;
    executor->others_are_lost = true;
    shared_relay_end_passing_on(executor->relay);
    /* MPI may hang on what the dead have left behind. */
    watchdog_phase(executor->watchdog, "a call of MPI after a loss",
                   3 * config_duration_ns(&executor->welcome.config, CONFIG_RECOVERY_DEADLINE));
    pack_u64(&out, MESSAGE_EPOCH_READY);
    pack_u64(&out, epoch);
    BARKS_TRY(message_send(executor->net, 0, &out));
    fault_point(POINT_EPOCH_READY);
    return NULL;
}

barks_status *executor_take_holders(struct executor *executor, struct unpacker *in)
{
    uint64_t shuffle = unpack_u64(in);
    uint32_t count = unpack_count(in);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot = unpack_u32(in), holder = unpack_u32(in);
        BARKS_TRY(exchange_move_slot(executor->exchange, shuffle, slot, holder));
    }
    fault_point(POINT_HOLDERS_TAKEN);
    return unpacker_finish(in);
}

barks_status *executor_look_for_driver(struct executor *executor, uint64_t now_ns)
{
    const struct welcome *welcome = &executor->welcome;
    uint32_t suspect = 0;
    while (net_take_suspect(executor->net, &suspect))
        executor->mpi_lost_driver |= suspect == 0;
    if (executor->mpi_lost_driver)
        BARKS_FAIL(BARKS_LOST, "the driver was lost: MPI says that its process has ended");
    if (!net_recovers(executor->net) || now_ns - executor->last_look_ns < LOOK_FOR_DRIVER_NS)
        return NULL;
    executor->last_look_ns = now_ns;
    if (welcome->driver_pid != 0) {
        if (process_is_gone((pid_t)welcome->driver_pid))
            BARKS_FAIL(BARKS_LOST, "the driver was lost: its process %" PRIu32 " has ended",
                       welcome->driver_pid);
        return NULL;
    }
    /* It may have had to wait for who was silent; twice its own limit is generous. */
    uint64_t limit_ns = 2 * config_duration_ns(&welcome->config, CONFIG_LOST_DEADLINE);
    uint64_t heard_ns = pause_watch_since(&executor->pauses, executor->last_driver_ns);
    if (now_ns > heard_ns && now_ns - heard_ns > limit_ns)
        BARKS_FAIL(BARKS_LOST, "the driver was lost: not heard of for %.1f s",
                   (double)(now_ns - heard_ns) * 1e-9);
    return NULL;
}
