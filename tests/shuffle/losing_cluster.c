#include "losing_cluster.h"

#include "base/hash.h"
#include "base/pool.h"
#include "base/random.h"
#include "batch/batch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const barks_type integer_type = {.id = BARKS_I64};
static const barks_field fields[] = {{.name = "value", .type = &integer_type}};
static const barks_schema schema = {1, fields};

/* ---- the rows: every attempt of a run makes the same ---- */

static uint64_t hash_of(const struct losing_options *options, uint32_t run, uint32_t partition,
                        uint32_t row)
{
    uint64_t hash = hash_combine(options->seed, (uint64_t)run << 32 | partition);
    return hash_combine(hash, row);
}

static uint32_t rows_of(const struct losing_options *options, uint32_t run, uint32_t partition)
{
    uint64_t hash = hash_of(options, run, partition, UINT32_MAX);
    return hash % 4 == 0 ? 0 : (uint32_t)(hash / 4 % (options->rows_max + 1));
}

static uint32_t first_of(const struct net *net, uint32_t slot)
{
    return LOSING_PARTITIONS * (slot - 1) / (net->size - 1);
}

static uint32_t slot_of(const struct net *net, uint32_t partition)
{
    uint32_t slot = 1;
    while (first_of(net, slot + 1) <= partition)
        slot++;
    return slot;
}

/* ---- the shuffles of a job: run r of it is run r / count of shuffle r % count ---- */

static uint32_t shuffles_of(const struct losing_options *options)
{
    return options->shuffle_count > 0 ? options->shuffle_count : 1;
}

static uint64_t shuffle_of(const struct losing_node *node, uint32_t run)
{
    uint32_t count = shuffles_of(node->options);
    return (uint64_t)node->job * count + run % count;
}

static uint32_t number_in_shuffle(const struct losing_node *node, uint32_t run)
{
    return run / shuffles_of(node->options);
}

/* Each as if it were of a job of its own. */
BARKS_CHECKED static barks_status *begin_shuffles(struct losing_node *node)
{
    for (uint32_t i = 0; i < node->options->shuffle_count; i++)
        BARKS_TRY(exchange_begin_shuffle(
            node->exchange, shuffle_of(node, i),
            &(struct exchange_share){.job = shuffle_of(node, i), .weight = 1 + 4 * i}));
    return NULL;
}

/* ---- executors ---- */

static barks_status *deliver(void *context, struct frame *frame)
{
    struct losing_node *node = context;
    if (node->options->fails && node->is_communicating && node->fails_in > 0 &&
        --node->fails_in == 0) {
        frame_destroy(frame);
        BARKS_FAIL(BARKS_USER_ERROR, "told to fail");
    }
    return reduce_side_deliver(node->reduce_side, frame);
}

barks_status *losing_node_init(struct losing_node *node, struct net *net,
                               const struct losing_options *options)
{
    *node = (struct losing_node){.net = net, .options = options};
    pthread_mutex_init(&node->lock, NULL);
    node->job = 1;
    if (options->fails && net->rank == 1 + options->seed % (net->size - 1))
        node->fails_in = 1 + (uint32_t)(options->seed / 8 % 60);
    for (uint32_t i = 0; i < LOSING_WORKERS; i++)
        node->workers[i] = (struct losing_worker){
            .node = node, .random = hash_combine(options->seed, net->rank * LOSING_WORKERS + i)};
    BARKS_TRY(pool_create(options->pool_bytes > 0 ? options->pool_bytes : (uint64_t)256 << 20,
                          &node->pool));
    node->room.pool = node->pool;
    if (options->spills)
        BARKS_TRY(scratch_create("/tmp", &node->room.scratch));
    BARKS_TRY(reduce_side_create(&node->room, true, &node->reduce_side));
    BARKS_TRY(exchange_create(
        &(struct exchange_options){.pool = node->pool,
                                   .room = options->spills ? &node->room : NULL,
                                   .net = net,
                                   .round_bytes_per_peer = options->round_bytes_per_peer,
                                   .linger_ns = options->linger_ns,
                                   .encode_always = options->encode_always,
                                   .compression = options->compression,
                                   .retains = true,
                                   .deliver = deliver,
                                   .context = node},
        &node->exchange));
    return begin_shuffles(node);
}

