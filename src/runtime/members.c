#include "runtime/members.h"

#include "base/clock.h"
#include "base/config.h"
#include "base/log.h"
#include "net/net.h"
#include "net/topology.h"
#include "runtime/message.h"
#include "runtime/signals.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum {
    NAP_NS = 200 * 1000,
    END_TRIES = 3,
};

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

BARKS_CHECKED static barks_status *answer(struct net *net, const struct config *config,
                                          struct members *members)
{
    struct hello *hellos = calloc(members->count, sizeof *hellos);
    struct welcome *welcomes = calloc(members->count, sizeof *welcomes);
    barks_status *status = NULL;
    if (hellos == NULL || welcomes == NULL)
        status = barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                  "no memory for %" PRIu32 " executors", members->count);
    for (uint32_t i = 0; i < members->count && status == NULL; i++)
        hellos[i] = members->all[i].hello; /* lent: members owns the texts */
    if (status == NULL)
        status = hello_check(&members->driver, hellos, members->count);
    if (status == NULL)
        status = hello_share(hellos, members->count, config, welcomes);
    for (uint32_t i = 0; i < members->count && status == NULL; i++) {
        members->all[i].welcome = welcomes[i];
        status = welcome_send(net, i + 1, &welcomes[i], config);
    }
    free(hellos);
    free(welcomes);
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
BARKS_CHECKED static barks_status *send_end(struct net *net, uint32_t rank, int exit_status)
{
    barks_status *status = NULL;
    for (int i = 0; i < END_TRIES; i++) {
        struct packer out = {0};
        pack_u64(&out, MESSAGE_END);
        pack_u64(&out, (uint64_t)exit_status);
        barks_status_free(status);
        status = message_send(net, rank, &out);
        if (status == NULL)
            break;
    }
    return status;
}

bool members_end(struct net *net, const struct members *members, int exit_status)
{
    bool all_told = true;
    for (uint32_t i = 0; i < members->count; i++) {
        if (members->all[i].is_lost)
            continue;
        barks_status *status = send_end(net, i + 1, exit_status);
        all_told = all_told && status == NULL;
        if (status != NULL)
            LOG(LEVEL_WARN, "runtime", "executor %" PRIu32 " could not be told to end: %s", i + 1,
                barks_status_text(status));
        barks_status_free(status);
    }
    return all_told;
}

/* Has the process ended, though nobody may have collected its status yet? */
static bool process_is_gone(pid_t pid)
{
    char path[64], state = '?';
    if (kill(pid, 0) != 0)
        return errno == ESRCH;
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return errno == ENOENT;
    char line[512];
    const char *after_name = fgets(line, sizeof line, file) != NULL ? strrchr(line, ')') : NULL;
    if (after_name != NULL && after_name[1] == ' ')
        state = after_name[2];
    fclose(file);
    return state == 'Z' || state == 'X';
}

const struct member *members_find_lost(struct members *members, uint64_t now_ns,
                                       uint64_t silent_ns_max, uint32_t *out_rank,
                                       char *out_sentence, size_t sentence_bytes)
{
    for (uint32_t i = 0; i < members->count; i++) {
        struct member *member = &members->all[i];
        if (member->is_lost || !member->has_hello)
            continue;
        bool is_here = member->hello.node_id == members->driver.node_id;
        bool is_gone = is_here && member->hello.pid != (uint32_t)getpid() &&
                       process_is_gone((pid_t)member->hello.pid);
        uint64_t silent_ns = now_ns > member->last_heard_ns ? now_ns - member->last_heard_ns : 0;
        if (!is_gone && silent_ns <= silent_ns_max)
            continue;
        if (is_gone)
            snprintf(out_sentence, sentence_bytes,
                     "executor %" PRIu32 " on %s was lost: its process %" PRIu32
                     " has ended (killed, crashed, or out of memory)",
                     i + 1, member->hello.host, member->hello.pid);
        else
            snprintf(out_sentence, sentence_bytes,
                     "executor %" PRIu32 " on %s (process %" PRIu32
                     ") was lost: not heard of for %.1f s (--barks-lost-deadline)",
                     i + 1, member->hello.host, member->hello.pid, (double)silent_ns * 1e-9);
        member->is_lost = true;
        *out_rank = i + 1;
        return member;
    }
    return NULL;
}

uint32_t members_worker_count(const struct members *members)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < members->count; i++)
        count += members->all[i].welcome.worker_count;
    return count;
}
