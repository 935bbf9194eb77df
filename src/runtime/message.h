/* What driver and executors say to each other on the control channel. Each message is its kind,
 * then its fields in the order in which they stand here, packed by base/pack.h. */
#pragma once

#include "barks/status.h"
#include "base/pack.h"

#include <stdint.h>

enum { PROTOCOL_VERSION = 10 };

enum message_kind {
    /* executor -> driver */
    MESSAGE_HELLO = 1,     /* protocol, library version, binary hash, host, pid, node, cores, user
                              bound, budget, problem */
    MESSAGE_TASKS_ENDED,   /* pool bytes peak, scratch bytes written, then for each: job, stage
                              index, task, attempt, status, and where that is none counters, rows
                              and bytes sent, frames (frame_counts.h), result, accumulated, keys */
    MESSAGE_CRASHED,       /* job, stage index, task, attempt, status: the executor ends with it */
    MESSAGE_SHUFFLE_READY, /* shuffle, slot, number of the commit, count, then partition and bytes
                              of those with rows; whether it was stored, then status and pieces
                              (store_reports.h) */
    MESSAGE_BURST_WANTED,  /* epoch, number */
    MESSAGE_PULSE, /* pool bytes used, exchange bytes sent, pool bytes peak, scratch bytes written,
                      then running tasks: stage, rows, bytes */
    MESSAGE_LOG,   /* level, line */
    MESSAGE_TROUBLE, /* status: the executor itself is broken */
    MESSAGE_KEPT,   /* dataset, partition, whether it is kept or was evicted, rows, bytes in memory,
                       on disk */
    MESSAGE_DAMAGE, /* places on disk that do not hold what was written, the directory of the
                       last one */
    MESSAGE_SHARED_READY, /* id, status */
    MESSAGE_MEET,         /* a task's call of its meeting (exec/meetings.h) */
    MESSAGE_LENT,         /* number of the loan, status, count, then frames of each input */
    MESSAGE_RUN_CUT,      /* job, stage index, task, attempt, first and end of what it gives up,
                             whether it is apart from others (exec/partition_share.h) */
    /* driver -> executor */
    MESSAGE_WELCOME, /* configuration, first core, workers, budget, executors of the node */
    MESSAGE_STAGE,   /* stage, job, its weight in rounds, pipeline */
    MESSAGE_TASKS,   /* for each: job, stage, stage index, task, attempt, first, end, piece, pieces,
                        whether it shares with nobody, units, count, then step and shuffle of what
                        it was lent, payloads */
    MESSAGE_LEND,    /* number of the loan, to whom, job, its weight in rounds, count, then shuffle,
                        the one that it becomes, first and end of the partitions */
    MESSAGE_CUT,     /* stage, stage index, percent of its partitions that must have begun */
    MESSAGE_CANCEL,  /* job, stage index, task, attempt */
    MESSAGE_COMMIT,  /* shuffle, slot, number of the commit, first and end of the slot's partitions,
                        run count, then attempt and frames for each run, file to store it in or
                        NULL, its tag */
    MESSAGE_RELEASE, /* stage, shuffle */
    MESSAGE_BURST,   /* number */
    MESSAGE_END,     /* exit status, whether an executor was lost */
    MESSAGE_MET,     /* the answer to one */
    MESSAGE_DROP,    /* 1: dataset that is kept or 0: shared value, its number */
    /* driver -> executor 1, executor -> executor */
    MESSAGE_SHARED, /* id, bytes in all, offset, bytes */
    MESSAGE_FILE,   /* number of the sending, id of the answer that is wanted or 0, a piece
                       (io/shipped.h) */
    /* recovery: driver -> executor, and the answer */
    MESSAGE_EPOCH,       /* number, count, then the ranks that are lost, of all epochs */
    MESSAGE_EPOCH_READY, /* number */
    MESSAGE_HOLDERS,     /* shuffle, count, then slot and the rank that holds it now */
    MESSAGE_ALIVE,       /* nothing: the driver lives */
};

/* A chain of statuses; NULL is a status too (success). */
void pack_status(struct packer *packer, const barks_status *status);
barks_status *unpack_status(struct unpacker *unpacker);

struct net;
/* Finishes packer, sends it, drops it. */
BARKS_CHECKED barks_status *message_send(struct net *net, uint32_t to, struct packer *packer);