barks_status *losing_node_drop(struct losing_node *node)
{
    exchange_destroy(node->exchange);
    reduce_side_destroy(node->reduce_side);
    uint64_t used_bytes = pool_used_bytes(node->pool);
    scratch_destroy(node->room.scratch);
    if (used_bytes == 0)
        pool_destroy(node->pool);
    pthread_mutex_destroy(&node->lock);
    if (used_bytes > 0)
        BARKS_FAIL(BARKS_INTERNAL, "executor %u leaves %" PRIu64 " bytes of its pool",
                   node->net->rank, used_bytes);
    return NULL;
}

static uint64_t draw(uint64_t *random, uint64_t limit) { return splitmix64(random) % limit; }

BARKS_CHECKED static barks_status *add_rows(struct losing_worker *worker, uint32_t partition)
{
    struct losing_node *node = worker->node;
    uint32_t left = rows_of(node->options, worker->run, partition) - worker->rows_made[partition];
    uint32_t row_count = 1 + (uint32_t)draw(&worker->random, node->options->frame_rows_max);
    row_count = row_count < left ? row_count : left;
    struct batch *batch = NULL;
    BARKS_TRY(batch_create(node->pool, &schema, row_count, &batch));
    for (uint32_t i = 0; i < row_count; i++)
        ((int64_t *)batch->base.columns[0].values)[i] = (int64_t)hash_of(
            node->options, worker->run, partition, worker->rows_made[partition] + i);
    batch->base.row_count = row_count;
    worker->rows_made[partition] += row_count;
    return exchange_add(node->exchange, shuffle_of(node, worker->run),
                        number_in_shuffle(node, worker->run), worker->attempt, partition,
                        slot_of(node->net, partition), batch);
}

BARKS_CHECKED static barks_status *end_attempt(const struct losing_worker *worker, bool good,
                                               struct exchange_sent *out_sent)
{
    const struct losing_node *node = worker->node;
    return exchange_end_attempt(node->exchange, shuffle_of(node, worker->run),
                                number_in_shuffle(node, worker->run), worker->attempt, good,
                                good ? out_sent : NULL);
}

BARKS_CHECKED static barks_status *end_run(struct losing_worker *worker)
{
    struct losing_node *node = worker->node;
    struct exchange_sent sent[LOSING_SIZE_MAX];
    bool good = draw(&worker->random, 100) >= node->options->bad_percent;
    struct losing_word word = {.kind = good ? LOSING_RUN_DONE : LOSING_RUN_FAILED,
                               .run = worker->run,
                               .attempt = worker->attempt};
    BARKS_TRY(end_attempt(worker, good, sent));
    for (uint32_t i = 0; good && i + 1 < node->net->size; i++)
        word.frame_counts[i] = sent[i].frame_count;
    worker->has_run = false;
    pthread_mutex_lock(&node->lock);
    node->ended[node->ended_count++] = word;
    pthread_mutex_unlock(&node->lock);
    return NULL;
}

static void begin_run(struct losing_worker *worker)
{
    struct losing_node *node = worker->node;
    pthread_mutex_lock(&node->lock);
    if (node->wanted_count > 0) {
        const struct losing_word *word = &node->wanted[--node->wanted_count];
        worker->run = word->run;
        worker->attempt = word->attempt;
        worker->has_run = true;
        memset(worker->rows_made, 0, sizeof worker->rows_made);
    }
    pthread_mutex_unlock(&node->lock);
}

barks_status *losing_work(struct losing_worker *worker)
{
    if (!worker->has_run) {
        begin_run(worker);
        return NULL;
    }
    uint32_t first = (uint32_t)draw(&worker->random, LOSING_PARTITIONS);
    for (uint32_t i = 0; i < LOSING_PARTITIONS; i++) {
        uint32_t partition = (first + i) % LOSING_PARTITIONS;
        if (worker->rows_made[partition] < rows_of(worker->node->options, worker->run, partition))
            return add_rows(worker, partition);
    }
    return end_run(worker);
}

