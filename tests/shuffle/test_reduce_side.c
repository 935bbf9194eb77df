#include "base/pool.h"
#include "base/random.h"
#include "batch/codec.h"
#include "shuffle/reduce_side.h"
#include "shuffle/reduce_side_state.h"
#include "store/packed_rows.h"
#include "support/faults.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const barks_type i64_type = {.id = BARKS_I64};
static const barks_type str_type = {.id = BARKS_STR};
static const barks_field fields[] = {{"number", &i64_type, false}, {"text", &str_type, false}};
static const barks_schema schema = {2, fields};
static const struct reduce_read all_of_it = {.shuffle = 1, .piece_count = 1, .schema = &schema};
static const struct reduce_read all_by_one = {
    .shuffle = 1, .piece_count = 1, .schema = &schema, .is_only_reader = true};

static struct spill_room room;

static struct pool *new_pool(void)
{
    ck_assert_ptr_null(pool_create(UINT64_C(256) << 20, &room.pool));
    ck_assert_ptr_null(scratch_create("/tmp", &room.scratch));
    return room.pool;
}

static void drop_pool(struct pool *pool)
{
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    scratch_destroy(room.scratch);
    pool_destroy(pool);
}

/* All that waits goes to disk. */
static void want_all_memory(void) { pool_make_room(room.pool, pool_budget_bytes(room.pool)); }

/* All frames of these tests are of one slot, which may have any partition. */
enum { SLOT = 3 };

BARKS_CHECKED static barks_status *commit(struct reduce_side *side, uint64_t shuffle,
                                          uint32_t run_count, const uint32_t *attempts,
                                          const uint64_t *frame_counts)
{
    const struct reduce_commit commit = {.shuffle = shuffle,
                                         .slot = SLOT,
                                         .end_partition = REDUCE_PARTITIONS_MAX,
                                         .run_count = run_count,
                                         .attempts = attempts,
                                         .frame_counts = frame_counts};
    return reduce_side_commit(side, &commit);
}

/* The first number of a frame's rows tells which frame it is. */
static int64_t number_of(uint32_t run, uint32_t attempt, uint32_t partition, uint32_t sequence)
{
    return (((int64_t)run * 100 + attempt) * 1000 + partition) * 1000 + sequence;
}

static struct frame *new_frame(struct pool *pool, struct frame_name name, bool encoded)
{
    struct frame *frame = calloc(1, sizeof *frame);
    struct batch *batch = NULL;
    ck_assert_ptr_nonnull(frame);
    name.slot = SLOT;
    name.row_count = 1 + name.sequence % 3;
    ck_assert_ptr_null(batch_create(pool, &schema, 16, &batch));
    for (uint32_t i = 0; i < name.row_count; i++) {
        void *bytes = NULL;
        ck_assert_ptr_null(batch_make_bytes(batch, 20, &bytes));
        memset(bytes, 'x', 20);
        ((int64_t *)batch->base.columns[0].values)[i] =
            number_of(name.run, name.attempt, name.partition, name.sequence);
        ((barks_str *)batch->base.columns[1].values)[i] = barks_str_of(bytes, 20);
    }
    batch->base.row_count = name.row_count;
    frame->batch = batch;
    if (encoded) {
        /* Every other one compressed, as they come over a slow link. */
        struct packed_rows packed = {0};
        ck_assert_ptr_null(packed_rows_make(pool, &batch->base, 0, name.row_count,
                                            name.sequence % 2 == 1, &packed));
        name.body_bytes = packed.stored_bytes;
        name.encoded_bytes = packed.encoded_bytes;
        ck_assert_ptr_null(block_create(pool, name.body_bytes, &frame->body));
        memcpy(frame->body->bytes, packed.bytes, packed.stored_bytes);
        packed_rows_drop(&packed);
        batch_destroy(batch);
        frame->batch = NULL;
    }
    frame->name = name;
    return frame;
}

/* Checks that frames come in order, and counts them. */
struct reader {
    bool is_only;
    int64_t last;
    uint64_t frame_count;
    uint64_t row_count;
    uint64_t fails_at; /* frame that is refused, from 1; 0: none */
};

static barks_status *read_frame(void *context, struct batch *batch)
{
    struct reader *reader = context;
    const int64_t *numbers = batch->base.columns[0].values;
    const barks_str *texts = batch->base.columns[1].values;
    ck_assert_int_gt(numbers[0], reader->last);
    for (uint32_t i = 0; i < batch->base.row_count; i++) {
        ck_assert_int_eq(numbers[i], numbers[0]);
        ck_assert_int_eq(memcmp(barks_str_bytes(&texts[i]), "xxxxxxxxxxxxxxxxxxxx", 20), 0);
    }
    reader->last = numbers[0];
    reader->frame_count++;
    reader->row_count += batch->base.row_count;
    if (reader->frame_count == reader->fails_at)
        BARKS_FAIL(BARKS_IO, "no more");
    return NULL;
}

