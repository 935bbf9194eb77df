/* Settings: one table of key, type, default, limits and help, read from files, environment and
 * options.
 *
 * Later sources win: defaults, $XDG_CONFIG_HOME/barks/barks.conf (~/.config where that is not set),
 * ./barks.conf, environment (BARKS_EXCHANGE_ROUND_BYTES), options (--barks-exchange-round-bytes).
 */
#pragma once

#include "barks/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct buffer;

/* SETTING(name, key, type, default, limits, help): a new setting is one more line here.
 * Limits: for a CHOICE its words, "auto|never"; for numbers "low..high", either end may be left
 * out. */
#define CONFIG_TABLE(SETTING)                                                                      \
    SETTING(LOG, "log", LEVELS, "warn", "",                                                        \
            "what is logged: error, warn, info, debug or trace, by area: net=debug,info")          \
    SETTING(QUIET, "quiet", BOOL, "false", "", "no progress and no summary")                       \
    SETTING(PROGRESS, "progress", CHOICE, "auto", "auto|always|never",                             \
            "the live line of each stage; auto: on a terminal")                                    \
    SETTING(EVENT_LOG, "event_log", TEXT, "none", "",                                              \
            "directory for a log of what the job did, for later; none: no log")                    \
    SETTING(SCHEDULER_LOG, "scheduler_log", TEXT, "none", "",                                      \
            "file for what the scheduler is told and decides, for barks replay; none: no file")    \
    SETTING(EXIT_FILE, "exit_file", TEXT, "none", "",                                              \
            "file that gets the exit status when the job ends; none: no file")                     \
    SETTING(MEMORY, "memory", BYTES, "0", "", "budget of each executor; 0: its share of the node") \
    SETTING(LOCAL, "local", INT, "0", "0..1024", "executors in this process; 0: one")              \
    SETTING(WORKERS, "workers", INT, "0", "0..4096", "workers of each executor; 0: one per core")  \
    SETTING(BIND, "bind", BOOL, "true", "", "bind each worker to a core")                          \
    SETTING(SPLIT_BYTES, "split_bytes", BYTES, "32m", "1..", "input of one partition")             \
    SETTING(LINE_BYTES_MAX, "line_bytes_max", BYTES, "1g", "1..", "a longer line is an error")     \
    SETTING(PARTITIONS_MAX, "partitions_max", INT, "4096", "1..65536",                             \
            "most partitions after an exchange")                                                   \
    SETTING(EXCHANGE_ROUND_BYTES, "exchange.round_bytes", BYTES, "4m", "4k..256m",                 \
            "most bytes for each peer in a round")                                                 \
    SETTING(EXCHANGE_ENCODE, "exchange.encode", CHOICE, "auto", "auto|always",                     \
            "always: encode what stays in the process too")                                        \
    SETTING(EXCHANGE_COMPRESSION, "exchange.compression", CHOICE, "auto", "auto|none|lz4",         \
            "of what is sent; auto: to other nodes, where the link is slower than LZ4")            \
    SETTING(EXCHANGE_LEVELS, "exchange.levels", CHOICE, "auto", "auto|one|two",                    \
            "of a round; two: what little executors of a node have for another goes together")     \
    SETTING(HEARTBEAT, "heartbeat", DURATION, "1s", "1ms..1h", "between signs of life")            \
    SETTING(START_DEADLINE, "start_deadline", DURATION, "30s", "1ms..",                            \
            "for all executors to report at the start")                                            \
    SETTING(LOST_DEADLINE, "lost_deadline", DURATION, "8s", "1ms..",                               \
            "an executor silent for so long is lost")                                              \
    SETTING(RECOVERY, "recovery", CHOICE, "auto", "auto|on|off",                                   \
            "go on without lost executors; auto: where mpirun lets the others live")               \
    SETTING(RECOVERY_DEADLINE, "recovery_deadline", DURATION, "10s", "1ms..",                      \
            "for the others to go on after a loss, before the job ends")                           \
    SETTING(SPARES, "spares", INT, "0", "0..100000",                                               \
            "executors that have nothing to do until one is lost and they take its place")         \
    SETTING(ATTEMPTS, "attempts", INT, "4", "1..1000",                                             \
            "at a task that fails, before its job does")                                           \
    SETTING(EXCLUSION, "exclusion", DURATION, "10m", "",                                           \
            "an executor where tasks keep failing gets none of their job for so long; 0: never")   \
    SETTING(SPECULATION, "speculation", BOOL, "true", "",                                          \
            "workers that have nothing to do take over tasks of slow executors")                   \
    SETTING(SPECULATION_PERCENT, "speculation.percent", INT, "150", "100..100000",                 \
            "of the median time of its stage's tasks: an attempt that takes longer is slow")       \
    SETTING(SPECULATION_MIN, "speculation.min", DURATION, "1s", "",                                \
            "an attempt that takes less is not slow")                                              \
    SETTING(LOCALITY_WAIT, "locality.wait", DURATION, "300ms", "",                                 \
            "tasks that wish for a host wait so long for its workers before others take them")     \
    SETTING(TOGETHER_WAIT, "together.wait", DURATION, "10m", "",                                   \
            "tasks that run together wait so long for workers; 0: as long as it takes")            \
    SETTING(RESOURCES, "resources", TEXT, "auto", "",                                              \
            "what each executor has for tasks that need it: gpu:2 licence:1; auto: GPUs it finds") \
    SETTING(POOLS, "pools", TEXT, "none", "",                                                      \
            "pools of jobs that share the workers: reports:fair,weight=3,min=4 batch")             \
    SETTING(COLLECT_BYTES_MAX, "collect_bytes_max", BYTES, "0", "",                                \
            "most bytes that collect brings to the driver; 0: a quarter of its budget")            \
    SETTING(KEPT_BYTES_MAX, "kept_bytes_max", BYTES, "0", "",                                      \
            "most memory of an executor for kept partitions; 0: a half of its budget")             \
    SETTING(BROADCAST_JOIN_BYTES, "broadcast_join_bytes", BYTES, "10m", "",                        \
            "a join sends a side of at most so much input whole to each executor; 0: none")        \
    SETTING(JOIN_FILTER, "join_filter", CHOICE, "auto", "auto|on|off",                             \
            "joins send no rows whose keys the other side lacks; auto: where that is far smaller") \
    SETTING(LARGE_PARTITIONS, "large_partitions", CHOICE, "auto", "auto|whole",                    \
            "auto: joins whose rows go on share a partition far larger than the others")           \
    SETTING(SCRATCH, "scratch", TEXT, "auto", "",                                                  \
            "directories for scratch files, dir:dir; auto: $TMPDIR, else /tmp")                    \
    SETTING(SCRATCH_COMPRESSION, "scratch_compression", CHOICE, "lz4", "lz4|none",                 \
            "of what goes to scratch; none: for disks faster than LZ4")                            \
    SETTING(WORK, "work", TEXT, "none", "",                                                        \
            "directory that all ranks see, for finished stages: a job started again resumes")      \
    SETTING(WORK_MTBF, "work.mtbf", DURATION, "0s", "",                                            \
            "mean time between failures, by which stages are stored less often; 0: each is")       \
    SETTING(FRESH, "fresh", BOOL, "false", "", "use nothing that jobs before have left in work")   \
    SETTING(SEED, "seed", INT, "0", "", "of the numbers of barks_random")                          \
    SETTING(TIME_LIMIT, "time_limit", DURATION, "0s", "",                                          \
            "of the whole job, which then ends with status 75; 0: none but Slurm's")               \
    SETTING(TASK_TIME_LIMIT, "task_time_limit", DURATION, "0s", "",                                \
            "an attempt at a task that takes longer has failed, and is tried again; 0: none does") \
    SETTING(TIME_RESERVE, "time_reserve", DURATION, "10s", "",                                     \
            "left of Slurm's time when a job ends itself, to be started again; 0: never")          \
    SETTING(TIME_WARNED, "time_warned", DURATION, "60s", "1ms..",                                  \
            "from SIGUSR1 to the end of the job's time, where Slurm does not say")                 \
    SETTING(FAULT, "fault", TEXT, "none", "", "what is made to fail, for tests; 'help' lists it")