/* Holds the rows of a partition against what all runs of a shuffle make for it, in their order. */
struct reader {
    const struct losing_options *options;
    uint32_t partition, run, row;
};

static void pass_runs(struct reader *reader)
{
    while (reader->run < reader->options->run_count &&
           reader->row == rows_of(reader->options, reader->run, reader->partition)) {
        reader->run += shuffles_of(reader->options);
        reader->row = 0;
    }
}

static barks_status *check_batch(void *context, struct batch *batch)
{
    struct reader *reader = context;
    const int64_t *values = batch->base.columns[0].values;
    for (uint32_t i = 0; i < batch->base.row_count; i++) {
        pass_runs(reader);
        if (reader->run >= reader->options->run_count ||
            values[i] !=
                (int64_t)hash_of(reader->options, reader->run, reader->partition, reader->row))
            BARKS_FAIL(BARKS_INTERNAL, "partition %u has another row where row %u of run %u is due",
                       reader->partition, reader->row, reader->run);
        reader->row++;
    }
    return NULL;
}

/* In the shuffle of this run, the first of it. */
BARKS_CHECKED static barks_status *check_partition(struct losing_node *node, uint32_t partition,
                                                   uint32_t run)
{
    struct reader reader = {.options = node->options, .partition = partition, .run = run};
    struct reduce_read what = {.shuffle = shuffle_of(node, run),
                               .partition = partition,
                               .piece_count = 1,
                               .schema = &schema};
    BARKS_TRY(reduce_side_read(node->reduce_side, &what, check_batch, &reader));
    pass_runs(&reader);
    if (reader.run < node->options->run_count)
        BARKS_FAIL(BARKS_INTERNAL, "partition %u ends where row %u of run %u is due", partition,
                   reader.row, reader.run);
    return NULL;
}

BARKS_CHECKED static barks_status *check_slot(struct losing_node *node, uint32_t slot)
{
    for (uint32_t p = first_of(node->net, slot); p < first_of(node->net, slot + 1); p++)
        for (uint32_t i = 0; i < shuffles_of(node->options); i++)
            BARKS_TRY(check_partition(node, p, i));
    return NULL;
}

static bool is_slot_complete(struct losing_node *node, uint32_t slot)
{
    for (uint32_t i = 0; i < shuffles_of(node->options); i++)
        if (!reduce_side_is_complete(node->reduce_side, shuffle_of(node, i), slot))
            return false;
    return true;
}

/* Of the shuffle of this run, the first of it. */
BARKS_CHECKED static barks_status *commit_shuffle(struct losing_node *node,
                                                  const struct losing_word *word, uint32_t run)
{
    uint32_t attempts[LOSING_RUNS_MAX] = {0};
    uint64_t frame_counts[LOSING_RUNS_MAX] = {0};
    struct reduce_commit commit = {.shuffle = shuffle_of(node, run),
                                   .slot = word->slot,
                                   .first_partition = first_of(node->net, word->slot),
                                   .end_partition = first_of(node->net, word->slot + 1),
                                   .attempts = attempts,
                                   .frame_counts = frame_counts};
    for (; run < node->options->run_count; run += shuffles_of(node->options)) {
        attempts[commit.run_count] = word->attempts[run];
        frame_counts[commit.run_count++] = word->frame_counts[run];
    }
    return reduce_side_commit(node->reduce_side, &commit);
}

BARKS_CHECKED static barks_status *take_commit(struct losing_node *node,
                                               const struct losing_word *word)
{
    node->awaited[word->slot] = true;
    for (uint32_t i = 0; i < shuffles_of(node->options); i++)
        BARKS_TRY(commit_shuffle(node, word, i));
    return NULL;
}

BARKS_CHECKED static barks_status *tell(struct losing_node *node, struct losing_word word)
{
    word.epoch = node->epoch;
    word.job = node->job;
    return net_send(node->net, 0, &word, sizeof word);
}