BARKS_CHECKED static barks_status *read_partition(struct reduce_side *side, uint64_t shuffle,
                                                  uint32_t partition, struct reader *reader)
{
    reader->last = -1;
    struct reduce_read what = {.shuffle = shuffle,
                               .partition = partition,
                               .piece_count = 1,
                               .schema = &schema,
                               .is_only_reader = reader->is_only};
    return reduce_side_read(side, &what, read_frame, reader);
}

enum { RUNS = 7, PARTITIONS = 130, ATTEMPTS = 3 };

/* Frames of all attempts of a map stage, in any order. */
struct stage {
    uint32_t counts[RUNS][ATTEMPTS][PARTITIONS]; /* frames */
    uint32_t attempts[RUNS];                     /* that count */
    uint64_t frame_counts[RUNS];
    struct frame **frames;
    uint32_t frame_count;
};

static void make_stage(struct stage *stage, struct pool *pool, struct random *random,
                       uint64_t shuffle)
{
    memset(stage, 0, sizeof *stage);
    stage->frames = calloc((size_t)RUNS * ATTEMPTS * PARTITIONS * 3, sizeof(struct frame *));
    ck_assert_ptr_nonnull(stage->frames);
    for (uint32_t run = 0; run < RUNS; run++) {
        stage->attempts[run] = (uint32_t)random_below(random, ATTEMPTS);
        for (uint32_t attempt = 0; attempt < ATTEMPTS; attempt++) {
            for (uint32_t partition = 0; partition < PARTITIONS; partition++) {
                uint32_t count = (uint32_t)random_below(random, 4);
                stage->counts[run][attempt][partition] = count;
                if (attempt == stage->attempts[run])
                    stage->frame_counts[run] += count;
                for (uint32_t sequence = 0; sequence < count; sequence++)
                    stage->frames[stage->frame_count++] =
                        new_frame(pool,
                                  (struct frame_name){.shuffle = shuffle,
                                                      .run = run,
                                                      .attempt = attempt,
                                                      .partition = partition,
                                                      .sequence = sequence},
                                  random_below(random, 2) == 0);
            }
        }
    }
    for (uint32_t i = stage->frame_count; i > 1; i--) {
        uint32_t other = (uint32_t)random_below(random, i);
        struct frame *frame = stage->frames[i - 1];
        stage->frames[i - 1] = stage->frames[other];
        stage->frames[other] = frame;
    }
}

static uint64_t frames_of(const struct stage *stage, uint32_t partition)
{
    uint64_t count = 0;
    for (uint32_t run = 0; run < RUNS; run++)
        count += stage->counts[run][stage->attempts[run]][partition];
    return count;
}

static void fails(barks_status *status, barks_code code)
{
    ck_assert_ptr_nonnull(status);
    ck_assert_int_eq(barks_status_code(status), code);
    barks_status_free(status);
}

/* Several times, while frames go to disk; then it is forgotten. */
static void read_and_forget(struct reduce_side *side, struct random *random, uint64_t shuffle,
                            uint32_t partition, uint64_t frames)
{
    for (int round = 0; round < 4; round++) {
        struct reader reader = {.is_only = round >= 2};
        ck_assert_ptr_null(read_partition(side, shuffle, partition, &reader));
        ck_assert_uint_eq(reader.frame_count, frames);
        if (random_below(random, 100) == 0)
            want_all_memory();
    }
    reduce_side_forget(side, shuffle, partition);
    reduce_side_forget(side, shuffle, partition);
    struct reader reader = {0};
    if (frames > 0)
        fails(read_partition(side, shuffle, partition, &reader), BARKS_LOST);
}

