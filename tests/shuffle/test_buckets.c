#include "base/pool.h"
#include "batch/model.h"
#include "shuffle/buckets.h"
#include "support/property.h"

#include <check.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Rows of any schema, and a partitioner for them. */
struct scene {
    struct model_world world;
    struct batch *rows;
    struct batch *splitters;
    uint32_t keys[4];
    struct sort_key sort_keys[4];
    uint64_t bounds[40];
    struct partitioner partitioner;
};

static int compare_for_sort(const void *a, const void *b, void *context)
{
    const struct scene *scene = context;
    return batch_compare_rows(&scene->rows->base, *(const uint32_t *)a, &scene->rows->base,
                              *(const uint32_t *)b, scene->sort_keys,
                              scene->partitioner.sort_key_count);
}

/* Splitters are rows, so that some rows are equal to one. */
static void choose_splitters(struct scene *scene)
{
    uint32_t count = scene->partitioner.partition_count - 1;
    uint32_t *chosen = calloc((size_t)count + 1, sizeof *chosen);
    ck_assert_ptr_nonnull(chosen);
    for (uint32_t i = 0; i < count; i++)
        chosen[i] = (uint32_t)model_below(&scene->world, scene->rows->base.row_count);
    qsort_r(chosen, count, sizeof *chosen, compare_for_sort, scene);
    ck_assert_ptr_null(
        batch_create(scene->world.pool, scene->rows->base.schema, 16, &scene->splitters));
    ck_assert_ptr_null(batch_gather(scene->splitters, scene->rows, chosen, count, BATCH_COPY));
    scene->partitioner.splitters = scene->splitters;
    free(chosen);
}

/* Bounds ascend from 0, some of them equal, some beyond the last row. */
static void choose_bounds(struct scene *scene)
{
    uint64_t bound = 0;
    for (uint32_t i = 1; i < scene->partitioner.partition_count; i++) {
        bound += model_below(&scene->world, 3) == 0 ? 0 : model_below(&scene->world, 200);
        scene->bounds[i] = bound;
    }
    scene->partitioner.bounds = scene->bounds;
}

static void scene_begin(struct scene *scene, enum partitioner_kind kind, uint32_t row_count)
{
    *scene = (struct scene){0};
    model_world_begin(&scene->world);
    struct model_world *world = &scene->world;
    const barks_schema *schema = model_schema(world, 2);
    struct model model = model_empty(schema);
    model_add_random(world, &model, row_count);
    ck_assert_ptr_null(batch_create(world->pool, schema, 16, &scene->rows));
    ck_assert_ptr_null(model_write(&model, 0, row_count, scene->rows));
    uint32_t key_count = 1 + (uint32_t)model_below(world, 2);
    for (uint32_t i = 0; i < key_count; i++) {
        scene->keys[i] = (uint32_t)model_below(world, schema->field_count);
        scene->sort_keys[i] = (struct sort_key){.column = scene->keys[i],
                                                .descending = model_below(world, 2) == 0,
                                                .nulls_first = model_below(world, 2) == 0};
    }
    scene->partitioner =
        (struct partitioner){.kind = kind,
                             .partition_count = 1 + (uint32_t)model_below(world, 40),
                             .key_columns = scene->keys,
                             .key_count = key_count,
                             .sort_keys = scene->sort_keys,
                             .sort_key_count = key_count,
                             .position = model_below(world, 100)};
    if (kind == PARTITION_RANGE)
        choose_splitters(scene);
    if (kind == PARTITION_PLACE)
        choose_bounds(scene);
    if (kind == PARTITION_ONE)
        scene->partitioner.position %= scene->partitioner.partition_count;
}

static void scene_end(struct scene *scene)
{
    partitioner_drop(&scene->partitioner);
    batch_destroy(scene->rows);
    batch_destroy(scene->splitters);
    model_world_end(&scene->world);
}