/* What was made for the last job is dropped. Only where one thread plays all. */
BARKS_CHECKED static barks_status *begin_job(struct losing_node *node, uint32_t job)
{
    for (uint32_t i = 0; i < LOSING_WORKERS; i++) {
        struct losing_worker *worker = &node->workers[i];
        if (worker->has_run)
            BARKS_TRY(end_attempt(worker, false, NULL));
        worker->has_run = false;
    }
    for (uint32_t i = 0; i < shuffles_of(node->options); i++) {
        exchange_drop_shuffle(node->exchange, shuffle_of(node, i));
        reduce_side_drop(node->reduce_side, shuffle_of(node, i));
    }
    memset(node->awaited, 0, sizeof node->awaited);
    node->wanted_count = node->ended_count = 0;
    node->has_failed = false;
    node->job = job;
    return begin_shuffles(node);
}

BARKS_CHECKED static barks_status *move_slot(struct losing_node *node,
                                             const struct losing_word *word)
{
    for (uint32_t i = 0; i < shuffles_of(node->options); i++)
        BARKS_TRY(
            exchange_move_slot(node->exchange, shuffle_of(node, i), word->slot, word->holder));
    return NULL;
}

BARKS_CHECKED static barks_status *take_word(struct losing_node *node,
                                             const struct losing_word *word)
{
    switch ((enum losing_kind)word->kind) {
    case LOSING_BURST:
        exchange_start_burst(node->exchange, word->burst);
        return NULL;
    case LOSING_EPOCH:
        node->epoch = word->epoch;
        BARKS_TRY(exchange_begin_epoch(node->exchange, word->epoch, word->is_lost));
        return tell(node, (struct losing_word){.kind = LOSING_READY});
    case LOSING_HOLDER:
        return move_slot(node, word);
    case LOSING_RUN:
        pthread_mutex_lock(&node->lock);
        node->wanted[node->wanted_count++] = *word;
        pthread_mutex_unlock(&node->lock);
        return NULL;
    case LOSING_COMMIT:
        return take_commit(node, word);
    case LOSING_JOB:
        return begin_job(node, word->job);
    case LOSING_DIE:
        node->is_to_die = true;
        return NULL;
    case LOSING_END:
        node->is_over = true;
        return NULL;
    case LOSING_BURST_WANTED:
    case LOSING_READY:
    case LOSING_RUN_DONE:
    case LOSING_RUN_FAILED:
    case LOSING_COMPLETE:
    case LOSING_FAILED:
        break;
    }
    BARKS_FAIL(BARKS_INTERNAL, "a word of kind %u for an executor", word->kind);
}

static bool take_ended(struct losing_node *node, struct losing_word *word)
{
    pthread_mutex_lock(&node->lock);
    bool has_some = node->ended_count > 0;
    if (has_some)
        *word = node->ended[--node->ended_count];
    pthread_mutex_unlock(&node->lock);
    return has_some;
}

BARKS_CHECKED static barks_status *report(struct losing_node *node)
{
    struct losing_word ended;
    while (take_ended(node, &ended))
        BARKS_TRY(tell(node, ended));
    for (uint32_t slot = 1; slot < node->net->size; slot++) {
        if (!node->awaited[slot] || !is_slot_complete(node, slot))
            continue;
        BARKS_TRY(check_slot(node, slot));
        node->awaited[slot] = false;
        BARKS_TRY(tell(node, (struct losing_word){.kind = LOSING_COMPLETE, .slot = slot}));
    }
    return NULL;
}