/* CONFIG_LOG, CONFIG_QUIET ... */
enum config_key {
#define SETTING(name, ...) CONFIG_##name,
    CONFIG_TABLE(SETTING)
#undef SETTING
};

/* NOLINTNEXTLINE(bugprone-macro-parentheses): one term of a sum */
#define SETTING(...) +1
enum { CONFIG_COUNT = 0 CONFIG_TABLE(SETTING) };
#undef SETTING

/* What config_choice returns: the place of the word among the limits. */
enum { PROGRESS_AUTO, PROGRESS_ALWAYS, PROGRESS_NEVER };
enum { ENCODE_AUTO, ENCODE_ALWAYS };
enum { SCRATCH_LZ4, SCRATCH_PLAIN };
enum { RECOVERY_AUTO, RECOVERY_ON, RECOVERY_OFF };
enum { LARGE_PARTITIONS_AUTO, LARGE_PARTITIONS_WHOLE };
enum { JOIN_FILTER_AUTO, JOIN_FILTER_ON, JOIN_FILTER_OFF };
enum { COMPRESSION_AUTO, COMPRESSION_NONE, COMPRESSION_LZ4 };
enum { LEVELS_AUTO, LEVELS_ONE, LEVELS_TWO };

struct config_value {
    char *text;      /* owned; as it was given */
    char *origin;    /* owned; "default", "barks.conf:3", "BARKS_MEMORY", "--barks-memory" */
    uint64_t number; /* what the text means: 0 or 1, bytes, nanoseconds, the index of a choice */
};

