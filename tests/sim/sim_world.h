/* A world for the scheduler: invented jobs, executors that work, dawdle, fail and die, and a clock
 * of its own. Everything follows from one seed. */
#pragma once

#include "scheduler/journal.h"
#include "scheduler/scheduler.h"
#include "scheduler/transition.h"
#include "sim/sim_queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SIM_EXECUTORS_MAX = 12,
    SIM_STAGES_MAX = 12,
    SIM_JOBS_MAX = 5,
    SIM_INPUTS_MAX = 4,
    SIM_PLACES_MAX = 2,
    SIM_PARTITIONS_MAX = 64,
    SIM_POOLS_MAX = 4
};
#define SIM_NOWHERE UINT32_MAX

/* How rough the world is, each as chances in 1000. */
struct sim_weather {
    uint32_t attempt_fails;
    uint32_t failure_is_final;
    uint32_t executor_dies;
    uint32_t node_dies;             /* with all executors that are there */
    uint32_t executor_is_slandered; /* declared lost, though it lives and goes on reporting */
    uint32_t report_twice;
    uint32_t report_is_lost; /* of an attempt that has ended; attempt_ns_max finds out */
    uint32_t job_is_cancelled;
    uint32_t job_has_deadline;
    uint32_t commit_fails;
    uint32_t copy_wanted;
    uint32_t task_is_stopped;
    uint32_t stage_skipped;
    uint32_t cancel_is_ignored; /* the attempt ends as it would have */
    uint32_t node_is_slow;
    uint32_t stage_is_gang;
    uint32_t stage_is_needy;
    uint32_t stage_shares;    /* of those that combine */
    uint32_t executor_is_bad; /* half of what it is given fails there */
};

/* What the world knows of an attempt; named by the report it sends. */
struct sim_attempt {
    struct attempt_id id;
    uint32_t first_partition, end_partition;
    uint32_t piece, piece_count;
    uint32_t lender;
    uint64_t start_ns;
    uint64_t end_ns; /* when its executor is done with it */
    bool is_alone;   /* of a stage that shares: it does not, or not any more */
    bool was_cut;
    bool is_open;               /* the scheduler counts it as live */
    bool has_finished;          /* well, and the scheduler has been told */
    bool has_failed;            /* of itself */
    struct attempt_crash crash; /* with which it has ended its executor; has_failed then */
    bool is_final;              /* it failed for good */
    uint64_t error_hash;
    bool is_report_lost; /* of its end */
    bool is_cancelled;   /* its executor has obeyed: what it would have said is not said */
    bool was_told_to_cancel;
    bool was_stopped;    /* likewise, but it counts if it ends well all the same */
    bool is_overrun;     /* it has failed since it ran too long */
    bool is_setback;     /* its executor ended it uncalled for: so ends what cannot be lent */
    bool is_said_to_run; /* at said_ns */
    uint64_t said_ns;
    bool is_discarded;
    bool is_dropped;                         /* its output was released */
    uint64_t units[SCHEDULER_RESOURCES_MAX]; /* that it was given */
};

struct sim_stage {
    struct stage_spec spec;
    struct stage_input inputs[SIM_INPUTS_MAX];
    uint64_t partition_bytes[SIM_PARTITIONS_MAX];
    uint32_t place_firsts[SIM_PARTITIONS_MAX + 1];
    struct place places[SIM_PARTITIONS_MAX * SIM_PLACES_MAX];
    bool is_shipped[SIM_EXECUTORS_MAX];
    uint32_t sent_to[SIM_PARTITIONS_MAX]; /* shuffle: the executor that holds the partition */
    uint32_t commit;                      /* last asked for */
    uint32_t commits_done;
    uint32_t owners_at_commit[SIM_PARTITIONS_MAX];
    uint64_t excluded_until_ns[SIM_EXECUTORS_MAX];
    bool had_no_room;    /* for all tasks at once, at some time */
    bool was_unable;     /* likewise, somebody, to run one of its tasks */
    bool is_copy_wanted; /* EVENT_COPY_WANTED was sent for one of its tasks */
};

struct sim_job {
    struct job_spec spec;
    struct stage_spec specs[SIM_STAGES_MAX];
    struct sim_stage stages[SIM_STAGES_MAX];
    bool is_submitted;
    uint32_t sequence; /* of its submission */
    bool has_begun;
    bool is_cancelled; /* by event or deadline */
    bool is_commit_failed;
    bool is_finished;
    struct job_outcome outcome;
    bool was_excluded[SIM_EXECUTORS_MAX];
    uint64_t excluded_until_ns[SIM_EXECUTORS_MAX]; /* from all stages */
};

struct sim_executor {
    bool has_joined;
    bool is_lost;      /* as the scheduler was told */
    uint64_t death_ns; /* it says nothing that it finished later */
    uint32_t node;
    uint32_t worker_count;
    struct executor_offer offer;
    uint32_t slowness; /* factor */
    bool is_bad;
    uint32_t open_attempts;
};

