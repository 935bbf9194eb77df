#include "base/pool.h"
#include "base/random.h"
#include "batch/codec.h"
#include "shuffle/reduce_side.h"
#include "shuffle/stored_frames.h"
#include "store/packed_rows.h"
#include "support/faults.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const barks_type i64_type = {.id = BARKS_I64};
static const barks_field fields[] = {{"number", &i64_type, false}};
static const barks_schema schema = {1, fields};

enum {
    RUNS = 3,
    PARTITIONS = 5,
    ROWS_MAX = 40,
    FRAMES_MAX = 4,
    SHUFFLE = 7,
    SLOT = 2,
    TAG = 12345
};

static struct spill_room room;
static struct reduce_side *side;
static char path[64];

/* Rows in the order in which they are to be read. */
struct expected {
    int64_t numbers[RUNS * FRAMES_MAX * ROWS_MAX];
    uint32_t count;
};
static struct expected expected[PARTITIONS];

/* By reference, encoded, or encoded and compressed. */
static struct frame *new_frame(struct frame_name name, uint32_t form, int64_t first)
{
    struct frame *frame = calloc(1, sizeof *frame);
    struct batch *batch = NULL;
    ck_assert_ptr_nonnull(frame);
    ck_assert_ptr_null(batch_create(room.pool, &schema, name.row_count + 1, &batch));
    for (uint32_t i = 0; i < name.row_count; i++)
        ((int64_t *)batch->base.columns[0].values)[i] = first + i;
    batch->base.row_count = name.row_count;
    frame->batch = batch;
    if (form > 0) {
        struct packed_rows packed = {0};
        ck_assert_ptr_null(
            packed_rows_make(room.pool, &batch->base, 0, name.row_count, form > 1, &packed));
        name.body_bytes = packed.stored_bytes;
        name.encoded_bytes = packed.encoded_bytes;
        ck_assert_ptr_null(block_create(room.pool, name.body_bytes, &frame->body));
        memcpy(frame->body->bytes, packed.bytes, packed.stored_bytes);
        packed_rows_drop(&packed);
        batch_destroy(batch);
        frame->batch = NULL;
    }
    frame->name = name;
    return frame;
}

static void begin(struct random *random, bool on_disk)
{
    uint32_t attempts[RUNS] = {0};
    uint64_t frame_counts[RUNS] = {0};
    int64_t next = 0;
    memset(expected, 0, sizeof expected);
    snprintf(path, sizeof path, "/tmp/barks-frames-%ld", (long)getpid());
    ck_assert_ptr_null(pool_create(UINT64_C(256) << 20, &room.pool));
    ck_assert_ptr_null(scratch_create("/tmp", &room.scratch));
    ck_assert_ptr_null(reduce_side_create(&room, false, &side));
    for (uint32_t run = 0; run < RUNS; run++)
        for (uint32_t partition = 0; partition < PARTITIONS; partition++) {
            uint32_t count = partition == 2 ? 0 : (uint32_t)random_below(random, FRAMES_MAX + 1);
            for (uint32_t sequence = 0; sequence < count; sequence++) {
                struct frame_name name = {.shuffle = SHUFFLE,
                                          .slot = SLOT,
                                          .run = run,
                                          .partition = partition,
                                          .sequence = sequence,
                                          .row_count =
                                              1 + (uint32_t)random_below(random, ROWS_MAX)};
                struct frame *frame = new_frame(name, (uint32_t)random_below(random, 3), next);
                for (uint32_t i = 0; i < name.row_count; i++)
                    expected[partition].numbers[expected[partition].count++] = next++;
                ck_assert_ptr_null(reduce_side_deliver(side, frame));
                frame_counts[run]++;
            }
        }
    const struct reduce_commit commit = {.shuffle = SHUFFLE,
                                         .slot = SLOT,
                                         .end_partition = PARTITIONS,
                                         .run_count = RUNS,
                                         .attempts = attempts,
                                         .frame_counts = frame_counts};
    ck_assert_ptr_null(reduce_side_commit(side, &commit));
    if (on_disk)
        pool_make_room(room.pool, pool_budget_bytes(room.pool));
}

static void end(void)
{
    reduce_side_destroy(side);
    ck_assert_uint_eq(pool_used_bytes(room.pool), 0);
    scratch_destroy(room.scratch);
    pool_destroy(room.pool);
    unlink(path);
}

struct row_check {
    const struct expected *expected;
    uint32_t at;
    bool is_wrong;
};

static barks_status *check_rows(void *context, struct batch *batch)
{
    struct row_check *check = context;
    const int64_t *numbers = batch->base.columns[0].values;
    for (uint32_t i = 0; i < batch->base.row_count; i++) {
        check->is_wrong |= check->at >= check->expected->count ||
                           numbers[i] != check->expected->numbers[check->at];
        check->at++;
    }
    return NULL;
}