START_TEST(frames_are_read_in_order_once_all_that_count_have_arrived)
{
    struct random random = random_of(property_seed());
    struct pool *pool = new_pool();
    struct reduce_side *side = NULL;
    ck_assert_ptr_null(reduce_side_create(&room, false, &side));
    for (uint64_t shuffle = 1; shuffle < 9; shuffle++) {
        static struct stage stage;
        make_stage(&stage, pool, &random, shuffle);
        uint32_t commit_at = (uint32_t)random_below(&random, stage.frame_count + 1);
        uint64_t counted = 0, expected = 0;
        for (uint32_t run = 0; run < RUNS; run++)
            expected += stage.frame_counts[run];
        for (uint32_t i = 0; i <= stage.frame_count; i++) {
            if (i == commit_at)
                ck_assert_ptr_null(commit(side, shuffle, RUNS, stage.attempts, stage.frame_counts));
            ck_assert_int_eq(reduce_side_is_complete(side, shuffle, SLOT),
                             i >= commit_at && counted == expected);
            if (i == stage.frame_count)
                break;
            const struct frame_name *name = &stage.frames[i]->name;
            counted += name->attempt == stage.attempts[name->run];
            ck_assert_ptr_null(reduce_side_deliver(side, stage.frames[i]));
            if (shuffle % 3 == 0 && random_below(&random, 100) == 0)
                want_all_memory();
        }
        ck_assert_uint_eq(reduce_side_counters(side, shuffle).frames, expected);
        if (shuffle % 3 == 1)
            want_all_memory();
        for (uint32_t partition = 0; partition < PARTITIONS + 5; partition++) {
            uint64_t frames = partition < PARTITIONS ? frames_of(&stage, partition) : 0;
            read_and_forget(side, &random, shuffle, partition, frames);
        }
        struct reduce_side_counters left = reduce_side_counters(side, shuffle);
        ck_assert(left.frames == 0 && left.rows == 0 && left.bytes == 0);
        if (shuffle % 2 == 0)
            reduce_side_drop(side, shuffle);
        reduce_side_drop(side, 1000 + shuffle);
        free(stage.frames);
    }
    reduce_side_destroy(side);
    drop_pool(pool);
}
END_TEST

static void deliver(struct reduce_side *side, struct pool *pool, struct frame_name name,
                    barks_code expected)
{
    barks_status *status = reduce_side_deliver(side, new_frame(pool, name, true));
    ck_assert_int_eq(status == NULL ? 0 : barks_status_code(status), expected);
    barks_status_free(status);
}

START_TEST(frames_that_cannot_be_are_refused)
{
    struct pool *pool = new_pool();
    struct reduce_side *side = NULL;
    const uint32_t attempts[] = {0, 1};
    const uint64_t counts[] = {1, 2};
    struct reader reader = {0};
    ck_assert_ptr_null(reduce_side_create(&room, false, &side));
    deliver(side, pool, (struct frame_name){.shuffle = 5, .partition = REDUCE_PARTITIONS_MAX},
            BARKS_BAD_INPUT);
    deliver(side, pool, (struct frame_name){.shuffle = 5, .run = 1, .attempt = 1}, 0);
    barks_status *status = read_partition(side, 5, 0, &reader);
    ck_assert_int_eq(barks_status_code(status), BARKS_INVALID);
    barks_status_free(status);
    ck_assert_ptr_null(commit(side, 5, 2, attempts, counts));
    deliver(side, pool, (struct frame_name){.shuffle = 5, .run = 2}, BARKS_BAD_INPUT);
    deliver(side, pool, (struct frame_name){.shuffle = 5, .run = 0, .attempt = 1}, 0);
    deliver(side, pool, (struct frame_name){.shuffle = 5, .run = 0, .partition = 9}, 0);
    deliver(side, pool, (struct frame_name){.shuffle = 5, .run = 0, .sequence = 1},
            BARKS_BAD_INPUT);
    ck_assert(!reduce_side_is_complete(side, 5, SLOT));
    /* The same name again. */
    deliver(side, pool, (struct frame_name){.shuffle = 5, .run = 1, .attempt = 1}, 0);
    ck_assert(reduce_side_is_complete(side, 5, SLOT));
    status = read_partition(side, 5, 0, &reader);
    ck_assert_int_eq(barks_status_code(status), BARKS_BAD_INPUT);
    barks_status_free(status);
    status = commit(side, 5, 2, attempts, counts);
    ck_assert_int_eq(barks_status_code(status), BARKS_INVALID);
    barks_status_free(status);

    /* More than the commit names; a run that it does not name. */
    deliver(side, pool, (struct frame_name){.shuffle = 6}, 0);
    deliver(side, pool, (struct frame_name){.shuffle = 6, .sequence = 1}, 0);
    status = commit(side, 6, 1, attempts, counts);
    ck_assert_int_eq(barks_status_code(status), BARKS_BAD_INPUT);
    barks_status_free(status);
    deliver(side, pool, (struct frame_name){.shuffle = 7, .run = 1}, 0);
    status = commit(side, 7, 1, attempts, counts);
    ck_assert_int_eq(barks_status_code(status), BARKS_BAD_INPUT);
    barks_status_free(status);
    reduce_side_destroy(side);
    drop_pool(pool);
}
END_TEST

