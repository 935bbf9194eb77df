#include "base/pool.h"
#include "exec/operator.h"

#include <inttypes.h>
#include <stdlib.h>

static barks_status *port_push(struct operator* self, struct batch *batch)
{
    struct operator_port *port = (struct operator_port *)self;
    return port->owner->kind->push_port(port->owner, port->index, batch);
}

static void port_destroy(struct operator* self) { (void)self; /* its owner's */ }

static const struct operator_kind port_kind = {
    .name = "port",
    .push = port_push,
    .destroy = port_destroy,
};

barks_status *operator_ports_init(struct operator* owner, uint32_t count)
{
    owner->ports = calloc(count, sizeof *owner->ports);
    if (owner->ports == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the sides of an operator");
    for (uint32_t i = 0; i < count; i++)
        owner->ports[i] = (struct operator_port){
            .base = {.kind = &port_kind, .task = owner->task}, .owner = owner, .index = i};
    return NULL;
}

barks_status *operator_fail_limit(const struct pipe_node *node, uint32_t partition,
                                  barks_status *cause)
{
    if (cause == NULL || barks_status_code(cause) != BARKS_LIMIT)
        return cause;
    return barks_status_new(BARKS_LIMIT, cause, BARKS_HERE,
                            "%s at %s: partition %" PRIu32
                            " needs more memory than its executor has; more partitions, or more "
                            "--barks-memory, help",
                            pipe_node_name(node), node->where, partition);
}