/* False: an error that says so. Rows are never wrong. */
static bool read_piece(const struct stored_piece *piece, uint64_t tag)
{
    struct row_check check = {.expected = &expected[piece->partition]};
    barks_status *status =
        stored_frames_read(path, tag, piece, room.pool, &schema, check_rows, &check);
    bool is_read = status == NULL;
    ck_assert_msg(!check.is_wrong, "partition %" PRIu32 " has wrong rows", piece->partition);
    if (is_read)
        ck_assert_uint_eq(check.at, check.expected->count);
    else
        ck_assert_int_eq(barks_status_code(status), BARKS_LOST);
    barks_status_free(status);
    return is_read;
}

static void write_pieces(struct stored_pieces *pieces)
{
    ck_assert_ptr_null(stored_frames_write(side, SHUFFLE, SLOT, &room, path, TAG, pieces));
    ck_assert_uint_eq(pieces->count, PARTITIONS - 1);
}

static void expect_round_trip(bool on_disk)
{
    uint64_t seed = property_seed();
    struct random random = random_of(seed);
    struct stored_pieces pieces = {0};
    begin(&random, on_disk);
    for (uint32_t p = 0; p < PARTITIONS; p++) /* each has rows but the third */
        if (p != 2 && expected[p].count == 0) {
            end();
            return;
        }
    write_pieces(&pieces);
    for (uint32_t i = 0; i < pieces.count; i++) {
        ck_assert_uint_ne(pieces.all[i].partition, 2);
        ck_assert_uint_eq(pieces.all[i].row_count, expected[pieces.all[i].partition].count);
        ck_assert(read_piece(&pieces.all[i], TAG));
        ck_assert(!read_piece(&pieces.all[i], TAG + 1)); /* of another stage, or job */
    }
    stored_pieces_drop(&pieces);
    end();
}

START_TEST(rows_come_back_in_their_order) { expect_round_trip(false); }
END_TEST
START_TEST(rows_that_had_gone_to_disk_come_back_in_their_order) { expect_round_trip(true); }
END_TEST

/* Every byte in turn is changed: the rows are refused, or, where LZ4 makes the same of it, right.
 */
START_TEST(no_changed_byte_makes_wrong_rows)
{
    struct random random = random_of(1);
    struct stored_pieces pieces = {0};
    uint64_t byte_count = 0, noticed_count = 0;
    begin(&random, false);
    write_pieces(&pieces);
    FILE *file = fopen(path, "r+");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(setvbuf(file, NULL, _IONBF, 0), 0);
    for (uint32_t i = 0; i < pieces.count; i++) {
        const struct stored_piece *piece = &pieces.all[i];
        for (uint64_t at = piece->offset; at < piece->offset + piece->size_bytes; at++) {
            ck_assert_int_eq(fseek(file, (long)at, SEEK_SET), 0);
            int byte = fgetc(file);
            ck_assert_int_eq(fseek(file, (long)at, SEEK_SET), 0);
            ck_assert_int_ne(fputc(byte ^ 0x04, file), EOF);
            byte_count++;
            noticed_count += !read_piece(piece, TAG);
            ck_assert_int_eq(fseek(file, (long)at, SEEK_SET), 0);
            ck_assert_int_ne(fputc(byte, file), EOF);
        }
        ck_assert(read_piece(piece, TAG));
    }
    ck_assert_uint_gt(noticed_count, byte_count - byte_count / 20);
    fclose(file);
    stored_pieces_drop(&pieces);
    end();
}
END_TEST

START_TEST(a_cut_file_is_noticed)
{
    struct random random = random_of(2);
    struct stored_pieces pieces = {0};
    begin(&random, false);
    write_pieces(&pieces);
    const struct stored_piece *last = &pieces.all[pieces.count - 1];
    for (uint64_t bytes = last->size_bytes; bytes-- > 0;) {
        ck_assert_int_eq(truncate(path, (off_t)(last->offset + bytes)), 0);
        ck_assert(!read_piece(last, TAG));
        ck_assert(read_piece(&pieces.all[0], TAG));
    }
    ck_assert_int_eq(unlink(path), 0);
    ck_assert(!read_piece(&pieces.all[0], TAG));
    stored_pieces_drop(&pieces);
    end();
}
END_TEST

START_TEST(a_full_disk_leaves_no_file)
{
    struct random random = random_of(1);
    struct stored_pieces pieces = {0};
    begin(&random, false);
    barks_status *status =
        stored_frames_write(side, SHUFFLE, SLOT, &room, "/nonexistent/frames", TAG, &pieces);
    ck_assert_int_eq(barks_status_code(status), BARKS_IO);
    barks_status_free(status);
    arm_faults("fail:call=write,n=1");
    status = stored_frames_write(side, SHUFFLE, SLOT, &room, path, TAG, &pieces);
    disarm_faults();
    ck_assert_int_eq(barks_status_code(status), BARKS_LIMIT);
    ck_assert_ptr_nonnull(strstr(barks_status_text(status), "No space left on device"));
    barks_status_free(status);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_uint_eq(pieces.count, 0);
    end();
}
END_TEST

SUITE_MAIN("shuffle/stored_frames", rows_come_back_in_their_order,
           rows_that_had_gone_to_disk_come_back_in_their_order, no_changed_byte_makes_wrong_rows,
           a_cut_file_is_noticed, a_full_disk_leaves_no_file)