/* One partition of four frames, the third of which is spoilt by spoil. */
static void read_spoilt(void (*spoil)(struct frame *frame), bool is_only, uint64_t fails_at,
                        barks_code expected)
{
    struct pool *pool = new_pool();
    struct reduce_side *side = NULL;
    const uint32_t attempt = 0;
    const uint64_t count = 4;
    ck_assert_ptr_null(reduce_side_create(&room, false, &side));
    for (uint32_t sequence = 0; sequence < 4; sequence++) {
        struct frame *frame = new_frame(
            pool, (struct frame_name){.shuffle = 1, .sequence = sequence}, sequence % 2 == 0);
        if (sequence == 2 && spoil != NULL)
            spoil(frame);
        ck_assert_ptr_null(reduce_side_deliver(side, frame));
    }
    ck_assert_ptr_null(commit(side, 1, 1, &attempt, &count));
    struct reader reader = {.is_only = is_only, .fails_at = fails_at};
    barks_status *status = read_partition(side, 1, 0, &reader);
    ck_assert_ptr_nonnull(status);
    ck_assert_int_eq(barks_status_code(status), expected);
    barks_status_free(status);
    ck_assert_uint_eq(reader.frame_count, fails_at == 0 ? 2 : fails_at);
    ck_assert_uint_eq(reduce_side_counters(side, 1).frames, 4);
    reduce_side_destroy(side);
    drop_pool(pool);
}

static void flip_a_bit(struct frame *frame)
{
    frame->body->bytes[frame->body->size_bytes - 1] ^= 4;
}
static void miscount_rows(struct frame *frame) { frame->name.row_count++; }

START_TEST(a_frame_that_is_not_what_it_says_ends_the_walk)
{
    for (int is_only = 0; is_only < 2; is_only++) {
        read_spoilt(flip_a_bit, is_only != 0, 0, BARKS_LOST);
        read_spoilt(miscount_rows, is_only != 0, 0, BARKS_LOST);
        for (uint64_t fails_at = 1; fails_at <= 4; fails_at++)
            read_spoilt(NULL, is_only != 0, fails_at, BARKS_IO);
    }
}
END_TEST

/* A disk may do better another time; rows that it has damaged are lost. */
START_TEST(a_frame_that_cannot_be_read_back_is_lost_the_second_time)
{
    const uint32_t attempt = 0;
    const uint64_t count = 4;
    static const struct {
        const char *fault;
        barks_code first, second; /* 0: all is well */
    } cases[] = {{"spoil:call=pread", BARKS_IO, 0},
                 {"fail:call=pread", BARKS_IO, 0},
                 {"spoil:call=pread,n=1+", BARKS_IO, BARKS_LOST},
                 {"fail:call=pread,n=1+", BARKS_IO, BARKS_LOST}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pool *pool = new_pool();
        struct reduce_side *side = NULL;
        barks_code codes[2] = {0};
        ck_assert_ptr_null(reduce_side_create(&room, false, &side));
        for (uint32_t sequence = 0; sequence < 4; sequence++)
            deliver(side, pool, (struct frame_name){.shuffle = 1, .sequence = sequence}, 0);
        ck_assert_ptr_null(commit(side, 1, 1, &attempt, &count));
        want_all_memory();
        arm_faults("%s", cases[i].fault);
        for (int round = 0; round < 2; round++) {
            struct reader reader = {0};
            barks_status *status = read_partition(side, 1, 0, &reader);
            codes[round] = status == NULL ? 0 : barks_status_code(status);
            barks_status_free(status);
        }
        disarm_faults();
        ck_assert_int_eq(codes[0], cases[i].first);
        ck_assert_int_eq(codes[1], cases[i].second);
        reduce_side_destroy(side);
        drop_pool(pool);
    }
}
END_TEST

/* --- Threads --- */

enum { SENDERS = 3, FRAMES_EACH = 400 };

struct sender {
    struct reduce_side *side;
    struct pool *pool;
    uint32_t run;
};

static void *send_frames(void *context)
{
    struct sender *sender = context;
    for (uint32_t i = 0; i < FRAMES_EACH; i++) {
        struct frame_name name = {.shuffle = 3, .run = sender->run, .sequence = i};
        struct frame *frame = new_frame(sender->pool, name, i % 2 == 0);
        ck_assert_ptr_null(reduce_side_deliver(sender->side, frame));
    }
    return NULL;
}

struct parallel_reader {
    struct reduce_side *side;
    struct reader reader;
};

static void *read_all(void *context)
{
    struct parallel_reader *parallel = context;
    while (!reduce_side_is_complete(parallel->side, 3, SLOT))
        sched_yield();
    ck_assert_ptr_null(read_partition(parallel->side, 3, 0, &parallel->reader));
    return NULL;
}