barks_status *losing_communicate(struct losing_node *node, bool *out_busy)
{
    struct net_message message = {0};
    bool got = false;
    uint64_t burst = 0;
    BARKS_TRY(net_poll(node->net, &message, &got));
    if (got) {
        struct losing_word word;
        memcpy(&word, message.bytes, sizeof word);
        net_message_drop(&message);
        BARKS_TRY(take_word(node, &word));
    }
    if (exchange_wants_burst(node->exchange, &burst))
        BARKS_TRY(tell(node, (struct losing_word){.kind = LOSING_BURST_WANTED, .burst = burst}));
    node->is_communicating = true;
    barks_status *status = exchange_step(node->exchange, out_busy);
    node->is_communicating = false;
    barks_code code = status != NULL ? barks_status_code(status) : 0;
    bool is_told_to = node->options->fails && !node->has_failed &&
                      (code == BARKS_USER_ERROR || code == BARKS_CANCELLED);
    if (status != NULL && !is_told_to)
        return status;
    barks_status_free(status);
    if (code == 0)
        return report(node);
    node->has_failed = true;
    return tell(node, (struct losing_word){.kind = LOSING_FAILED});
}

/* ---- the driver ---- */

void losing_driver_init(struct losing_driver *driver, struct net *net,
                        const struct losing_options *options)
{
    *driver = (struct losing_driver){.net = net,
                                     .options = options,
                                     .random = options->seed,
                                     .job = 1,
                                     .losses_left = options->loss_count};
    for (uint32_t slot = 1; slot < net->size; slot++)
        driver->holders[slot] = slot;
}

BARKS_CHECKED static barks_status *say(const struct losing_driver *driver, uint32_t rank,
                                       const struct losing_word *word)
{
    struct losing_word said = *word;
    said.job = driver->job;
    said.epoch = driver->epoch;
    return driver->is_lost[rank] ? NULL : net_send(driver->net, rank, &said, sizeof said);
}

BARKS_CHECKED static barks_status *say_to_all(const struct losing_driver *driver,
                                              const struct losing_word *word)
{
    for (uint32_t rank = 1; rank < driver->net->size; rank++)
        BARKS_TRY(say(driver, rank, word));
    return NULL;
}

static uint32_t any_living(struct losing_driver *driver)
{
    for (;;) {
        uint32_t rank = 1 + (uint32_t)draw(&driver->random, driver->net->size - 1);
        if (!driver->is_lost[rank])
            return rank;
    }
}

BARKS_CHECKED static barks_status *start_burst(struct losing_driver *driver)
{
    driver->started_burst++;
    return say_to_all(driver,
                      &(struct losing_word){.kind = LOSING_BURST, .burst = driver->started_burst});
}

/* ---- losses ---- */

static uint32_t count_loud(const struct losing_driver *driver)
{
    uint32_t count = 0;
    for (uint32_t rank = 1; rank < driver->net->size; rank++)
        count += !driver->is_silent[rank];
    return count;
}

static void lose_some(struct losing_driver *driver)
{
    if (driver->losses_left == 0 || count_loud(driver) < 2 ||
        draw(&driver->random, driver->options->loss_chance) != 0)
        return;
    uint32_t rank = 1 + (uint32_t)draw(&driver->random, driver->net->size - 1);
    if (driver->is_silent[rank])
        return;
    driver->is_silent[rank] = true;
    driver->losses_left--;
    driver->lose(driver->context, rank);
}

/* Some of those that fell silent are noticed, and all living executors told. */
BARKS_CHECKED static barks_status *notice(struct losing_driver *driver)
{
    bool is_any_new = false;
    if (draw(&driver->random, 1 + driver->options->loss_chance / 8) != 0)
        return NULL;
    for (uint32_t rank = 1; rank < driver->net->size; rank++) {
        if (!driver->is_silent[rank] || driver->is_lost[rank] || draw(&driver->random, 3) == 0 ||
            (driver->is_dead != NULL && !driver->is_dead(driver->context, rank)))
            continue;
        driver->is_lost[rank] = is_any_new = true;
    }
    if (!is_any_new)
        return NULL;
    bool gave_up = false;
    struct losing_word word = {.kind = LOSING_EPOCH};
    driver->epoch++;
    memcpy(word.is_lost, driver->is_lost, sizeof word.is_lost);
    memset(driver->is_ready, 0, sizeof driver->is_ready);
    driver->is_recovering = true;
    driver->epochs_begun++;
    BARKS_TRY(net_epoch_begin(driver->net, driver->epoch, driver->is_lost, &gave_up));
    return say_to_all(driver, &word);
}