/* Of indices [0, n): partition i has those from i * n / p to below (i + 1) * n / p. */
static uint32_t index_partition(const struct scene *scene, uint32_t row)
{
    const struct partitioner *partitioner = &scene->partitioner;
    const int64_t *indices = scene->rows->base.columns[partitioner->key_columns[0]].values;
    const int64_t count = (int64_t)partitioner->index_count, parts = partitioner->partition_count;
    uint32_t partition = 0;
    const int64_t index = indices[row] < 0 ? 0 : indices[row]; /* goes with the first one */
    if (index >= count)
        return partitioner->partition_count - 1;
    while (index >= (partition + 1) * count / parts)
        partition++;
    return partition;
}

/* The partition of one row, as the header words it. */
static uint32_t expected_partition(const struct scene *scene, const uint64_t *hashes, uint32_t row)
{
    const struct partitioner *partitioner = &scene->partitioner;
    uint32_t partition = 0;
    switch (partitioner->kind) {
    case PARTITION_HASH:
        return partition_of_hash(hashes[row], partitioner->partition_count);
    case PARTITION_RANGE:
        for (uint32_t i = 0; i + 1 < partitioner->partition_count; i++)
            partition += batch_compare_rows(&scene->splitters->base, i, &scene->rows->base, row,
                                            scene->sort_keys, partitioner->sort_key_count) <= 0;
        return partition;
    case PARTITION_ROUND_ROBIN:
        return (uint32_t)((partitioner->position + row) % partitioner->partition_count);
    case PARTITION_ONE:
        return (uint32_t)partitioner->position;
    case PARTITION_PLACE:
        while (partition + 1 < partitioner->partition_count &&
               scene->bounds[partition + 1] <= partitioner->position + row)
            partition++;
        return partition;
    case PARTITION_INDEX:
        return index_partition(scene, row);
    case PARTITION_CHOSEN:
    case PARTITION_REPLICATE:
        break;
    }
    abort();
}

static uint32_t *expected_partitions(const struct scene *scene)
{
    uint32_t row_count = scene->rows->base.row_count;
    uint64_t *hashes = calloc((size_t)row_count + 1, sizeof *hashes);
    uint32_t *partitions = calloc((size_t)row_count + 1, sizeof *partitions);
    ck_assert(hashes != NULL && partitions != NULL);
    batch_hash(&scene->rows->base, scene->keys, scene->partitioner.key_count, hashes);
    for (uint32_t row = 0; row < row_count; row++)
        partitions[row] = expected_partition(scene, hashes, row);
    free(hashes);
    return partitions;
}

/* What was emitted, put together again by partition. */
struct emitted {
    struct pool *pool;
    struct batch **partitions; /* partition_count */
    uint32_t partition_count;
    uint64_t frame_count;
    uint64_t rows_max; /* in a frame */
    uint64_t fails_at; /* frame that is refused, from 1; 0: none */
};

static barks_status *take_frame(void *context, uint32_t partition, struct batch *batch)
{
    struct emitted *emitted = context;
    struct batch **to = &emitted->partitions[partition];
    ck_assert_uint_lt(partition, emitted->partition_count);
    ck_assert_uint_gt(batch->base.row_count, 0);
    barks_status *status = batch_validate(batch, false);
    if (batch->base.row_count > emitted->rows_max)
        emitted->rows_max = batch->base.row_count;
    if (*to == NULL && status == NULL)
        status = batch_create(emitted->pool, batch->base.schema, 16, to);
    if (status == NULL)
        status = batch_append(*to, batch, 0, batch->base.row_count, BATCH_COPY);
    batch_destroy(batch);
    if (status == NULL && ++emitted->frame_count == emitted->fails_at)
        status = barks_status_new(BARKS_IO, NULL, BARKS_HERE, "no more");
    return status;
}

static struct emitted emitted_of(struct pool *pool, uint32_t partition_count)
{
    struct emitted emitted = {.pool = pool, .partition_count = partition_count};
    emitted.partitions = calloc(partition_count, sizeof(struct batch *));
    ck_assert_ptr_nonnull(emitted.partitions);
    return emitted;
}

static void emitted_end(struct emitted *emitted)
{
    for (uint32_t i = 0; i < emitted->partition_count; i++)
        batch_destroy(emitted->partitions[i]);
    free(emitted->partitions);
}

