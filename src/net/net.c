#include "net/net.h"

#include "base/assertion.h"
#include "base/fault.h"
#include "net/held_back.h"

#include <stdlib.h>
#include <unistd.h>

void net_message_drop(struct net_message *message)
{
    free(message->bytes);
    *message = (struct net_message){0};
}

barks_status *net_send(struct net *net, uint32_t to, const void *bytes, size_t size_bytes)
{
    BARKS_ASSERT(to < net->size);
    if (faults_are_on)
        return held_back_send(net, to, bytes, size_bytes);
    return net->backend->send(net, to, bytes, size_bytes);
}

barks_status *net_poll(struct net *net, struct net_message *out_message, bool *out_got)
{
    if (faults_are_on)
        BARKS_TRY(held_back_flush(net, false));
    return net->backend->poll(net, out_message, out_got);
}

barks_status *net_sizes_begin(struct net *net, struct net_round_size *send,
                              struct net_round_size *receive)
{
    uint64_t total_bytes = 0;
    BARKS_ASSERT(net->rank > 0);
    for (uint32_t i = 0; i + 1 < net->size; i++)
        total_bytes += send[i].bytes;
    for (uint32_t i = 0; i + 1 < net->size; i++)
        send[i].total_bytes = total_bytes;
    return net->backend->sizes_begin(net, send, receive);
}

/* The one place where the sizes of a round are compared with what MPI's ints can hold. */
BARKS_CHECKED static barks_status *check_pieces(const struct net *net,
                                                const struct net_piece *pieces, const char *what)
{
    for (uint32_t i = 0; i + 1 < net->size; i++) {
        if (pieces[i].bytes == 0)
            continue;
        if (pieces[i].offset_bytes > NET_ROUND_BYTES_MAX ||
            pieces[i].bytes > NET_ROUND_BYTES_MAX - pieces[i].offset_bytes)
            BARKS_FAIL(BARKS_LIMIT,
                       "%s of %zu bytes at %zu, executor %u, pass the %d bytes of a round", what,
                       pieces[i].bytes, pieces[i].offset_bytes, i + 1, NET_ROUND_BYTES_MAX);
        if (i + 1 == net->rank)
            BARKS_FAIL(BARKS_INTERNAL, "%s of %zu bytes from executor %u to itself in a round",
                       what, pieces[i].bytes, net->rank);
    }
    return NULL;
}

barks_status *net_payload_begin(struct net *net, const uint8_t *send,
                                const struct net_piece *send_pieces, uint8_t *receive,
                                const struct net_piece *receive_pieces)
{
    BARKS_ASSERT(net->rank > 0);
    BARKS_TRY(check_pieces(net, send_pieces, "a payload to send"));
    BARKS_TRY(check_pieces(net, receive_pieces, "a payload to receive"));
    return net->backend->payload_begin(net, send, send_pieces, receive, receive_pieces);
}

barks_status *net_round_test(struct net *net, bool *out_done)
{
    return net->backend->round_test(net, out_done);
}

barks_status *net_epoch_begin(struct net *net, uint32_t epoch, const bool *is_lost,
                              bool *out_gave_up)
{
    BARKS_ASSERT(net->recovers);
    if (is_lost[net->rank])
        BARKS_FAIL(BARKS_INTERNAL, "rank %u is told that it is lost itself", net->rank);
    return net->backend->epoch_begin(net, epoch, is_lost, out_gave_up);
}

bool net_take_suspect(struct net *net, uint32_t *out_rank)
{
    return net->backend->take_suspect != NULL && net->backend->take_suspect(net, out_rank);
}

void net_wait(struct net *net, uint64_t nap_ns_max) { net->backend->wait(net, nap_ns_max); }

void net_wake(struct net *net) { net->backend->wake(net); }

void net_abort(struct net *net, int exit_code)
{
    net->backend->abort(net, exit_code);
    _exit(exit_code); /* for the compiler, and should a backend ever come back */
}

barks_status *net_communicator_check(const struct net *net)
{
    if (net->backend->communicator_check == NULL)
        BARKS_FAIL(
            BARKS_INVALID,
            "barks_communicator: MPI is not there, since driver and executors run in this one "
            "process; start the job by mpirun with 2 ranks or more");
    return net->backend->communicator_check(net);
}

barks_status *net_communicator_make(struct net *net, const uint32_t *ranks, uint32_t count,
                                    uint64_t stage, void *out_communicator, size_t size_bytes)
{
    BARKS_TRY(net_communicator_check(net));
    return net->backend->communicator_make(net, ranks, count, stage, out_communicator, size_bytes);
}

void net_communicator_free(struct net *net, void *communicator)
{
    net->backend->communicator_free(net, communicator);
}

void net_close(struct net *net, bool after_failure)
{
    if (net == NULL)
        return;
    if (faults_are_on)
        barks_status_free(held_back_flush(net, true)); /* at the end nobody is left to be told */
    net->backend->close(net, after_failure);
}
