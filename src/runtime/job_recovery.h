/* The driver's side of going on without executors that are lost (docs/recovery.md).
 *
 * The living executors make an epoch. When one is lost the driver begins the next epoch: it tells
 * the others who is lost (MESSAGE_EPOCH), and each of them leaves the rounds of the epoch before
 * and says so (MESSAGE_EPOCH_READY). When all have, the scheduler hears of the loss: heirs take the
 * place of the lost (MESSAGE_HOLDERS), what was lost with them is run again, and rounds begin anew.
 * Whoever is lost meanwhile makes one more epoch. */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stdint.h>

struct decision;
struct dispatch;
struct job;
struct member_loss;

struct recovery {
    bool is_on;
    bool is_under_way;    /* not all living executors are in the epoch */
    uint32_t epoch;       /* 0: nobody was lost */
    uint64_t deadline_ns; /* how long it may be under way */
    uint64_t began_ns, epoch_began_ns;
    uint64_t burst_wanted; /* meanwhile; 0: none */
    bool *is_ready;        /* owned; by rank - 1: is in the epoch */
    bool *is_known;        /* owned; by rank - 1: the scheduler knows that it is lost */
    uint32_t lost_count;   /* since all began, and before the one under way: */
    uint32_t lost_before;
    uint64_t again_count;  /* tasks that the loss makes run again */
    uint64_t resent_bytes; /* that those who made them send again, to heirs */
};
BARKS_CHECKED barks_status *recovery_init(struct recovery *recovery, uint32_t executor_count,
                                          uint64_t deadline_ns);
void recovery_drop(struct recovery *recovery);

/* An executor is lost, and marked so: the others are told. Errors: BARKS_LOST (recovery is off, or
 * it was the last one): what ends the driver. */
BARKS_CHECKED barks_status *recovery_begin(struct dispatch *dispatch,
                                           const struct member_loss *loss, uint64_t now_ns);
/* The executor is in this epoch. */
BARKS_CHECKED barks_status *recovery_take_ready(struct dispatch *dispatch, uint32_t executor,
                                                uint32_t epoch);
/* An executor of this epoch wants a burst of rounds. */
BARKS_CHECKED barks_status *recovery_take_burst(struct dispatch *dispatch, uint32_t epoch,
                                                uint64_t burst);
/* Errors: BARKS_LOST: it takes too long. */
BARKS_CHECKED barks_status *recovery_look(const struct dispatch *dispatch, uint64_t now_ns);

/* DECISION_OWNERS_CHANGED: all are told who holds the slots of the stage's shuffle. */
BARKS_CHECKED barks_status *recovery_tell_holders(struct dispatch *dispatch, struct job *job,
                                                  uint32_t stage);

/* Whether a stage may be committed again, some of whose runs were made again: in the slots that
 * were whole the old ones count, in the others the new ones. Where they may differ *out_problem
 * says why not. Notes which attempts count now. */
BARKS_CHECKED barks_status *recovery_check_commit(struct dispatch *dispatch, struct job *job,
                                                  uint32_t stage, uint32_t run_count,
                                                  barks_status **out_problem);