/* The rows in batches of any size through buckets. */
BARKS_CHECKED static barks_status *run_buckets(struct scene *scene, struct buckets_options options,
                                               uint32_t batch_rows_max)
{
    struct buckets *buckets = NULL;
    struct batch *part = NULL;
    barks_status *status = buckets_create(&options, &buckets);
    if (status == NULL)
        status = batch_create(options.pool, options.schema, 16, &part);
    uint32_t row_count = scene->rows->base.row_count;
    for (uint32_t first = 0; status == NULL && first < row_count;) {
        uint32_t count = 1 + (uint32_t)model_below(&scene->world, batch_rows_max);
        if (count > row_count - first)
            count = row_count - first;
        batch_clear(part);
        status = batch_append(part, scene->rows, first, count, BATCH_KEEP);
        if (status == NULL)
            status = buckets_add(buckets, part);
        first += count;
    }
    if (status == NULL)
        status = buckets_flush(buckets);
    batch_destroy(part);
    buckets_destroy(buckets);
    return status;
}

static void compare_with_gather(const struct scene *scene, const struct emitted *emitted)
{
    uint32_t row_count = scene->rows->base.row_count;
    uint32_t *partitions = expected_partitions(scene);
    uint32_t *indices = calloc((size_t)row_count + 1, sizeof *indices);
    for (uint32_t i = 0; i < emitted->partition_count; i++) {
        struct batch *expected = NULL;
        uint32_t count = 0;
        for (uint32_t row = 0; row < row_count; row++)
            if (partitions[row] == i)
                indices[count++] = row;
        if (count == 0) {
            ck_assert_ptr_null(emitted->partitions[i]);
            continue;
        }
        ck_assert_ptr_nonnull(emitted->partitions[i]);
        ck_assert_ptr_null(
            batch_create(scene->world.pool, scene->rows->base.schema, count, &expected));
        ck_assert_ptr_null(batch_gather(expected, scene->rows, indices, count, BATCH_COPY));
        ck_assert_msg(batch_equal(&expected->base, &emitted->partitions[i]->base),
                      "partition %" PRIu32 " of %" PRIu32 " differs", i, emitted->partition_count);
        batch_destroy(expected);
    }
    free(indices);
    free(partitions);
}

static void random_rows_through_buckets(enum partitioner_kind kind)
{
    struct scene scene;
    scene_begin(&scene, kind, 2500);
    struct emitted emitted = emitted_of(scene.world.pool, scene.partitioner.partition_count);
    static const uint64_t frame_bytes[] = {1, 1000, 20000, 0};
    struct buckets_options options = {.pool = scene.world.pool,
                                      .schema = scene.rows->base.schema,
                                      .partitioner = scene.partitioner,
                                      .frame_bytes = frame_bytes[model_below(&scene.world, 4)],
                                      .total_bytes = model_below(&scene.world, 2) == 0 ? 10000 : 0,
                                      .strings = model_below(&scene.world, 2) == 0 ? BATCH_KEEP
                                                                                   : BATCH_COPY,
                                      .emit = take_frame,
                                      .context = &emitted};
    ck_assert_ptr_null(run_buckets(&scene, options, 1 + (uint32_t)model_below(&scene.world, 900)));
    compare_with_gather(&scene, &emitted);
    emitted_end(&emitted);
    scene_end(&scene);
}

START_TEST(buckets_give_each_partition_its_rows_in_order)
{
    for (int round = 0; round < 8; round++) {
        random_rows_through_buckets(PARTITION_HASH);
        random_rows_through_buckets(PARTITION_RANGE);
        random_rows_through_buckets(PARTITION_ROUND_ROBIN);
        random_rows_through_buckets(PARTITION_ONE);
        random_rows_through_buckets(PARTITION_PLACE);
    }
}
END_TEST