START_TEST(threads_deliver_and_read_at_once)
{
    struct pool *pool = new_pool();
    struct reduce_side *side = NULL;
    const uint32_t attempts[SENDERS] = {0};
    const uint64_t counts[SENDERS] = {FRAMES_EACH, FRAMES_EACH, FRAMES_EACH};
    struct sender senders[SENDERS];
    struct parallel_reader readers[2] = {0};
    pthread_t threads[SENDERS + 2];
    ck_assert_ptr_null(reduce_side_create(&room, false, &side));
    for (uint32_t i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){.side = side, .pool = pool, .run = i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, send_frames, &senders[i]), 0);
    }
    for (uint32_t i = 0; i < 2; i++) {
        readers[i].side = side;
        ck_assert_int_eq(pthread_create(&threads[SENDERS + i], NULL, read_all, &readers[i]), 0);
    }
    for (int i = 0; i < 200; i++)
        want_all_memory();
    ck_assert_ptr_null(commit(side, 3, SENDERS, attempts, counts));
    for (int i = 0; i < 50; i++)
        want_all_memory();
    for (uint32_t i = 0; i < SENDERS + 2; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    for (uint32_t i = 0; i < 2; i++)
        ck_assert_uint_eq(readers[i].reader.frame_count, SENDERS * FRAMES_EACH);
    reduce_side_destroy(side);
    drop_pool(pool);
}
END_TEST

/* Drops its own shuffle while it reads it. */
static barks_status *drop_while_reading(void *context, struct batch *batch)
{
    (void)batch;
    reduce_side_drop(context, 1);
    return NULL;
}

START_TEST(a_shuffle_that_is_dropped_while_it_is_read_is_freed_at_the_end)
{
    struct pool *pool = new_pool();
    struct reduce_side *side = NULL;
    const uint32_t attempt = 0;
    const uint64_t count = 3;
    ck_assert_ptr_null(reduce_side_create(&room, false, &side));
    for (uint32_t i = 0; i < 3; i++)
        deliver(side, pool, (struct frame_name){.shuffle = 1, .sequence = i}, 0);
    ck_assert_ptr_null(commit(side, 1, 1, &attempt, &count));
    ck_assert_ptr_null(reduce_side_read(side, &all_of_it, drop_while_reading, side));
    ck_assert(!reduce_side_is_complete(side, 1, SLOT));
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    reduce_side_destroy(side);
    drop_pool(pool);
}
END_TEST

/* --- Frames that are lent, while memory is wanted --- */

enum { LENT_FRAMES = 60, NESTED = 3 };

struct lent_reader {
    struct reduce_side *side;
    bool is_only;
    struct reader reader;
    uint32_t depth;
    uint32_t nest_at; /* the frame in whose visit another reader begins */
    uint64_t in_memory_bytes_max;
};

BARKS_CHECKED static barks_status *read_lent(struct lent_reader *lent);

/* All memory is wanted in the middle of it; the rows stay where they are. */
static barks_status *visit_lent(void *context, struct batch *batch)
{
    struct lent_reader *lent = context;
    BARKS_TRY(read_frame(&lent->reader, batch));
    want_all_memory();
    lent->reader.last--; /* the same frame again */
    lent->reader.frame_count--;
    BARKS_TRY(read_frame(&lent->reader, batch));
    uint64_t used_bytes = pool_used_bytes(room.pool);
    if (lent->depth == 0 && used_bytes > lent->in_memory_bytes_max)
        lent->in_memory_bytes_max = used_bytes;
    if (lent->depth == NESTED || lent->reader.frame_count != lent->nest_at)
        return NULL;
    struct lent_reader nested = {.side = lent->side,
                                 .is_only = lent->is_only,
                                 .depth = lent->depth + 1,
                                 .nest_at = lent->nest_at / 2};
    return read_lent(&nested);
}

static barks_status *read_lent(struct lent_reader *lent)
{
    lent->reader.last = -1;
    struct reduce_read what = all_of_it;
    what.is_only_reader = lent->is_only;
    BARKS_TRY(reduce_side_read(lent->side, &what, visit_lent, lent));
    ck_assert_uint_eq(lent->reader.frame_count, LENT_FRAMES);
    return NULL;
}

static void *read_lent_often(void *context)
{
    struct lent_reader *lent = context;
    for (int i = 0; i < 5; i++) {
        lent->reader = (struct reader){0};
        ck_assert_ptr_null(read_lent(lent));
    }
    return NULL;
}

