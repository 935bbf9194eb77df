#include "runtime/members.h"

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "base/process.h"
#include "net/net.h"
#include "net/topology.h"
#include "runtime/message.h"
#include "runtime/offers.h"
#include "runtime/signals.h"
#include "runtime/watchdog.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    NAP_NS = 200 * 1000,
    NAP_LEAVING_NS = 2 * 1000 * 1000,
    END_TRIES = 3,
};
/* How long the driver stays when others, told to end, have not gone; of other nodes it is not seen
 * whether they have. */
#define LEAVE_NS_MAX (2 * NS_PER_S)
#define LEAVE_UNSEEN_NS (NS_PER_S / 2)

void members_drop(struct members *members)
{
    hello_drop(&members->driver);
    for (uint32_t i = 0; i < members->count; i++) {
        hello_drop(&members->all[i].hello);
        welcome_drop(&members->all[i].welcome);
    }
    free(members->all);
    *members = (struct members){0};
}

BARKS_CHECKED static barks_status *take_hello(struct members *members, struct net_message *message,
                                              uint32_t *missing)
{
    struct unpacker in;
    unpacker_init(&in, message->bytes, message->size_bytes);
    enum message_kind kind = (enum message_kind)unpack_u32(&in);
    barks_status *status = NULL;
    if (message->from == 0 || message->from > members->count)
        status = barks_status_new(BARKS_INTERNAL, NULL, BARKS_HERE, "a message of rank %" PRIu32,
                                  message->from);
    else if (kind == MESSAGE_TROUBLE)
        status = unpack_status(&in);
    else if (kind == MESSAGE_HELLO && !members->all[message->from - 1].has_hello) {
        struct member *member = &members->all[message->from - 1];
        status = hello_unpack(&in, &member->hello);
        member->has_hello = true;
        member->last_heard_ns = monotonic_ns();
        (*missing)--;
    }
    unpacker_drop(&in);
    return status;
}

/* The first executor that is missing. mpirun ends the others by a signal when a rank has died. */
BARKS_CHECKED static barks_status *late(const struct members *members)
{
    uint32_t rank = 1;
    while (rank < members->count && members->all[rank - 1].has_hello)
        rank++;
    BARKS_FAIL(BARKS_LOST,
               "executor %" PRIu32 " of %" PRIu32 " did not report %s: it died or hangs before or "
               "in barks_init; look at the output of its node",
               rank, members->count,
               signals_pending() != 0 ? "before the job was ended by a signal"
                                      : "within the start deadline (--barks-start-deadline)");
}

BARKS_CHECKED static barks_status *wait_for_hellos(struct net *net, const struct config *config,
                                                   struct members *members)
{
    uint64_t deadline_ns = monotonic_ns() + config_duration_ns(config, CONFIG_START_DEADLINE);
    uint32_t missing = members->count;
    while (missing > 0) {
        struct net_message message = {0};
        bool got = false;
        BARKS_TRY(net_poll(net, &message, &got));
        if (got) {
            barks_status *status = take_hello(members, &message, &missing);
            net_message_drop(&message);
            BARKS_TRY(status);
        } else if (monotonic_ns() > deadline_ns || signals_pending() != 0)
            return late(members);
        else
            net_wait(net, NAP_NS);
    }
    return NULL;
}

/* How many of the executors are spare. */
BARKS_CHECKED static barks_status *count_spares(const struct net *net, const struct config *config,
                                                uint32_t *out_count)
{
    uint32_t wanted = (uint32_t)config_int(config, CONFIG_SPARES), executor_count = net->size - 1;
    *out_count = 0;
    if (wanted > 0 && !net_recovers(net))
        LOG(LEVEL_WARN, "runtime",
            "no executor is kept spare, since the job cannot go on without one that is lost "
            "(mpirun --enable-recovery, or --with-ft ulfm)");
    else if (wanted >= executor_count)
        BARKS_FAIL(BARKS_INVALID,
                   "--barks-spares=%" PRIu32 " leaves none of %" PRIu32
                   " executors to work: ask for fewer, or start more ranks",
                   wanted, executor_count);
    else
        *out_count = wanted;
    return NULL;
}

