/* Control messages that a fault drops or holds back (base/fault.h). */
#pragma once

#include "net/net.h"

/* Sends as net_send does, unless a fault is due: then the message fails, is lost, or waits, and
 * what is sent to the same rank after it waits too, since messages of a pair keep their order.
 * Threads: the endpoint's owner, as all of these. */
BARKS_CHECKED barks_status *held_back_send(struct net *net, uint32_t to, const void *bytes,
                                           size_t size_bytes);

/* Sends what has waited long enough, or all of the endpoint's. */
BARKS_CHECKED barks_status *held_back_flush(struct net *net, bool all);
