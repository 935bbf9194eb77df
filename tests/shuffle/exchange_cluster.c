#include "exchange_cluster.h"

#include "base/hash.h"
#include "base/pool.h"
#include "base/random.h"
#include "batch/batch.h"
#include "store/packed_rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES_MAX = 40 };

static const barks_type integer_type = {.id = BARKS_I64}, text_type = {.id = BARKS_STR};
static const barks_field fields[] = {{.name = "value", .type = &integer_type},
                                     {.name = "text", .type = &text_type}};
static const barks_schema schema = {2, fields};

/* Every value of a frame follows from its name. */
static uint64_t value_of(const struct cluster_options *options, const struct frame_name *name,
                         uint32_t row)
{
    uint64_t hash = hash_combine(options->seed, (uint64_t)name->run << 32 | name->attempt);
    hash = hash_combine(hash, (uint64_t)name->partition << 32 | name->sequence);
    return hash_combine(hash, row);
}

uint64_t cluster_shuffle_of(const struct cluster_options *options, uint32_t run)
{
    return TEST_SHUFFLE + (options->shuffle_count > 0 ? run % options->shuffle_count : 0);
}

/* Two by two they are of one job; the last one is of none that the exchange knows. */
BARKS_CHECKED static barks_status *begin_shuffles(struct cluster_node *node)
{
    for (uint32_t i = 0; i + 1 < node->options->shuffle_count; i++)
        BARKS_TRY(exchange_begin_shuffle(
            node->exchange, TEST_SHUFFLE + i,
            &(struct exchange_share){.job = i / 2, .weight = 1 + i / 2 * 5}));
    return NULL;
}

static uint32_t owner_of(const struct cluster_node *node, uint32_t partition)
{
    return node->options->one_owner ? 1 : 1 + partition % (node->net->size - 1);
}

BARKS_CHECKED static barks_status *make_batch(struct cluster_node *node,
                                              const struct frame_name *name, uint32_t row_count,
                                              struct batch **out)
{
    struct batch *batch = NULL;
    BARKS_TRY(batch_create(node->pool, &schema, row_count, &batch));
    barks_status *status = batch_reserve(batch, row_count);
    for (uint32_t row = 0; row < row_count && status == NULL; row++) {
        uint64_t value = value_of(node->options, name, row);
        char text[TEXT_BYTES_MAX];
        size_t length = value % sizeof text;
        void *made = NULL;
        memset(text, (int)('a' + value % 26), sizeof text);
        status = batch_make_bytes(batch, length, &made);
        if (status != NULL)
            break;
        if (length > 0)
            memcpy(made, text, length);
        ((int64_t *)batch->base.columns[0].values)[row] = (int64_t)value;
        ((barks_str *)batch->base.columns[1].values)[row] = barks_str_of(made, length);
    }
    if (status != NULL) {
        batch_destroy(batch);
        return status;
    }
    batch->base.row_count = row_count;
    *out = batch;
    return NULL;
}

BARKS_CHECKED static barks_status *check_rows(const struct cluster_node *node,
                                              const struct frame_name *name,
                                              const struct batch *batch)
{
    if (batch->base.row_count != name->row_count)
        BARKS_FAIL(BARKS_INTERNAL, "a frame of %u rows says it has %u", batch->base.row_count,
                   name->row_count);
    for (uint32_t row = 0; row < name->row_count; row++) {
        uint64_t value = value_of(node->options, name, row);
        const barks_str *text = &((const barks_str *)batch->base.columns[1].values)[row];
        const char *bytes = barks_str_bytes(text);
        bool right = ((const int64_t *)batch->base.columns[0].values)[row] == (int64_t)value &&
                     text->length == value % TEXT_BYTES_MAX;
        for (uint32_t i = 0; right && i < text->length; i++)
            right = bytes[i] == (char)('a' + value % 26);
        if (!right)
            BARKS_FAIL(BARKS_INTERNAL, "row %u of frame %u of partition %u of run %u is wrong", row,
                       name->sequence, name->partition, name->run);
    }
    return NULL;
}