START_TEST(frames_that_are_lent_go_to_disk_and_are_read_by_all)
{
    struct random random = random_of(property_seed());
    struct pool *pool = new_pool();
    struct reduce_side *side = NULL;
    const uint32_t attempt = 0;
    const uint64_t count = LENT_FRAMES;
    struct lent_reader readers[NESTED] = {0};
    pthread_t threads[NESTED];
    ck_assert_ptr_null(reduce_side_create(&room, false, &side));
    for (uint32_t i = 0; i < LENT_FRAMES; i++)
        ck_assert_ptr_null(reduce_side_deliver(
            side, new_frame(pool, (struct frame_name){.shuffle = 1, .sequence = i},
                            random_below(&random, 2) == 0)));
    ck_assert_ptr_null(commit(side, 1, 1, &attempt, &count));
    struct lent_reader alone = {.side = side, .depth = 0, .nest_at = LENT_FRAMES / 2};
    uint64_t before_bytes = pool_used_bytes(pool);
    ck_assert_ptr_null(read_lent(&alone));
    /* The frame at hand, and what it is decoded into. */
    ck_assert_uint_lt(alone.in_memory_bytes_max, before_bytes / 4);
    for (uint32_t i = 0; i < NESTED; i++) {
        readers[i] =
            (struct lent_reader){.side = side,
                                 .is_only = i % 2 == 1,
                                 .nest_at = 1 + (uint32_t)random_below(&random, LENT_FRAMES)};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_lent_often, &readers[i]), 0);
    }
    for (uint32_t i = 0; i < NESTED; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    struct reader last = {.is_only = true};
    ck_assert_ptr_null(read_partition(side, 1, 0, &last));
    ck_assert_uint_eq(last.frame_count, LENT_FRAMES);
    reduce_side_destroy(side);
    drop_pool(pool);
}
END_TEST

/* --- What was read, and stays --- */

enum { STAYING_FRAMES = 8 };

struct staying_reader {
    struct reduce_side *side;
    struct reader reader;
    struct batch *held; /* of the second half, as an operator holds rows */
};

/* Half through, little memory is wanted. */
static barks_status *visit_staying(void *context, struct batch *batch)
{
    struct staying_reader *staying = context;
    BARKS_TRY(read_frame(&staying->reader, batch));
    reduce_side_forget(staying->side, 1, 0); /* of no effect: it is being read */
    if (staying->reader.frame_count > STAYING_FRAMES / 2)
        return batch_append(staying->held, batch, 0, batch->base.row_count, BATCH_KEEP);
    if (staying->reader.frame_count < STAYING_FRAMES / 2)
        return NULL;
    barks_status *failure = NULL;
    ck_assert_uint_gt(reduce_side_give(staying->side, 1, &failure), 0);
    return failure;
}

/* The frames that were read go to disk before those that are to be read, but not where others hold
 * their memory; all are there for another reader. */
START_TEST(what_was_read_goes_first_and_is_read_again)
{
    struct pool *pool = new_pool();
    struct reduce_side *side = NULL;
    const uint32_t attempt = 0;
    const uint64_t count = STAYING_FRAMES;
    struct frame *frames[STAYING_FRAMES];
    struct staying_reader staying = {0};
    ck_assert_ptr_null(batch_create(pool, &schema, 16, &staying.held));
    ck_assert_ptr_null(reduce_side_create(&room, false, &side));
    staying.side = side;
    for (uint32_t i = 0; i < STAYING_FRAMES; i++) {
        frames[i] = new_frame(pool, (struct frame_name){.shuffle = 1, .sequence = i}, true);
        ck_assert_ptr_null(reduce_side_deliver(side, frames[i]));
    }
    ck_assert_ptr_null(commit(side, 1, 1, &attempt, &count));
    staying.reader.last = -1;
    ck_assert_ptr_null(reduce_side_read(side, &all_by_one, visit_staying, &staying));
    for (uint32_t i = 0; i < STAYING_FRAMES; i++)
        ck_assert_int_eq(is_spilled(&frames[i]->spilled), i < STAYING_FRAMES / 2 - 1);
    want_all_memory();
    for (uint32_t i = STAYING_FRAMES / 2; i < STAYING_FRAMES; i++)
        ck_assert_int_eq(is_spilled(&frames[i]->spilled), !frame_is_shared(frames[i]));
    struct reader again = {.is_only = true};
    ck_assert_ptr_null(read_partition(side, 1, 0, &again));
    ck_assert_uint_eq(again.frame_count, STAYING_FRAMES);
    batch_destroy(staying.held);
    want_all_memory();
    for (uint32_t i = 0; i < STAYING_FRAMES; i++)
        ck_assert(is_spilled(&frames[i]->spilled));
    reduce_side_forget(side, 1, 0);
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    ck_assert_uint_eq(reduce_side_counters(side, 1).frames, 0);
    fails(read_partition(side, 1, 0, &again), BARKS_LOST);
    reduce_side_destroy(side);
    drop_pool(pool);
}
END_TEST

