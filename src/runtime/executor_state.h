/* The inside of an executor: what its files (executor_service.c, executor_intake.c,
 * executor_reports.c) share. All of it is the communication thread's. */
#pragma once

#include "base/pause.h"
#include "exec/key_windows.h"
#include "exec/meetings.h"
#include "exec/resources.h"
#include "exec/shared_rows.h"
#include "io/shipped.h"
#include "net/net.h"
#include "net/topology.h"
#include "runtime/hello.h"
#include "runtime/lending.h"
#include "runtime/log_relay.h"
#include "runtime/shared_relay.h"
#include "runtime/stage_store.h"
#include "runtime/task_communicators.h"
#include "runtime/watchdog.h"
#include "runtime/worker.h"
#include "shuffle/exchange.h"
#include "shuffle/reduce_side.h"
#include "store/kept.h"
#include "store/spill.h"

/* A slot of a shuffle (shuffle/reduce_side.h) whose commit has come and whose frames have not all.
 */
struct awaited {
    uint64_t shuffle;
    uint32_t slot;
    uint32_t commit;  /* the driver's number of it */
    char *store_path; /* owned: the file to store it in before it is reported; NULL: none, or the
                         store has it */
    uint64_t store_tag;
    bool is_storing;
    struct awaited *next;
};
void awaited_free(struct awaited *awaited);

struct executor {
    struct net *net;
    struct watchdog *watchdog; /* NULL where nothing can hang */
    struct welcome welcome;    /* what the driver said at the start */
    struct topology *topology;
    struct pool *pool;
    struct spill_room room; /* for all that goes to disk; scratch is owned */
    struct reduce_side *reduce_side;
    struct exchange *exchange;
    struct kept_store *kept;
    struct shared_rows *shared;
    struct shipped *shipped;
    struct resources *resources;
    struct process_guard *process_guard;
    struct key_windows *key_windows;
    struct meetings *meetings;
    struct communicators communicators;
    struct task_communicators own_communicators;
    uint64_t stuck_since_ns; /* a task that was cancelled has a communicator; 0: none has */
    struct shared_relay *relay;
    char host[256];
    struct task_services services;
    struct workers *workers;
    struct stage_entry *stages;
    struct awaited *awaited;
    struct errands *storing; /* of struct store_order */
    struct errands *lending; /* of struct lend_order */
    struct log_relay *log;   /* NULL where the driver is in this process and prints itself */
    uint64_t last_pulse_ns;
    uint64_t crash_sent_ns; /* when the driver was told that a task crashes; 0: it was not */
    uint64_t last_deaf_ns;  /* when tasks that do not end were looked for */
    uint64_t last_work_ns;
    uint64_t damage_told;      /* of scratch_damage_count */
    uint32_t tasks_held;       /* given to workers and not yet reported */
    uint32_t epoch;            /* of the living executors; 0: nobody was lost */
    uint64_t last_driver_ns;   /* when the driver was heard of */
    uint64_t last_look_ns;     /* when it was looked for */
    struct pause_watch pauses; /* of the communication thread */
    bool mpi_lost_driver;      /* MPI says that its process has ended */
    bool others_are_lost;      /* so MPI has no good end */
    bool ended;
    int exit_status;
};

/* Does what a message of the driver asks. Errors: BARKS_NO_MEMORY, BARKS_INTERNAL, BARKS_BAD_INPUT:
 * the executor cannot go on. */
BARKS_CHECKED barks_status *executor_take_message(struct executor *executor,
                                                  struct net_message *message);
/* Stages that the driver has released and whose last task here has ended are gone. */
void executor_end_released(struct executor *executor);
void executor_forget_awaited(struct executor *executor, uint64_t shuffle);
void executor_take_end(struct executor *executor, struct unpacker *in); /* MESSAGE_END's fields */

/* ---- executor_recovery.c ---- */

/* The driver has declared executors lost: from now on the exchange is among the others. */
BARKS_CHECKED barks_status *executor_take_epoch(struct executor *executor, struct unpacker *in);
/* Slots of a shuffle have new holders. */
BARKS_CHECKED barks_status *executor_take_holders(struct executor *executor, struct unpacker *in);
/* Where mpirun lets ranks outlive others nobody else ends them. Errors: BARKS_LOST: the driver is
 * gone. */
BARKS_CHECKED barks_status *executor_look_for_driver(struct executor *executor, uint64_t now_ns);

/* Tells the driver all that has happened since the last call: tasks that ended, kept partitions,
 * shuffles that are complete, a pulse where one is due, lines of the log. Errors: those of net. */
BARKS_CHECKED barks_status *executor_report(struct executor *executor, uint64_t now_ns);
/* What must not wait for the exchange's next step. */
BARKS_CHECKED barks_status *executor_report_work(struct executor *executor);