BARKS_CHECKED static barks_status *check_frame(struct cluster_node *node, struct frame *frame)
{
    const struct frame_name *name = &frame->name;
    uint32_t attempts = node->options->attempts_per_executor;
    uint32_t from = name->run / (attempts > 0 ? attempts : 1);
    uint32_t at = name->run % (attempts > 0 ? attempts : 1);
    if (name->shuffle != cluster_shuffle_of(node->options, name->run) ||
        from + 1 >= node->net->size || name->attempt != at % 3 ||
        name->partition >= CLUSTER_PARTITIONS ||
        (frame->batch != NULL) + (frame->body != NULL) + is_spilled(&frame->spilled) != 1 ||
        owner_of(node, name->partition) != node->net->rank || name->slot != node->net->rank)
        BARKS_FAIL(BARKS_INTERNAL, "a frame of run %u, partition %u has no place here", name->run,
                   name->partition);
    bool is_own = from + 1 == node->net->rank;
    if (is_spilled(&frame->spilled)
            ? !is_own || !node->options->spills
            : (!is_own || node->options->encode_always) != (frame->body != NULL))
        BARKS_FAIL(BARKS_INTERNAL, "a frame of run %u came the wrong way", name->run);
    uint32_t *next = &node->seen[name->run].next_sequences[name->partition];
    if (name->sequence != (*next)++)
        BARKS_FAIL(BARKS_INTERNAL, "frame %u of partition %u of run %u came where %u was due",
                   name->sequence, name->partition, name->run, *next - 1);
    node->frame_count_from[from]++;
    node->arrived.frame_count++;
    node->arrived.row_count += name->row_count;
    node->arrived.bytes += name->body_bytes;
    if (frame->batch != NULL)
        return check_rows(node, name, frame->batch);
    if (node->keeps_frames) /* its budget has no room for decoding */
        return NULL;
    struct batch *batch = NULL;
    BARKS_TRY(batch_create(node->pool, &schema, name->row_count, &batch));
    barks_status *status = frame_read(frame, batch);
    if (status == NULL)
        status = check_rows(node, name, batch);
    batch_destroy(batch);
    return status;
}

static barks_status *deliver(void *context, struct frame *frame)
{
    struct cluster_node *node = context;
    pthread_mutex_lock(&node->lock);
    barks_status *status = NULL;
    if (node->deliver_failure != 0)
        status = barks_status_new(node->deliver_failure, NULL, BARKS_HERE, "told to fail");
    else
        status = check_frame(node, frame);
    if (node->keeps_frames) {
        frame->next = node->kept;
        node->kept = frame;
    }
    pthread_mutex_unlock(&node->lock);
    if (!node->keeps_frames)
        frame_destroy(frame);
    return status;
}