struct sizes {
    uint32_t count;
    uint32_t partitions[8];
    uint64_t bytes[8];
};

static void note_size(void *context, uint32_t partition, uint64_t bytes)
{
    struct sizes *sizes = context;
    ck_assert_uint_lt(sizes->count, 8);
    sizes->partitions[sizes->count] = partition;
    sizes->bytes[sizes->count++] = bytes;
}

/* Partition 3 has two encoded frames, partition 100 one of three rows as it was made. */
START_TEST(sizes_are_told_of_partitions_that_have_rows)
{
    struct pool *pool = new_pool();
    struct reduce_side *side = NULL;
    ck_assert_ptr_null(reduce_side_create(&room, false, &side));
    struct sizes sizes = {0};
    reduce_side_visit_sizes(side, 7, SLOT, note_size, &sizes);
    ck_assert_uint_eq(sizes.count, 0);
    uint64_t encoded_bytes = 0;
    for (uint32_t sequence = 0; sequence < 3; sequence++) {
        bool is_encoded = sequence < 2;
        struct frame *frame =
            new_frame(pool,
                      (struct frame_name){
                          .shuffle = 7, .partition = is_encoded ? 3 : 100, .sequence = sequence},
                      is_encoded);
        encoded_bytes += frame->name.encoded_bytes;
        ck_assert_ptr_null(reduce_side_deliver(side, frame));
    }
    reduce_side_visit_sizes(side, 7, SLOT, note_size, &sizes);
    ck_assert_uint_eq(sizes.count, 2);
    ck_assert_uint_eq(sizes.partitions[0], 3);
    ck_assert_uint_eq(sizes.bytes[0], encoded_bytes);
    ck_assert_uint_eq(sizes.partitions[1], 100);
    /* Numbers, views, and 20 bytes each that begin at multiples of 8. */
    ck_assert_uint_eq(sizes.bytes[1], 3 * (8 + 16) + 2 * 24 + 20);
    reduce_side_destroy(side);
    drop_pool(pool);
}
END_TEST

/* ---- where executors may be lost ---- */

static void commit_two(struct reduce_side *side, uint64_t shuffle, uint32_t slot,
                       uint32_t attempt_0, uint64_t count_0, uint32_t attempt_1, uint64_t count_1)
{
    const uint32_t attempts[] = {attempt_0, attempt_1};
    const uint64_t counts[] = {count_0, count_1};
    const struct reduce_commit commit = {.shuffle = shuffle,
                                         .slot = slot,
                                         .end_partition = 10,
                                         .run_count = 2,
                                         .attempts = attempts,
                                         .frame_counts = counts};
    ck_assert_ptr_null(reduce_side_commit(side, &commit));
}

/* Run 0 is all there by attempt 0, run 1 is not: so attempt 1 of it counts instead, whichever of
 * its frames came first. Where run 0 was made again as well both count by attempt 1, since the two
 * may have shared their input. */
START_TEST(a_slot_is_committed_again_for_runs_that_are_not_there)
{
    struct random random = random_of(property_seed());
    for (int round = 0; round < 200; round++) {
        struct pool *pool = new_pool();
        struct reduce_side *side = NULL;
        ck_assert_ptr_null(reduce_side_create(&room, true, &side));
        /* Frames of run 0: attempts 0 (two) and 1 (three); of run 1: 0 (one of two) and 1 (three).
         */
        struct frame_name names[] = {{.run = 0},
                                     {.run = 0, .sequence = 1},
                                     {.run = 1},
                                     {.run = 1, .attempt = 1},
                                     {.run = 1, .attempt = 1, .sequence = 1},
                                     {.run = 1, .attempt = 1, .sequence = 2},
                                     {.run = 0, .attempt = 1},
                                     {.run = 0, .attempt = 1, .sequence = 1},
                                     {.run = 0, .attempt = 1, .sequence = 2}};
        /* The first commit comes anywhere, the second behind it and behind run 0; the end is the
         * same. */
        uint32_t first_at = (uint32_t)random_below(&random, 7);
        uint32_t second_at = 3 + (uint32_t)random_below(&random, 4);
        second_at = second_at < first_at ? first_at : second_at;
        bool both = random_below(&random, 2) == 0;
        uint64_t frame_count = both ? 6 : 5;
        for (uint32_t i = 0; i < sizeof names / sizeof *names; i++) {
            if (i == first_at)
                commit_two(side, 1, SLOT, 0, 2, 0, 2);
            if (i == second_at)
                commit_two(side, 1, SLOT, both, both ? 3 : 2, 1, 3);
            bool is_told = !both && i >= second_at && i >= 6;
            ck_assert_int_eq(reduce_side_is_complete(side, 1, SLOT), is_told);
            names[i].shuffle = 1;
            deliver(side, pool, names[i], 0);
            if (random_below(&random, 4) == 0)
                want_all_memory();
        }
        ck_assert(reduce_side_is_complete(side, 1, SLOT));
        ck_assert_uint_eq(reduce_side_counters(side, 1).frames, frame_count);
        commit_two(side, 1, SLOT, 2, 9, 2, 9); /* it is complete: nothing changes */
        ck_assert(reduce_side_is_complete(side, 1, SLOT));
        struct reader reader = {0};
        ck_assert_ptr_null(read_partition(side, 1, 0, &reader));
        ck_assert_uint_eq(reader.frame_count, frame_count);
        reduce_side_destroy(side);
        drop_pool(pool);
    }
}
END_TEST