/* Their attempts are gone, and the output of those that counted. */
static void forget_lost_runs(struct losing_driver *driver)
{
    for (uint32_t r = 0; r < driver->options->run_count; r++) {
        struct losing_run *run = &driver->runs[r];
        for (uint32_t rank = 1; rank < driver->net->size; rank++)
            if (driver->is_lost[rank])
                run->live_attempts[rank] = 0;
        if (run->is_done && driver->is_lost[run->executor]) {
            run->is_done = false;
            driver->runs_again++;
        }
    }
}

BARKS_CHECKED static barks_status *say_holders(const struct losing_driver *driver)
{
    for (uint32_t slot = 1; slot < driver->net->size; slot++)
        if (driver->holders[slot] != slot)
            BARKS_TRY(say_to_all(driver, &(struct losing_word){.kind = LOSING_HOLDER,
                                                               .slot = slot,
                                                               .holder = driver->holders[slot]}));
    return NULL;
}

BARKS_CHECKED static barks_status *end_recovery(struct losing_driver *driver)
{
    forget_lost_runs(driver);
    driver->is_recovering = driver->is_committed = false;
    for (uint32_t slot = 1; slot < driver->net->size; slot++)
        if (driver->is_lost[driver->holders[slot]]) {
            driver->holders[slot] = any_living(driver);
            driver->is_complete[slot] = false;
            driver->slots_moved++;
        }
    driver->started_burst = 0;
    BARKS_TRY(say_holders(driver));
    return start_burst(driver);
}

BARKS_CHECKED static barks_status *note_ready(struct losing_driver *driver, uint32_t from)
{
    driver->is_ready[from] = true;
    for (uint32_t rank = 1; rank < driver->net->size; rank++)
        if (!driver->is_lost[rank] && !driver->is_ready[rank])
            return NULL;
    return end_recovery(driver);
}

/* ---- failures ---- */

static bool has_any_failed(const struct losing_driver *driver)
{
    for (uint32_t rank = 1; rank < driver->net->size; rank++)
        if (!driver->is_lost[rank] && driver->has_failed[rank])
            return true;
    return false;
}

/* Once it has for all that live, a new job begins. */
BARKS_CHECKED static barks_status *note_failed(struct losing_driver *driver)
{
    if (driver->is_recovering || !has_any_failed(driver))
        return NULL;
    for (uint32_t rank = 1; rank < driver->net->size; rank++)
        if (!driver->is_lost[rank] && !driver->has_failed[rank])
            return NULL;
    driver->job++;
    driver->jobs_failed++;
    driver->is_committed = false;
    memset(driver->has_failed, 0, sizeof driver->has_failed);
    memset(driver->runs, 0, sizeof driver->runs);
    memset(driver->is_complete, 0, sizeof driver->is_complete);
    BARKS_TRY(say_to_all(driver, &(struct losing_word){.kind = LOSING_JOB}));
    return say_holders(driver);
}

/* ---- work ---- */

BARKS_CHECKED static barks_status *give_run(struct losing_driver *driver, uint32_t r)
{
    struct losing_run *run = &driver->runs[r];
    uint32_t rank = any_living(driver);
    if (run->live_attempts[rank] != 0)
        return NULL;
    run->live_attempts[rank] = 1 + run->next_attempt;
    return say(driver, rank,
               &(struct losing_word){.kind = LOSING_RUN, .run = r, .attempt = run->next_attempt++});
}

static bool is_running(const struct losing_run *run)
{
    for (uint32_t rank = 0; rank < LOSING_SIZE_MAX; rank++)
        if (run->live_attempts[rank] != 0)
            return true;
    return false;
}

BARKS_CHECKED static barks_status *commit(struct losing_driver *driver)
{
    for (uint32_t slot = 1; slot < driver->net->size; slot++) {
        struct losing_word word = {.kind = LOSING_COMMIT, .slot = slot};
        for (uint32_t r = 0; r < driver->options->run_count; r++) {
            word.attempts[r] = driver->runs[r].attempt;
            word.frame_counts[r] = driver->runs[r].frame_counts[slot - 1];
        }
        BARKS_TRY(say(driver, driver->holders[slot], &word));
    }
    driver->is_committed = true;
    return NULL;
}