barks_status *cluster_node_init(struct cluster_node *node, struct net *net,
                                const struct cluster_options *options)
{
    *node = (struct cluster_node){.net = net, .options = options};
    for (uint32_t i = 0; i < CLUSTER_WORKERS; i++) {
        struct cluster_worker *worker = &node->workers[i];
        worker->node = node;
        worker->random = hash_combine(hash_combine(options->seed, net->rank), i);
        worker->attempt = i;
        worker->is_done =
            net->rank == options->idle_executor || i >= options->attempts_per_executor;
        node->done_workers += worker->is_done;
    }
    pthread_mutex_init(&node->lock, NULL);
    node->seen = calloc((size_t)net->size * options->attempts_per_executor + 1, sizeof *node->seen);
    if (node->seen == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to note what arrives");
    BARKS_TRY(pool_create(options->pool_bytes > 0 ? options->pool_bytes : (uint64_t)256 << 20,
                          &node->pool));
    node->room.pool = node->pool;
    if (options->spills)
        BARKS_TRY(scratch_create("/tmp", &node->room.scratch));
    BARKS_TRY(exchange_create(
        &(struct exchange_options){.pool = node->pool,
                                   .room = options->spills ? &node->room : NULL,
                                   .net = net,
                                   .round_bytes_per_peer = options->round_bytes_per_peer,
                                   .linger_ns = options->linger_ns,
                                   .stalled_rounds_max = options->stalled_rounds_max,
                                   .encode_always = options->encode_always,
                                   .retains = options->retains,
                                   .compression = options->compression,
                                   .deliver = deliver,
                                   .context = node},
        &node->exchange));
    return begin_shuffles(node);
}

void cluster_node_drop(struct cluster_node *node)
{
    exchange_destroy(node->exchange);
    while (node->kept != NULL) {
        struct frame *next = node->kept->next;
        frame_destroy(node->kept);
        node->kept = next;
    }
    scratch_destroy(node->room.scratch);
    pool_destroy(node->pool); /* asserts that nothing was leaked */
    pthread_mutex_destroy(&node->lock);
    free(node->seen);
    *node = (struct cluster_node){0};
}

barks_status *cluster_init(struct cluster *cluster, uint32_t size, struct net **nets,
                           const struct cluster_options *options)
{
    *cluster = (struct cluster){.options = *options, .size = size};
    memcpy(cluster->nets, nets, size * sizeof *nets);
    for (uint32_t rank = 1; rank < size; rank++)
        BARKS_TRY(cluster_node_init(&cluster->nodes[rank], nets[rank], &cluster->options));
    return NULL;
}

void cluster_drop(struct cluster *cluster)
{
    for (uint32_t rank = 1; rank < cluster->size; rank++)
        cluster_node_drop(&cluster->nodes[rank]);
    for (uint32_t rank = 0; rank < cluster->size; rank++)
        net_close(cluster->nets[rank], false);
}

barks_status *cluster_drive(struct net *net, uint64_t *started_burst)
{
    struct net_message message = {0};
    bool got = false;
    BARKS_TRY(net_poll(net, &message, &got));
    if (!got)
        return NULL;
    uint64_t burst = 0;
    memcpy(&burst, message.bytes, sizeof burst);
    net_message_drop(&message);
    if (burst != *started_burst + 1)
        return NULL; /* somebody was faster */
    *started_burst = burst;
    for (uint32_t rank = 1; rank < net->size; rank++)
        BARKS_TRY(net_send(net, rank, &burst, sizeof burst));
    return NULL;
}

static uint64_t draw(struct cluster_worker *worker, uint64_t limit)
{
    return splitmix64(&worker->random) % limit;
}

/* As what was packed before is added, which is for others. Takes the batch. */
BARKS_CHECKED static barks_status *add_packed(struct cluster_worker *worker, struct frame_name name,
                                              struct batch *batch)
{
    struct packed_rows rows = {0};
    name.row_count = batch->base.row_count;
    barks_status *status = packed_rows_make(worker->node->pool, &batch->base, 0, name.row_count,
                                            draw(worker, 2) == 0, &rows);
    batch_destroy(batch);
    if (status == NULL)
        status = exchange_add_packed(worker->node->exchange, &name, &rows);
    packed_rows_drop(&rows);
    return status;
}

BARKS_CHECKED static barks_status *add_frame(struct cluster_worker *worker, struct frame_name *name)
{
    struct cluster_node *node = worker->node;
    uint32_t rows = node->options->rows_per_frame_max;
    uint32_t row_count = (uint32_t)draw(worker, draw(worker, 4) == 0 ? rows + 1 : rows / 50 + 1);
    if (node->options->huge_frame_rows > 0 && worker->attempt == 1 && worker->frame == 1)
        row_count = node->options->huge_frame_rows;
    name->partition = (uint32_t)draw(worker, CLUSTER_PARTITIONS);
    if (worker->frame == 0)
        worker->made = (struct cluster_seen){{0}};
    name->sequence = worker->made.next_sequences[name->partition]++;
    struct batch *batch = NULL;
    BARKS_TRY(make_batch(node, name, row_count, &batch));
    worker->frame++;
    struct frame_name packed = *name;
    packed.slot = owner_of(node, name->partition);
    packed.sequence = 0; /* that is given */
    if (packed.slot != node->net->rank && draw(worker, 4) == 0)
        return add_packed(worker, packed, batch);
    return exchange_add(node->exchange, name->shuffle, name->run, name->attempt, name->partition,
                        packed.slot, batch);
}

BARKS_CHECKED static barks_status *end_attempt(struct cluster_worker *worker,
                                               const struct frame_name *name)
{
    struct cluster_node *node = worker->node;
    bool good = draw(worker, 100) >= node->options->bad_percent;
    struct exchange_sent sent[CLUSTER_SIZE_MAX];
    BARKS_TRY(exchange_end_attempt(node->exchange, name->shuffle, name->run, name->attempt, good,
                                   good ? sent : NULL));
    worker->frame = worker->frame_count = 0;
    worker->attempt += CLUSTER_WORKERS;
    worker->is_done = worker->attempt >= node->options->attempts_per_executor;
    pthread_mutex_lock(&node->lock);
    for (uint32_t i = 0; good && i + 1 < node->net->size; i++) {
        struct exchange_sent *expected = &node->expected[i];
        expected->executor = sent[i].executor;
        expected->frame_count += sent[i].frame_count;
        expected->row_count += sent[i].row_count;
        expected->bytes += sent[i].bytes;
    }
    node->done_workers += worker->is_done;
    pthread_mutex_unlock(&node->lock);
    for (uint32_t i = 0; good && i + 1 < node->net->size; i++)
        if (sent[i].executor != i + 1)
            BARKS_FAIL(BARKS_INTERNAL, "entry %u is of executor %u", i, sent[i].executor);
    return NULL;
}

/* Attempts that have begun may use half as much again, so that they end and let go. */
static bool has_used_too_much(const struct cluster_node *node, bool is_between)
{
    uint64_t limit = node->options->used_bytes_max;
    return pool_used_bytes(node->pool) > (is_between ? limit : limit + limit / 2);
}

barks_status *cluster_work(struct cluster_worker *worker)
{
    struct cluster_node *node = worker->node;
    const struct cluster_options *options = node->options;
    bool is_between = worker->frame_count == 0;
    if (worker->is_done || (options->pauses && draw(worker, 30) != 0) ||
        (options->used_bytes_max > 0 && has_used_too_much(node, is_between)))
        return NULL;
    uint32_t run = (node->net->rank - 1) * options->attempts_per_executor + worker->attempt;
    struct frame_name name = {
        .shuffle = cluster_shuffle_of(options, run), .run = run, .attempt = worker->attempt % 3};
    if (is_between)
        worker->frame_count = (uint32_t)draw(worker, options->frames_per_attempt_max + 1);
    if (worker->frame < worker->frame_count)
        return add_frame(worker, &name);
    return end_attempt(worker, &name);
}

barks_status *cluster_communicate(struct cluster_node *node, bool *out_busy)
{
    struct net_message message = {0};
    bool got = false;
    uint64_t burst = 0;
    BARKS_TRY(net_poll(node->net, &message, &got));
    if (got) {
        memcpy(&burst, message.bytes, sizeof burst);
        net_message_drop(&message);
        exchange_start_burst(node->exchange, burst);
    }
    if (exchange_wants_burst(node->exchange, &burst))
        BARKS_TRY(net_send(node->net, 0, &burst, sizeof burst));
    return exchange_step(node->exchange, out_busy);
}

bool cluster_expected(struct cluster *cluster, uint32_t rank, struct exchange_sent *out)
{
    struct exchange_sent expected = {.executor = rank};
    bool all_done = true;
    for (uint32_t from = 1; from < cluster->size; from++) {
        struct cluster_node *sender = &cluster->nodes[from];
        pthread_mutex_lock(&sender->lock);
        all_done = all_done && sender->done_workers == CLUSTER_WORKERS;
        expected.frame_count += sender->expected[rank - 1].frame_count;
        expected.row_count += sender->expected[rank - 1].row_count;
        expected.bytes += sender->expected[rank - 1].bytes;
        pthread_mutex_unlock(&sender->lock);
    }
    *out = expected;
    return all_done;
}

barks_status *cluster_node_check(struct cluster_node *node, const struct exchange_sent *expected,
                                 bool *out_done)
{
    pthread_mutex_lock(&node->lock);
    struct exchange_sent arrived = node->arrived;
    pthread_mutex_unlock(&node->lock);
    if (arrived.frame_count > expected->frame_count || arrived.row_count > expected->row_count ||
        arrived.bytes > expected->bytes)
        BARKS_FAIL(BARKS_INTERNAL,
                   "executor %u got %" PRIu64 " frames of %" PRIu64 " rows, not %" PRIu64
                   " of %" PRIu64,
                   node->net->rank, arrived.frame_count, arrived.row_count, expected->frame_count,
                   expected->row_count);
    *out_done = arrived.frame_count == expected->frame_count &&
                arrived.row_count == expected->row_count && arrived.bytes == expected->bytes;
    return NULL;
}

barks_status *cluster_check(struct cluster *cluster, bool *out_done)
{
    *out_done = true;
    for (uint32_t rank = 1; rank < cluster->size && *out_done; rank++) {
        struct exchange_sent expected;
        *out_done = cluster_expected(cluster, rank, &expected);
        if (*out_done)
            BARKS_TRY(cluster_node_check(&cluster->nodes[rank], &expected, out_done));
    }
    return NULL;
}