BARKS_CHECKED static barks_status *apply_to_indices(struct scene *scene, uint32_t *out_found)
{
    static const barks_type number = {.id = BARKS_I64};
    static const barks_field field = {.name = "index", .type = &number};
    static const barks_schema schema = {.field_count = 1, .fields = &field};
    struct batch *rows = NULL;
    BARKS_TRY(batch_create(scene->world.pool, &schema, 300, &rows));
    batch_destroy(scene->rows);
    scene->rows = rows;
    BARKS_TRY(batch_reserve(rows, 300));
    int64_t *indices = rows->base.columns[0].values;
    for (int64_t i = 0; i < 300; i++)
        indices[i] = i - 20;
    rows->base.row_count = 300;
    scene->keys[0] = 0;
    scene->partitioner.index_count = model_below(&scene->world, 300);
    return partitioner_apply(&scene->partitioner, rows, out_found);
}

START_TEST(indices_are_dealt_evenly)
{
    for (int round = 0; round < 60; round++) {
        struct scene scene;
        scene_begin(&scene, PARTITION_INDEX, 10);
        uint32_t found[300];
        ck_assert_ptr_null(apply_to_indices(&scene, found));
        for (uint32_t row = 0; row < 300; row++)
            ck_assert_msg(found[row] == index_partition(&scene, row), "row %" PRIu32, row);
        scene_end(&scene);
    }
}
END_TEST

START_TEST(partitioners_follow_their_definition)
{
    for (int round = 0; round < 60; round++) {
        struct scene scene;
        scene_begin(&scene, (enum partitioner_kind)(round % 3), 200);
        uint32_t found[200];
        uint32_t *expected = expected_partitions(&scene);
        ck_assert_ptr_null(partitioner_apply(&scene.partitioner, scene.rows, found));
        for (uint32_t row = 0; row < 200; row++)
            ck_assert_msg(found[row] == expected[row], "row %" PRIu32, row);
        free(expected);
        scene_end(&scene);
    }
}
END_TEST

START_TEST(every_failure_of_memory_or_emit_is_told_and_leaks_nothing)
{
    for (int round = 0; round < 4; round++) {
        struct scene scene;
        struct pool *pool = NULL;
        scene_begin(&scene, round % 2 == 0 ? PARTITION_HASH : PARTITION_RANGE, 600);
        ck_assert_ptr_null(pool_create(UINT64_C(64) << 20, &pool));
        bool passed = false;
        for (uint64_t n = 1; !passed; n++) {
            struct emitted emitted =
                emitted_of(scene.world.pool, scene.partitioner.partition_count);
            bool fails_emit = round >= 2;
            emitted.fails_at = fails_emit ? n : 0;
            struct buckets_options options = {.pool = pool,
                                              .schema = scene.rows->base.schema,
                                              .partitioner = scene.partitioner,
                                              .frame_bytes = 500,
                                              .strings = BATCH_COPY,
                                              .emit = take_frame,
                                              .context = &emitted};
            pool_fail_after(pool, fails_emit ? 0 : n);
            barks_status *status = run_buckets(&scene, options, 300);
            pool_fail_after(pool, 0);
            passed = status == NULL;
            ck_assert(passed ||
                      barks_status_code(status) == (fails_emit ? BARKS_IO : BARKS_NO_MEMORY));
            barks_status_free(status);
            if (passed)
                compare_with_gather(&scene, &emitted);
            emitted_end(&emitted);
            ck_assert_uint_eq(pool_used_bytes(pool), 0);
        }
        pool_destroy(pool);
        scene_end(&scene);
    }
}
END_TEST

static const barks_type i64_type = {.id = BARKS_I64};
static const barks_field number_fields[] = {{"number", &i64_type, false}};
static const barks_schema number_schema = {1, number_fields};
static const uint32_t first_column = 0;

static barks_status *count_frame(void *context, uint32_t partition, struct batch *batch)
{
    struct emitted *emitted = context;
    emitted->frame_count++;
    if (batch->base.row_count > emitted->rows_max)
        emitted->rows_max = batch->base.row_count;
    ck_assert_uint_lt(partition, emitted->partition_count);
    batch_destroy(batch);
    return NULL;
}

