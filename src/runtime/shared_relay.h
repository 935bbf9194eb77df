/* Broadcast values and files on their way through an executor: pieces come from the driver or
 * another executor, are passed on down a tree of ranks (r to 2r and 2r + 1), and become rows, or
 * files in scratch. */
#pragma once

#include "barks/status.h"

struct net;
struct net_message;
struct pool;
struct shared_relay;
struct shared_rows;
struct shipped;
struct unpacker;

/* Where they end. */
struct shared_stores {
    struct shared_rows *values;
    struct shipped *files;
};

/* All borrowed. Threads: the communication thread. */
BARKS_CHECKED barks_status *shared_relay_create(struct net *net, struct pool *pool,
                                                struct shared_stores stores,
                                                struct shared_relay **out_relay);
void shared_relay_destroy(struct shared_relay *relay); /* NULL is fine */

/* Executors were lost: from now on the driver sends to each of the others itself. */
void shared_relay_end_passing_on(struct shared_relay *relay);

/* A MESSAGE_SHARED, whose kind `in` has passed. When the value is whole the driver is told; that it
 * found no room is told to the driver too, and is not an error here. */
BARKS_CHECKED barks_status *shared_relay_take(struct shared_relay *relay, struct unpacker *in,
                                              const struct net_message *message);

/* A MESSAGE_FILE, likewise. */
BARKS_CHECKED barks_status *shared_relay_take_file(struct shared_relay *relay, struct unpacker *in,
                                                   const struct net_message *message);