/* Begins with config_init or config_load, or all zero (then only config_drop is allowed).
 * Threads: immutable once loaded.
 * Invariant: every value has a text of its type within its limits, and an origin. */
struct config {
    struct config_value values[CONFIG_COUNT];
    bool wants_help; /* --barks-help was among the options */
};

/**
 * Reads all sources in their order.
 *
 * Takes the options that begin with --barks- out of argv, up to an argument "--".
 *
 * Errors:    BARKS_INVALID: unknown key, wrong type, outside its limits; the text says where, what
 * was expected and which key is nearest. BARKS_IO: a file is there but cannot be read. BARKS_LIMIT:
 * a file of more than a megabyte. BARKS_NO_MEMORY. Nothing is loaded then, but argv may have lost
 * options. Threads:   none may change the environment meanwhile.
 */
BARKS_CHECKED barks_status *config_load(struct config *out_config, int *argc, char **argv);

/* The steps of config_load. What fails leaves the values set so far. */
BARKS_CHECKED barks_status *config_init(struct config *config);
BARKS_CHECKED barks_status *config_read_file(struct config *config, const char *path);
BARKS_CHECKED barks_status *config_read_text(struct config *config, const char *name,
                                             const char *text, size_t text_bytes);
BARKS_CHECKED barks_status *config_read_environment(struct config *config,
                                                    char *const *environment);
BARKS_CHECKED barks_status *config_read_options(struct config *config, int *argc, char **argv);
BARKS_CHECKED barks_status *config_set(struct config *config, enum config_key key, const char *text,
                                       const char *origin);

void config_drop(struct config *config);

/* The value of a key of just that type (asserted); strings are borrowed as long as the config. */
bool config_bool(const struct config *config, enum config_key key);
int config_int(const struct config *config, enum config_key key);
uint64_t config_bytes(const struct config *config, enum config_key key);
uint64_t config_duration_ns(const struct config *config, enum config_key key);
const char *config_string(const struct config *config, enum config_key key); /* LEVELS, TEXT */
int config_choice(const struct config *config, enum config_key key);

/* Where a value comes from, for messages. */
const char *config_origin(const struct config *config, enum config_key key);

/* The table as columns: key, type, default, meaning. */
void config_write_help(FILE *out);

/* Appends all that is not a default, for config_unpack on another rank: "key\0text\0origin\0" each.
 */
BARKS_CHECKED barks_status *config_pack(const struct config *config, struct buffer *out);

/* Errors: those of config_set, and BARKS_BAD_INPUT. */
BARKS_CHECKED barks_status *config_unpack(struct config *out_config, const void *packed,
                                          size_t packed_bytes);

bool config_is_sound(const struct config *config);