/* Sends numbers 0, 1, ... through buckets. Returns the most memory that was in use. */
static uint64_t run_numbers(uint32_t row_count, struct buckets_options options,
                            struct emitted *emitted)
{
    struct pool *pool = NULL;
    struct buckets *buckets = NULL;
    struct batch *batch = NULL;
    ck_assert_ptr_null(pool_create(UINT64_C(1) << 30, &pool));
    options.pool = pool;
    options.schema = &number_schema;
    options.emit = count_frame;
    options.context = emitted;
    emitted->partition_count = options.partitioner.partition_count;
    ck_assert_ptr_null(batch_create(pool, &number_schema, BATCH_ROWS, &batch));
    ck_assert_ptr_null(buckets_create(&options, &buckets));
    for (uint32_t row = 0; row < row_count; row++) {
        ((int64_t *)batch->base.columns[0].values)[batch->base.row_count++] = row;
        if (batch->base.row_count < BATCH_ROWS && row + 1 < row_count)
            continue;
        ck_assert_ptr_null(buckets_add(buckets, batch));
        batch_clear(batch);
    }
    ck_assert_ptr_null(buckets_flush(buckets));
    batch_destroy(batch);
    buckets_destroy(buckets);
    uint64_t peak_bytes = pool_peak_bytes(pool);
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
    return peak_bytes;
}

START_TEST(few_rows_to_many_partitions_take_little_memory)
{
    struct emitted emitted = {0};
    struct buckets_options options = {.partitioner = {.kind = PARTITION_HASH,
                                                      .partition_count = 4096,
                                                      .key_columns = &first_column,
                                                      .key_count = 1}};
    ck_assert_uint_le(run_numbers(20000, options, &emitted), UINT64_C(1) << 20);
    ck_assert_uint_gt(emitted.frame_count, 4000);
    ck_assert_uint_le(emitted.frame_count, 4096);
}
END_TEST

START_TEST(frames_end_at_their_size_and_all_buckets_at_theirs)
{
    struct emitted emitted = {0};
    struct buckets_options options = {.partitioner = {.kind = PARTITION_HASH,
                                                      .partition_count = 2,
                                                      .key_columns = &first_column,
                                                      .key_count = 1},
                                      .frame_bytes = 80000};
    run_numbers(100000, options, &emitted);
    ck_assert_uint_ge(emitted.frame_count, 12);
    ck_assert_uint_le(emitted.frame_count, 14);
    ck_assert_uint_eq(emitted.rows_max,
                      8192); /* the power of two of which 80000 bytes are enough */

    emitted = (struct emitted){0};
    options.partitioner.partition_count = 64;
    options.total_bytes = 64 << 10;
    ck_assert_uint_le(run_numbers(100000, options, &emitted), UINT64_C(2) << 20);
    ck_assert_uint_ge(emitted.frame_count, 64 * 10);
}
END_TEST

static const barks_type str_type = {.id = BARKS_STR};
static const barks_type list_type = {.id = BARKS_LIST, .item = &str_type};
static const barks_field list_fields[] = {{"text", &str_type, false}, {"list", &list_type, false}};
static const barks_schema list_schema = {2, list_fields};
enum { LONG_ROWS = 60, LONG_BYTES = 1000, LIST_BYTES = LONG_BYTES + 2 * (sizeof(barks_str) + 8) };

/* One batch of rows through one bucket: each has either a text of LONG_BYTES or, every third, a
 * list of two halves of it. */
