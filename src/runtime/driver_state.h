/* The inside of the driver: what its files (driver.c, driver_turns.c, driver_inquiry.c) share. */
#pragma once

#include "base/clock.h"
#include "base/lock.h"
#include "base/pause.h"
#include "runtime/allotment.h"
#include "runtime/driver.h"
#include "runtime/local_executors.h"
#include "runtime/members.h"
#include "runtime/pool_settings.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* A single call of MPI that takes so long never returns. */
#define STUCK_NS (UINT64_C(60) * NS_PER_S)
/* Between two looks at processes, signals and time. */
#define LOOK_ROUND_NS (UINT64_C(100) * NS_PER_MS)

struct driver {
    const struct config *config;
    pthread_t thread;
    struct net *net; /* the driver's thread only, but for net_wake */
    struct watchdog
        *watchdog; /* of the driver's thread; NULL without MPI, where nothing can hang */
    struct local_executors locals;
    struct members members; /* unchanged after the start, but for what pulses say */
    struct dispatch *dispatch;
    struct mailbox *mailbox;
    struct progress *progress;
    struct pool_settings pools; /* unchanged after the start */
    struct allotment allotment;
    struct hard_end *hard_end;   /* NULL: nothing is ended by force */
    struct job_history *history; /* NULL: no event log */
    uint64_t last_look_ns, last_busy_ns, last_alive_ns;
    struct pause_watch pauses;
    uint64_t last_loss_ns;    /* when an executor was found to be lost; 0: none was */
    int executor_exit_status; /* of this rank, where it is an executor */
    struct lock lock;
    struct condition changed;
    struct {
        bool started;              /* the handshake is over, well or not */
        bool is_inside_mpi;        /* MPI_Init has not come back */
        bool is_executor;          /* this rank is one */
        barks_status *start_error; /* owned */
        barks_status *end_error;   /* owned: why the driver gave up; later jobs fail with it */
        struct job *submitted, **submitted_end;
        struct job_stop *stops; /* that wait for an answer (job_stops.c) */
        bool has_cancelled;     /* some job has is_cancelled set */
        bool stopping;
        int stop_status;
    } locked;
};

/* The driver's thread between start and end: turn after turn, until it is to stop. Errors: what
 * ends all jobs. */
BARKS_CHECKED barks_status *driver_serve(struct driver *driver);