struct sim_world {
    uint64_t seed;
    uint64_t random;
    uint64_t time_ns;
    struct sim_weather weather;
    struct scheduler_options options;
    struct pool_spec pools[SIM_POOLS_MAX];
    uint32_t submitted_count;
    enum event_kind event;       /* that is handled */
    struct scheduler *scheduler; /* owned */
    struct decision_list decisions;
    struct sim_executor executors[SIM_EXECUTORS_MAX];
    uint32_t executor_count;
    struct sim_job jobs[SIM_JOBS_MAX];
    uint32_t job_count;
    struct sim_attempt *attempts; /* owned */
    size_t attempt_count, attempt_capacity;
    struct sim_queue queue;
    struct journal journal; /* of all events and decisions */
    uint64_t timer_ns;      /* the earliest EVENT_TIMER that is under way */
    uint64_t events, decisions_made, copies_made, overruns, stops, pieces_made, loans_made,
        cuts_made;
    uint64_t given_ahead; /* attempts that began while all workers were busy */
    uint64_t reports_lost, nodes_lost;
    char failure[512]; /* "": all is well */
};

/* A number below bound, which is not 0; true with that chance in 1000. */
uint32_t sim_below(struct sim_world *world, uint32_t bound);
bool sim_chance(struct sim_world *world, uint32_t per_mille);

/* Only the first failure is kept. */
void sim_fail(struct sim_world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* sim_jobs.c: an invented job that the scheduler must accept. */
void sim_invent_job(struct sim_world *world, struct sim_job *job, uint64_t id);

/* sim_order.c: no other job's task should have started instead. */
void oracle_order(struct sim_world *world, const struct attempt_id *id);

/* sim_oracle.c: checks what the scheduler decides against what the world knows. */
void oracle_start(struct sim_world *world, const struct decision *decision);
void oracle_ship(struct sim_world *world, const struct decision *decision);
void oracle_cancel(struct sim_world *world, const struct decision *decision);
void oracle_overrun(struct sim_world *world, const struct decision *decision);
void oracle_cut_wanted(struct sim_world *world, const struct decision *decision);
void oracle_cut(struct sim_world *world, const struct event *event); /* before it is handled */
void oracle_excluded(struct sim_world *world, const struct decision *decision);
void oracle_discard(struct sim_world *world, const struct decision *decision);
void oracle_commit(struct sim_world *world, const struct decision *decision);
void oracle_committed(struct sim_world *world, struct sim_job *job, uint32_t index);
void oracle_release(struct sim_world *world, const struct decision *decision);
void oracle_lost(struct sim_world *world, uint32_t executor);
/* After each event. */
void oracle_step(struct sim_world *world);
void oracle_job_finished(struct sim_world *world, const struct decision *decision);
void oracle_at_end(struct sim_world *world);
/* SIZE_MAX: none. */
size_t oracle_find_attempt(const struct sim_world *world, const struct attempt_id *id);

/* sim_gangs.c: stages whose tasks all run at once. */
void sim_invent_gang(struct sim_world *world, struct sim_stage *stage);
void oracle_look_for_room(struct sim_world *world); /* before each event */
void oracle_gangs(struct sim_world *world);         /* after it */
void oracle_gang_start(struct sim_world *world, const struct attempt_id *id);
uint32_t oracle_gang_failures(const struct sim_world *world, uint64_t job, uint32_t stage);
void oracle_no_room(struct sim_world *world, const struct sim_job *job,
                    const struct job_outcome *outcome);
bool oracle_gang_has_room_without(const struct sim_world *world, const struct attempt_id *id,
                                  uint32_t executor);

/* sim_needs.c: tasks that need more than a worker. */
void sim_invent_needs(struct sim_world *world, struct sim_stage *stage);
void sim_invent_offer(struct sim_world *world, struct sim_executor *executor);
bool sim_needs_are_plain(const struct task_needs *needs);
/* How many such tasks it can run at once. */
uint32_t sim_room(const struct sim_executor *executor, const struct task_needs *needs);
void oracle_given(struct sim_world *world, struct sim_attempt *attempt); /* has just started */
void oracle_look_for_able(struct sim_world *world, struct sim_stage *stage);
void oracle_no_needs(struct sim_world *world, const struct sim_job *job,
                     const struct job_outcome *outcome);

/* scheduler_sim.c: runs the world of a seed to its end. False: failure says why. */
struct sim_result {
    uint64_t events, decisions, copies, overruns, stops, pieces, loans, cuts, given_ahead,
        reports_lost, nodes_lost;
    uint64_t journal_hash; /* of every field of every event and decision */
    uint32_t jobs_done, jobs_failed, jobs_cancelled;
    struct transition_counts transitions;
    char failure[512];
};
bool sim_run(uint64_t seed, struct sim_result *out_result);
