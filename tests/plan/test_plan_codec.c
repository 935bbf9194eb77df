/* Plans of real lineages travel as bytes and come back the same. */
#include "base/pool.h"
#include "base/scope.h"
#include "exec/registry.h"
#include "plan/plan_codec.h"
#include "plan/stage_cut.h"
#include "support/property.h"

#include <check.h>

#undef fail

#include "barks/record.h"

#include <stdlib.h>
#include <string.h>

BARKS_RECORD(plan_row, (i64, key), (str, text));
struct plan_env {
    int64_t added;
};
BARKS_MAP(plan_map, plan_row, plan_row, struct plan_env)
{
    *out = *in;
    out->key += env->added;
}
BARKS_REDUCE(plan_reduce, plan_row) { acc->key += in->key; }

static struct pool *pool;
static struct node nodes[7];
static struct node *inputs[7][2];
static struct sort_key by_key[] = {{.column = 0, .descending = true}};
static uint32_t text_key[] = {1};
static struct plan_env env = {42};

static struct node *add(uint32_t id, enum step_kind kind, struct node *a, struct node *b)
{
    struct node *node = &nodes[id];
    *node = (struct node){.step.kind = kind,
                          .id = id,
                          .where = "job.c:7",
                          .record = &barks_record_plan_row,
                          .inputs = inputs[id],
                          .partition_count = 3};
    inputs[id][0] = a;
    inputs[id][1] = b;
    node->input_count = (uint32_t)(a != NULL) + (uint32_t)(b != NULL);
    return node;
}

/* union(map(rows), rows) -> reduce by text -> sort by key */
static struct node *make_lineage(void)
{
    ck_assert_ptr_null(registry_freeze());
    ck_assert_ptr_null(pool_create(64 << 20, &pool));
    struct node *source = add(0, STEP_ROWS, NULL, NULL);
    ck_assert_ptr_null(batch_create(pool, &barks_record_plan_row.schema, 4, &source->rows));
    struct node *mapped = add(1, STEP_FUNCTION, source, NULL);
    mapped->step.function = &plan_map.function;
    mapped->step.env = &env;
    struct node *both = add(2, STEP_UNION, mapped, source);
    both->partition_count = 6;
    struct node *combined = add(3, STEP_EXCHANGE, both, NULL);
    combined->exchange =
        (struct exchange_plan){.kind = PARTITION_HASH,
                               .keys = {.items = text_key, .count = 1},
                               .step = {.kind = STEP_COMBINE,
                                        .function = &plan_reduce.function,
                                        .keys[0] = {.items = text_key, .count = 1}}};
    struct node *reduced = add(4, STEP_COMBINE, combined, NULL);
    reduced->step.function = &plan_reduce.function;
    reduced->step.keys[0] = (struct index_list){.items = text_key, .count = 1};
    struct node *ranged = add(5, STEP_EXCHANGE, reduced, NULL);
    ranged->exchange =
        (struct exchange_plan){.kind = PARTITION_RANGE, .order = by_key, .order_count = 1};
    ck_assert_ptr_null(
        batch_create(pool, &barks_record_plan_row.schema, 4, &ranged->exchange.splitters));
    struct node *sorted = add(6, STEP_SORT, ranged, NULL);
    sorted->step.order = by_key;
    sorted->step.order_count = 1;
    return sorted;
}

static void drop_lineage(void)
{
    batch_destroy(nodes[0].rows);
    batch_destroy(nodes[5].exchange.splitters);
    ck_assert_uint_eq(pool_used_bytes(pool), 0);
    pool_destroy(pool);
}

static void cut(struct node *node, struct job_plan *plan)
{
    uint64_t next_id = 1;
    struct terminal terminal = {.kind = TERMINAL_COLLECT, .limit = 10};
    struct cut_options options = {.terminal = &terminal, .node_count = 7, .next_id = &next_id};
    ck_assert_ptr_null(stage_cut(node, &options, plan));
}