static barks_status *run_long_rows(uint64_t row_bytes_max, struct emitted *emitted)
{
    static char bytes[LONG_BYTES];
    struct pool *pool = NULL;
    struct batch *batch = NULL;
    struct buckets *buckets = NULL;
    ck_assert_ptr_null(pool_create(UINT64_C(64) << 20, &pool));
    ck_assert_ptr_null(batch_create(pool, &list_schema, LONG_ROWS, &batch));
    barks_column *texts = &batch->base.columns[0], *lists = &batch->base.columns[1];
    ck_assert_ptr_null(column_reserve_items(batch, lists, 2 * LONG_ROWS));
    for (uint32_t row = 0; row < LONG_ROWS; row++) {
        bool is_list = row % 3 == 2;
        ((barks_str *)texts->values)[row] = barks_str_of(bytes, is_list ? 0 : LONG_BYTES);
        ((barks_list_slice *)lists->values)[row] =
            (barks_list_slice){.offset = lists->item_count, .length = is_list ? 2 : 0};
        for (int i = 0; is_list && i < 2; i++)
            ((barks_str *)lists->children[0].values)[lists->item_count++] =
                barks_str_of(bytes, LONG_BYTES / 2);
    }
    batch->base.row_count = LONG_ROWS;
    struct buckets_options options = {
        .pool = pool,
        .schema = &list_schema,
        .partitioner = {.kind = PARTITION_ROUND_ROBIN, .partition_count = 1},
        .frame_bytes = 5L * LONG_BYTES,
        .row_bytes_max = row_bytes_max,
        .emit = count_frame,
        .context = emitted};
    *emitted = (struct emitted){.partition_count = 1};
    ck_assert_ptr_null(buckets_create(&options, &buckets));
    barks_status *status = buckets_add(buckets, batch);
    if (status == NULL)
        status = buckets_flush(buckets);
    buckets_destroy(buckets);
    batch_destroy(batch);
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
    return status;
}

START_TEST(a_batch_of_many_bytes_for_one_partition_becomes_many_frames)
{
    struct emitted emitted;
    ck_assert_ptr_null(run_long_rows(0, &emitted));
    ck_assert_uint_eq(emitted.rows_max, 5);
    ck_assert_uint_eq(emitted.frame_count, LONG_ROWS / 5);
}
END_TEST

START_TEST(a_row_above_the_limit_is_refused_in_words)
{
    struct emitted emitted;
    ck_assert_ptr_null(run_long_rows(LIST_BYTES, &emitted));
    barks_status *status = run_long_rows(LONG_BYTES - 1, &emitted);
    ck_assert_int_eq(barks_status_code(status), BARKS_LIMIT);
    ck_assert_str_eq(barks_status_text(status),
                     "a row's strings and lists have 1000 bytes, and those of a row that is "
                     "exchanged may have 999: cut it into several, or leave its bytes in a file "
                     "and exchange the name");
    barks_status_free(status);
    status = run_long_rows(LIST_BYTES - 1, &emitted); /* below it are texts, and above it lists */
    ck_assert_int_eq(barks_status_code(status), BARKS_LIMIT);
    barks_status_free(status);
    ck_assert_uint_eq(emitted.frame_count, 0);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
    struct scene scene;
    scene_begin(&scene, PARTITION_RANGE, 10);
    uint32_t found[10];
    struct partitioner wrong[] = {scene.partitioner, scene.partitioner, scene.partitioner};
    wrong[0].partition_count = 0;
    wrong[1].partition_count += 2;
    wrong[2].partition_count = 3;
    wrong[2].sort_key_count = 0;
    for (int i = 0; i < 3; i++) {
        barks_status *status = partitioner_apply(&wrong[i], scene.rows, found);
        ck_assert_msg(status != NULL && barks_status_code(status) == BARKS_INVALID, "%d", i);
        barks_status_free(status);
        partitioner_drop(&wrong[i]);
    }
    struct buckets *buckets = NULL;
    struct buckets_options options = {.pool = scene.world.pool, .schema = scene.rows->base.schema};
    barks_status *status = buckets_create(&options, &buckets);
    ck_assert_ptr_nonnull(status);
    barks_status_free(status);
    scene_end(&scene);
}
END_TEST

SUITE_MAIN("shuffle/buckets", buckets_give_each_partition_its_rows_in_order,
           partitioners_follow_their_definition, indices_are_dealt_evenly,
           every_failure_of_memory_or_emit_is_told_and_leaks_nothing,
           few_rows_to_many_partitions_take_little_memory,
           frames_end_at_their_size_and_all_buckets_at_theirs,
           a_batch_of_many_bytes_for_one_partition_becomes_many_frames,
           a_row_above_the_limit_is_refused_in_words, what_makes_no_sense_is_refused)