BARKS_CHECKED static barks_status *give_work(struct losing_driver *driver)
{
    bool is_all_done = true;
    if (driver->is_recovering || driver->is_committed || has_any_failed(driver))
        return NULL;
    for (uint32_t r = 0; r < driver->options->run_count; r++) {
        struct losing_run *run = &driver->runs[r];
        is_all_done = is_all_done && run->is_done;
        if (run->is_done || is_running(run))
            continue;
        BARKS_TRY(give_run(driver, r));
        if (draw(&driver->random, 100) < driver->options->copy_percent)
            BARKS_TRY(give_run(driver, r));
    }
    return is_all_done ? commit(driver) : NULL;
}

/* A copy that ends after another has counted is passed over. */
static void note_run_done(struct losing_driver *driver, uint32_t from,
                          const struct losing_word *word)
{
    struct losing_run *run = &driver->runs[word->run];
    run->live_attempts[from] = 0;
    if (word->kind == LOSING_RUN_FAILED || run->is_done)
        return;
    run->is_done = true;
    run->executor = from;
    run->attempt = word->attempt;
    memcpy(run->frame_counts, word->frame_counts, sizeof run->frame_counts);
}

static void note_complete(struct losing_driver *driver, uint32_t from, uint32_t slot)
{
    driver->is_complete[slot] = driver->is_complete[slot] || driver->holders[slot] == from;
}

BARKS_CHECKED static barks_status *hear(struct losing_driver *driver, uint32_t from,
                                        const struct losing_word *word)
{
    bool is_of_bursts = word->kind == LOSING_BURST_WANTED || word->kind == LOSING_READY;
    if (word->job != driver->job && !is_of_bursts)
        return NULL;
    switch ((enum losing_kind)word->kind) {
    case LOSING_BURST_WANTED:
        if (word->epoch == driver->epoch && !driver->is_recovering &&
            word->burst == driver->started_burst + 1)
            return start_burst(driver);
        return NULL;
    case LOSING_READY:
        return word->epoch == driver->epoch ? note_ready(driver, from) : NULL;
    case LOSING_RUN_DONE:
    case LOSING_RUN_FAILED:
        note_run_done(driver, from, word);
        return NULL;
    case LOSING_COMPLETE:
        note_complete(driver, from, word->slot);
        return NULL;
    case LOSING_FAILED:
        driver->has_failed[from] = true;
        return NULL;
    case LOSING_BURST:
    case LOSING_EPOCH:
    case LOSING_HOLDER:
    case LOSING_RUN:
    case LOSING_COMMIT:
    case LOSING_JOB:
    case LOSING_DIE:
    case LOSING_END:
        break;
    }
    BARKS_FAIL(BARKS_INTERNAL, "a word of kind %u for the driver", word->kind);
}

barks_status *losing_drive(struct losing_driver *driver)
{
    struct net_message message = {0};
    bool got = false;
    if (driver->is_done)
        return NULL;
    BARKS_TRY(net_poll(driver->net, &message, &got));
    if (got) {
        struct losing_word word;
        memcpy(&word, message.bytes, sizeof word);
        uint32_t from = message.from;
        net_message_drop(&message);
        if (!driver->is_lost[from])
            BARKS_TRY(hear(driver, from, &word));
    }
    lose_some(driver);
    BARKS_TRY(notice(driver));
    BARKS_TRY(note_failed(driver));
    BARKS_TRY(give_work(driver));
    driver->is_done = driver->is_committed && driver->losses_left == 0 && !has_any_failed(driver);
    for (uint32_t slot = 1; slot < driver->net->size; slot++)
        driver->is_done = driver->is_done && driver->is_complete[slot] &&
                          !driver->is_silent[driver->holders[slot]];
    if (driver->is_done)
        return say_to_all(driver, &(struct losing_word){.kind = LOSING_END});
    return NULL;
}