START_TEST(a_lineage_is_cut_at_its_exchanges)
{
    struct job_plan plan = {0};
    cut(make_lineage(), &plan);
    ck_assert_uint_eq(plan.stage_count, 3);
    ck_assert_uint_eq(pipeline_partition_count(plan.stages[0].pipeline), 6);
    ck_assert_uint_eq(plan.stages[0].input_count, 0);
    ck_assert(terminal_combines(&plan.stages[0].pipeline->terminal));
    ck_assert_uint_eq(plan.stages[1].input_count, 1);
    ck_assert_uint_eq(plan.stages[1].inputs[0].parent, 0);
    ck_assert_uint_eq(plan.stages[2].inputs[0].parent, 1);
    ck_assert_int_eq(plan.stages[2].pipeline->terminal.kind, TERMINAL_COLLECT);
    /* The source is read by two ways: nothing may be freed while it is read. */
    ck_assert(!plan.stages[1].pipeline->nodes[0].is_only_reader);
    job_plan_drop(&plan);
    drop_lineage();
}
END_TEST

static barks_status *count_leaf(void *context, struct pipe_place leaf)
{
    struct pipe_place *found = context;
    ck_assert_uint_eq(found->node, UINT32_MAX);
    *found = leaf;
    return NULL;
}

START_TEST(partitions_of_a_union_find_their_leaf)
{
    struct job_plan plan = {0};
    cut(make_lineage(), &plan);
    const struct pipeline *pipeline = plan.stages[0].pipeline;
    for (uint32_t p = 0; p < 6; p++) {
        struct pipe_place leaf = {.node = UINT32_MAX}, source = {0};
        struct pipe_place root = pipeline_root(pipeline, p);
        ck_assert_ptr_null(pipeline_visit_leaves(pipeline, root, count_leaf, &leaf));
        ck_assert_uint_eq(leaf.partition, p % 3);
        ck_assert_int_eq(pipeline->nodes[leaf.node].step.kind, STEP_ROWS);
        ck_assert(pipeline_source(pipeline, root, 0, &source));
        ck_assert_int_eq(pipeline->nodes[source.node].step.kind, p < 3 ? STEP_FUNCTION : STEP_ROWS);
        ck_assert(!pipeline_source(pipeline, root, 1, &source));
    }
    job_plan_drop(&plan);
    drop_lineage();
}
END_TEST

static void give_owners(struct pipeline *pipeline)
{
    struct terminal *terminal = &pipeline->terminal;
    if (terminal->kind == TERMINAL_SHUFFLE) {
        terminal->owners = calloc((size_t)terminal->partition_count + 1, sizeof *terminal->owners);
        ck_assert_ptr_nonnull(terminal->owners);
    }
}

START_TEST(plans_come_back_the_same_and_truncated_ones_are_refused)
{
    struct job_plan plan = {0};
    cut(make_lineage(), &plan);
    for (uint32_t i = 0; i < plan.stage_count; i++) {
        BARKS_AUTO(packer) bytes = {0};
        BARKS_AUTO(packer) again = {0};
        struct pipeline *pipeline = NULL;
        give_owners(plan.stages[i].pipeline);
        ck_assert_ptr_null(pipeline_pack(plan.stages[i].pipeline, &bytes));
        BARKS_AUTO(unpacker) in;
        unpacker_init(&in, bytes.bytes.data, bytes.bytes.size);
        ck_assert_ptr_null(pipeline_unpack(&in, pool, &pipeline));
        ck_assert_ptr_null(pipeline_check(pipeline));
        ck_assert_ptr_null(pipeline_pack(pipeline, &again));
        ck_assert(bytes.bytes.size == again.bytes.size &&
                  memcmp(bytes.bytes.data, again.bytes.data, again.bytes.size) == 0);
        pipeline_destroy(pipeline);
        for (size_t length = 0; length < bytes.bytes.size; length++) {
            BARKS_AUTO(unpacker) cut_short;
            struct pipeline *none = NULL;
            unpacker_init(&cut_short, bytes.bytes.data, length);
            barks_status *status = pipeline_unpack(&cut_short, pool, &none);
            ck_assert(status != NULL && none == NULL);
            barks_status_free(status);
        }
    }
    job_plan_drop(&plan);
    drop_lineage();
}
END_TEST