BARKS_CHECKED static barks_status *answer(struct net *net, const struct config *config,
                                          struct members *members)
{
    uint32_t spare_count = 0;
    BARKS_TRY(count_spares(net, config, &spare_count));
    struct hello *hellos = calloc(members->count, sizeof *hellos);
    struct welcome *welcomes = calloc(members->count, sizeof *welcomes);
    struct executor_offer *offers = calloc(members->count, sizeof *offers);
    barks_status *status = NULL;
    if (hellos == NULL || welcomes == NULL || offers == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                  "no memory for %" PRIu32 " executors", members->count);
    for (uint32_t i = 0; i < members->count && status == NULL; i++)
        hellos[i] = members->all[i].hello; /* lent: members owns the texts */
    if (status == NULL)
        status = hello_check(&members->driver, hellos, members->count);
    if (status == NULL)
        status = hello_share(hellos, members->count, spare_count, config, welcomes);
    if (status == NULL)
        status = offers_make(hellos, members->count, config, &members->resources, offers);
    for (uint32_t i = 0; i < members->count && status == NULL; i++) {
        if (hellos[i].node_id == members->driver.node_id)
            welcomes[i].driver_pid = members->driver.pid;
        members->all[i].welcome = welcomes[i];
        atomic_store_explicit(&members->all[i].is_spare, i >= members->count - spare_count,
                              memory_order_relaxed);
        members->all[i].offer = offers[i];
        members->all[i].offer.memory_bytes = offers_memory_bytes(welcomes[i].memory_bytes);
        status = welcome_send(net, i + 1, &welcomes[i], config);
    }
    free(hellos);
    free(welcomes);
    free(offers);
    return status;
}

