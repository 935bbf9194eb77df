/* What tasks of this executor have of MPI: communicators, and whether one is stuck in it. */
#pragma once

#include "exec/task_run.h"

#include <stdbool.h>

struct net;

/* context is a struct task_communicators. */
struct task_communicators {
    struct net *net;
    _Atomic uint32_t open_count; /* of tasks that have one and have not ended */
};

void task_communicators_init(struct task_communicators *own, struct net *net,
                             struct communicators *out_for_tasks);

/* Relaxed: whoever asks looks again. Threads: any. */
bool task_communicators_are_open(const struct task_communicators *own);