/* A pipeline with the terminal, packed and read: what is said of it. */
static barks_status *reread(const struct pipeline *pipeline, struct pipeline **out)
{
    BARKS_AUTO(packer) bytes = {0};
    BARKS_AUTO(unpacker) in;
    ck_assert_ptr_null(pipeline_pack(pipeline, &bytes));
    unpacker_init(&in, bytes.bytes.data, bytes.bytes.size);
    return pipeline_unpack(&in, pool, out);
}

START_TEST(filters_of_joins_travel_and_only_those_that_can_be)
{
    struct job_plan plan = {0};
    cut(make_lineage(), &plan);
    struct pipeline *sent = plan.stages[0].pipeline, *got = NULL;
    struct terminal *terminal = &sent->terminal;
    give_owners(sent);
    terminal->filter_role = FILTER_TESTS;
    ck_assert_ptr_null(key_filter_init(&terminal->filter, KEY_FILTER_LOG2_MIN));
    ck_assert(key_filter_add(&terminal->filter, UINT64_C(0x123456789abcdef)));
    terminal->filter.ranges = (struct key_ranges){.count = 1, .all = {{true, false, 3, 9}}};
    ck_assert_ptr_null(reread(sent, &got));
    ck_assert_int_eq(got->terminal.filter_role, FILTER_TESTS);
    ck_assert_mem_eq(got->terminal.filter.words, terminal->filter.words,
                     key_filter_bytes(KEY_FILTER_LOG2_MIN));
    ck_assert_int_eq(got->terminal.filter.ranges.all[0].high, 9);
    pipeline_destroy(got);
    for (int wrong = 0; wrong < 4; wrong++) {
        struct terminal right = *terminal;
        if (wrong == 0)
            terminal->filter.ranges.count = terminal->key_count + 1;
        else if (wrong == 1)
            terminal->filter_role = (enum filter_role)3;
        else if (wrong == 2)
            terminal->partitioner = PARTITION_ROUND_ROBIN;
        else
            terminal->filter_role = FILTER_COLLECTS; /* for a filter of no words */
        barks_status *status = reread(sent, &got);
        ck_assert_ptr_nonnull(status);
        ck_assert_int_eq(barks_status_code(status), BARKS_BAD_INPUT);
        ck_assert_str_eq(barks_status_text(status),
                         "a plan leaves out rows of a join as it cannot be done");
        barks_status_free(status);
        *terminal = right;
    }
    job_plan_drop(&plan);
    drop_lineage();
}
END_TEST

START_TEST(a_function_that_this_rank_lacks_is_named)
{
    struct job_plan plan = {0};
    cut(make_lineage(), &plan);
    BARKS_AUTO(packer) bytes = {0};
    give_owners(plan.stages[0].pipeline);
    ck_assert_ptr_null(pipeline_pack(plan.stages[0].pipeline, &bytes));
    char *name = memmem(bytes.bytes.data, bytes.bytes.size, "plan_map", 8);
    ck_assert_ptr_nonnull(name);
    memcpy(name, "plan_mop", 8);
    BARKS_AUTO(unpacker) in;
    struct pipeline *pipeline = NULL;
    unpacker_init(&in, bytes.bytes.data, bytes.bytes.size);
    barks_status *status = pipeline_unpack(&in, pool, &pipeline);
    ck_assert_int_eq(barks_status_code(status), BARKS_INVALID);
    ck_assert_ptr_nonnull(strstr(barks_status_text(status), "plan_mop"));
    ck_assert_ptr_nonnull(strstr(barks_status_text(status), "plan_map"));
    barks_status_free(status);
    job_plan_drop(&plan);
    drop_lineage();
}
END_TEST

SUITE_MAIN("plan/plan_codec", a_lineage_is_cut_at_its_exchanges,
           partitions_of_a_union_find_their_leaf,
           plans_come_back_the_same_and_truncated_ones_are_refused,
           filters_of_joins_travel_and_only_those_that_can_be,
           a_function_that_this_rank_lacks_is_named)