barks_status *members_gather(struct net *net, const struct config *config,
                             struct members *out_members)
{
    struct topology *topology = NULL;
    out_members->all = calloc(net->size, sizeof *out_members->all);
    if (out_members->all == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %" PRIu32 " executors", net->size - 1);
    out_members->count = net->size - 1;
    BARKS_TRY(topology_load(NULL, &topology));
    barks_status *status = hello_of_this_process(topology, &out_members->driver);
    topology_destroy(topology);
    BARKS_TRY(status);
    BARKS_TRY(wait_for_hellos(net, config, out_members));
    return answer(net, config, out_members);
}

/* Again where there was no memory for it: who is not told waits for this rank until a deadline. */
BARKS_CHECKED static barks_status *send_end(struct net *net, uint32_t rank, int exit_status,
                                            bool has_lost)
{
    barks_status *status = NULL;
    for (int i = 0; i < END_TRIES; i++) {
        struct packer out = {0};
        pack_u64(&out, MESSAGE_END);
        pack_u64(&out, (uint64_t)exit_status);
        pack_bool(&out, has_lost);
        barks_status_free(status);
        status = message_send(net, rank, &out);
        if (status == NULL)
            break;
    }
    return status;
}

bool members_end(struct net *net, const struct members *members, int exit_status)
{
    bool has_lost = members_living_count(members) < members->count;
    bool all_told = !has_lost;
    for (uint32_t i = 0; i < members->count; i++) {
        if (member_is_lost(&members->all[i]))
            continue;
        barks_status *status = send_end(net, i + 1, exit_status, has_lost);
        all_told = all_told && status == NULL;
        if (status != NULL)
            LOG(LEVEL_WARN, "runtime", "executor %" PRIu32 " could not be told to end: %s", i + 1,
                barks_status_text(status));
        barks_status_free(status);
    }
    return all_told;
}

/* A process of its own on the driver's node, of which the system tells whether it lives. */
static bool is_visible(const struct members *members, const struct member *member)
{
    return member->hello.node_id == members->driver.node_id &&
           member->hello.pid != (uint32_t)getpid();
}

static bool some_are_leaving(const struct members *members, bool *out_unseen)
{
    bool some = false;
    for (uint32_t i = 0; i < members->count; i++) {
        const struct member *member = &members->all[i];
        if (member_is_lost(member) || member->hello.pid == (uint32_t)getpid())
            continue;
        *out_unseen |= !is_visible(members, member);
        some |= is_visible(members, member) && !process_is_gone((pid_t)member->hello.pid);
    }
    return some;
}

void members_await_end(struct net *net, const struct members *members)
{
    uint64_t began_ns = monotonic_ns();
    for (bool goes_on = true; goes_on;) {
        struct net_message message = {0};
        bool got = false, unseen = false;
        barks_status *status = net_poll(net, &message, &got); /* which sends what is to be sent */
        net_message_drop(&message);
        uint64_t spent_ns = monotonic_ns() - began_ns;
        bool some = some_are_leaving(members, &unseen);
        goes_on = status == NULL &&
                  ((some && spent_ns < LEAVE_NS_MAX) || (unseen && spent_ns < LEAVE_UNSEEN_NS));
        barks_status_free(status);
        if (goes_on && !got)
            net_wait(net, NAP_LEAVING_NS);
    }
}

static void word_loss(const struct member *member, struct member_loss *loss)
{
    if (loss->is_gone)
        snprintf(loss->sentence, sizeof loss->sentence,
                 "executor %" PRIu32 " on %s was lost: its process %" PRIu32
                 " has ended (killed, crashed, or out of memory)",
                 loss->rank, member->hello.host, member->hello.pid);
    else
        snprintf(loss->sentence, sizeof loss->sentence,
                 "executor %" PRIu32 " on %s (process %" PRIu32
                 ") was lost: not heard of for %.1f s (--barks-lost-deadline)",
                 loss->rank, member->hello.host, member->hello.pid, (double)loss->silent_ns * 1e-9);
}

bool members_find_lost(struct members *members, struct net *net, const struct pause_watch *pauses,
                       uint64_t silent_ns_max, struct member_loss *out_loss)
{
    uint64_t now_ns = pauses->looked_ns;
    uint32_t suspect = 0;
    while (net_take_suspect(net, &suspect))
        if (suspect > 0 && suspect <= members->count)
            members->all[suspect - 1].is_suspect = true;
    for (uint32_t i = 0; i < members->count; i++) {
        struct member *member = &members->all[i];
        if (member_is_lost(member) || !member->has_hello)
            continue;
        *out_loss = (struct member_loss){.rank = i + 1};
        out_loss->is_gone = member->is_suspect || (is_visible(members, member) &&
                                                   process_is_gone((pid_t)member->hello.pid));
        uint64_t heard_ns = pause_watch_since(pauses, member->last_heard_ns);
        if (now_ns > heard_ns)
            out_loss->silent_ns = now_ns - heard_ns;
        if (!out_loss->is_gone && out_loss->silent_ns <= silent_ns_max)
            continue;
        word_loss(member, out_loss);
        atomic_store_explicit(&member->is_lost, true, memory_order_relaxed);
        return true;
    }
    return false;
}

void members_end_lost(struct net *net, const struct members *members,
                      const struct member_loss *loss)
{
    const struct member *member = &members->all[loss->rank - 1];
    if (loss->is_gone)
        return;
    barks_status_free(send_end(net, loss->rank, EXIT_LOST, true)); /* it may well be gone */
    if (is_visible(members, member))
        (void)kill((pid_t)member->hello.pid, SIGKILL); /* unless it has ended meanwhile */
}

uint32_t members_worker_count(const struct members *members)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < members->count; i++)
        count += member_workers(&members->all[i]);
    return count;
}

static bool could_take_a_place(const struct member *member)
{
    return member_is_spare(member) && !member_is_lost(member);
}

uint32_t members_spare_count(const struct members *members)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < members->count; i++)
        count += could_take_a_place(&members->all[i]);
    return count;
}

uint32_t members_take_spare(struct members *members, uint32_t lost)
{
    uint64_t node = members->all[lost - 1].hello.node_id;
    struct member *best = NULL;
    for (uint32_t i = 0; i < members->count; i++) {
        struct member *member = &members->all[i];
        if (could_take_a_place(member) &&
            (best == NULL || (member->hello.node_id == node && best->hello.node_id != node)))
            best = member;
    }
    if (best == NULL)
        return 0;
    atomic_store_explicit(&best->is_spare, false, memory_order_relaxed);
    return (uint32_t)(best - members->all) + 1;
}

uint32_t members_living_count(const struct members *members)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < members->count; i++)
        count += !member_is_lost(&members->all[i]);
    return count;
}