static barks_status *commit_range(struct reduce_side *side, uint32_t slot, uint32_t first,
                                  uint32_t end, uint32_t run_count)
{
    static const uint32_t attempts[2];
    static const uint64_t counts[2];
    const struct reduce_commit commit = {.shuffle = 1,
                                         .slot = slot,
                                         .first_partition = first,
                                         .end_partition = end,
                                         .run_count = run_count,
                                         .attempts = attempts,
                                         .frame_counts = counts};
    return reduce_side_commit(side, &commit);
}

START_TEST(an_heir_reads_each_partition_from_its_slot)
{
    struct pool *pool = new_pool();
    struct reduce_side *side = NULL;
    struct reader reader = {.is_only = true};
    ck_assert_ptr_null(reduce_side_create(&room, true, &side));
    ck_assert_ptr_null(commit_range(side, 1, 0, 3, 2));
    fails(read_partition(side, 1, 3, &reader), BARKS_INVALID); /* of a slot not committed yet */
    commit_two(side, 2, SLOT, 0, 2, 0, 0);
    deliver(side, pool, (struct frame_name){.shuffle = 2, .partition = 4}, 0);
    fails(read_partition(side, 2, 5, &reader), BARKS_INVALID); /* none for it, but one is missing */
    deliver(side, pool, (struct frame_name){.shuffle = 2, .partition = 10}, BARKS_BAD_INPUT);
    deliver(side, pool, (struct frame_name){.shuffle = 2, .partition = 4, .sequence = 1}, 0);
    ck_assert_ptr_null(commit_range(side, 2, 3, 5, 2));
    ck_assert_ptr_null(read_partition(side, 1, 3, &reader)); /* no rows */
    ck_assert_uint_eq(reader.frame_count, 0);
    ck_assert_uint_eq(reduce_side_counters(side, 2).frames, 2);
    ck_assert_ptr_null(read_partition(side, 2, 4, &reader));
    ck_assert_uint_eq(reader.frame_count, 2);
    reduce_side_forget(side, 2, 4);
    barks_status *status = read_partition(side, 2, 4, &reader);
    ck_assert_ptr_nonnull(strstr(barks_status_text(status), "was freed"));
    fails(status, BARKS_LOST);
    fails(commit_range(side, 1, 0, 4, 2), BARKS_INVALID);
    fails(commit_range(side, 1, 0, 3, 1), BARKS_INVALID);
    reduce_side_drop(side, 1);
    ck_assert(!reduce_side_is_complete(side, 1, 1) && !reduce_side_is_complete(side, 1, 2));
    ck_assert(reduce_side_is_complete(side, 2, SLOT));
    reduce_side_destroy(side);
    drop_pool(pool);
}
END_TEST

SUITE_MAIN("shuffle/reduce_side", sizes_are_told_of_partitions_that_have_rows,
           frames_are_read_in_order_once_all_that_count_have_arrived,
           frames_that_cannot_be_are_refused, a_frame_that_is_not_what_it_says_ends_the_walk,
           a_frame_that_cannot_be_read_back_is_lost_the_second_time,
           threads_deliver_and_read_at_once, frames_that_are_lent_go_to_disk_and_are_read_by_all,
           what_was_read_goes_first_and_is_read_again,
           a_shuffle_that_is_dropped_while_it_is_read_is_freed_at_the_end,
           a_slot_is_committed_again_for_runs_that_are_not_there,
           an_heir_reads_each_partition_from_its_slot)
