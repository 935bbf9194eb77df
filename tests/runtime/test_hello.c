#include "base/config.h"
#include "runtime/hello.h"
#include "support/property.h"

#include <check.h>

#include <string.h>

static char version[] = "0.1.0", host_a[] = "node-a", host_b[] = "node-b",
            origin[] = "80 % of physical memory";

static struct hello hello_on(char *host, uint64_t node_id)
{
    return (struct hello){.protocol = 1,
                          .version = version,
                          .binary_hash = 17,
                          .host = host,
                          .node_id = node_id,
                          .core_count = 8,
                          .memory_bytes = UINT64_C(8) << 30,
                          .memory_origin = origin};
}

static void expect(barks_status *status, const char *words)
{
    ck_assert_int_eq(barks_status_code(status), BARKS_INVALID);
    ck_assert_msg(strstr(barks_status_text(status), words) != NULL, "'%s' lacks '%s'",
                  barks_status_text(status), words);
    barks_status_free(status);
}

START_TEST(ranks_that_differ_are_named_in_one_sentence)
{
    struct hello driver = hello_on(host_a, 1);
    struct hello executors[] = {hello_on(host_a, 1), hello_on(host_b, 2)};
    char other_version[] = "0.0.9", problem[] = "two functions are named 'f'";
    ck_assert_ptr_null(hello_check(&driver, executors, 2));
    executors[1].binary_hash = 18;
    expect(hello_check(&driver, executors, 2),
           "rank 2 on node-b runs another program than the driver on node-a");
    executors[1].version = other_version;
    expect(hello_check(&driver, executors, 2), "rank 2 on node-b runs barks 0.0.9");
    executors[1] = hello_on(host_b, 2);
    executors[1].problem = problem;
    expect(hello_check(&driver, executors, 2), "rank 2 on node-b: two functions are named 'f'");
}
END_TEST

START_TEST(cores_and_memory_are_shared_by_the_executors_of_a_node)
{
    struct hello executors[] = {hello_on(host_a, 1), hello_on(host_b, 2), hello_on(host_a, 1),
                                hello_on(host_a, 1)};
    static struct welcome welcomes[4]; /* too large for a frame */
    struct config config = {0};
    ck_assert_ptr_null(config_init(&config));
    ck_assert_ptr_null(hello_share(executors, 4, 0, &config, welcomes));
    ck_assert(welcomes[1].first_core == 0 && welcomes[1].worker_count == 8);
    ck_assert(welcomes[0].first_core == 0 && welcomes[0].worker_count == 3);
    ck_assert(welcomes[2].first_core == 3 && welcomes[2].worker_count == 3);
    ck_assert(welcomes[3].first_core == 6 && welcomes[3].worker_count == 2);
    ck_assert_uint_eq(welcomes[0].memory_bytes, (UINT64_C(8) << 30) / 3);
    ck_assert_uint_eq(welcomes[1].memory_bytes, UINT64_C(8) << 30);
    executors[2].user_bound = true; /* its own binding is kept */
    ck_assert_ptr_null(hello_share(executors, 4, 0, &config, welcomes));
    ck_assert_uint_eq(welcomes[2].worker_count, 8);
    config_drop(&config);
}
END_TEST

START_TEST(spares_share_cores_with_others_but_no_memory)
{
    struct hello executors[] = {hello_on(host_a, 1), hello_on(host_a, 1), hello_on(host_a, 1),
                                hello_on(host_b, 2)};
    static struct welcome welcomes[4];
    struct config config = {0};
    ck_assert_ptr_null(config_init(&config));
    ck_assert_ptr_null(hello_share(executors, 4, 2, &config, welcomes));
    ck_assert(welcomes[0].first_core == 0 && welcomes[0].worker_count == 4);
    ck_assert(welcomes[1].first_core == 4 && welcomes[1].worker_count == 4);
    ck_assert(welcomes[2].first_core == 0 && welcomes[2].worker_count == 4);
    ck_assert(welcomes[3].first_core == 0 && welcomes[3].worker_count == 8);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(welcomes[i].memory_bytes, (UINT64_C(8) << 30) / 3);
    config_drop(&config);
}
END_TEST

START_TEST(the_configuration_has_the_last_word)
{
    struct hello executors[] = {hello_on(host_a, 1), hello_on(host_a, 1)};
    struct welcome welcomes[2] = {0};
    struct config config = {0};
    ck_assert_ptr_null(config_init(&config));
    ck_assert_ptr_null(config_set(&config, CONFIG_WORKERS, "3", "test"));
    ck_assert_ptr_null(config_set(&config, CONFIG_MEMORY, "100m", "test"));
    ck_assert_ptr_null(hello_share(executors, 2, 0, &config, welcomes));
    ck_assert(welcomes[0].worker_count == 3 && welcomes[1].worker_count == 3);
    ck_assert_uint_eq(welcomes[0].memory_bytes, 100 << 20);
    ck_assert_ptr_null(config_set(&config, CONFIG_MEMORY, "1m", "test"));
    barks_status *status = hello_share(executors, 2, 0, &config, welcomes);
    ck_assert_int_eq(barks_status_code(status), BARKS_LIMIT);
    ck_assert_ptr_nonnull(strstr(barks_status_text(status), "--barks-memory"));
    barks_status_free(status);
    config_drop(&config);
}
END_TEST

SUITE_MAIN("runtime/hello", ranks_that_differ_are_named_in_one_sentence,
           cores_and_memory_are_shared_by_the_executors_of_a_node,
           spares_share_cores_with_others_but_no_memory, the_configuration_has_the_last_word)
