#include "base/slurm.h"
#include "support/property.h"

#include <check.h>

#include <stdlib.h>
#include <string.h>

/* Replaces all that the environment says of Slurm; each is "NAME=value". */
static void environment(const char *const *lines, size_t count)
{
    static const char *const names[] = {
        "SLURM_CPUS_ON_NODE", "SLURM_JOB_CPUS_PER_NODE", "SLURM_NODEID",       "SLURM_MEM_PER_NODE",
        "SLURM_MEM_PER_CPU",  "SLURM_JOB_END_TIME",      "SLURM_RESTART_COUNT"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    for (size_t i = 0; i < count; i++) {
        char name[64] = "";
        const char *equals = strchr(lines[i], '=');
        memcpy(name, lines[i], (size_t)(equals - lines[i]));
        ck_assert_int_eq(setenv(name, equals + 1, 1), 0);
    }
}
#define ENVIRONMENT(...)                                                                           \
    environment((const char *const[]){__VA_ARGS__},                                                \
                sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void expect(uint32_t cores, uint64_t mebibytes, uint64_t end_time, uint32_t restarts)
{
    struct slurm_allocation found = slurm_allocation();
    ck_assert_uint_eq(found.core_count, cores);
    ck_assert_uint_eq(found.memory_bytes, mebibytes << 20);
    ck_assert_uint_eq(found.end_time, end_time);
    ck_assert_uint_eq(found.restart_count, restarts);
}

START_TEST(without_slurm_nothing_is_known)
{
    environment(NULL, 0);
    expect(0, 0, 0, 0);
}
END_TEST

/* Recorded under Slurm 22.05 with -N 2 --ntasks-per-node=1 --cpus-per-task=2 --mem=200. */
START_TEST(a_rank_under_mpirun_knows_its_share_of_the_node)
{
    ENVIRONMENT("SLURM_CPUS_ON_NODE=2", "SLURM_JOB_CPUS_PER_NODE=2(x2)", "SLURM_NODEID=1",
                "SLURM_MEM_PER_NODE=200");
    expect(2, 200, 0, 0);
}
END_TEST

START_TEST(memory_for_each_core_is_that_of_all_its_cores)
{
    ENVIRONMENT("SLURM_CPUS_ON_NODE=8", "SLURM_MEM_PER_CPU=1024");
    expect(8, 8192, 0, 0);
    ENVIRONMENT("SLURM_MEM_PER_CPU=1024");
    expect(0, 1024, 0, 0);
}
END_TEST

START_TEST(a_list_of_nodes_is_read_where_the_node_itself_says_nothing)
{
    static const uint32_t expected[] = {16, 16, 4, 8, 8, 8, 0};
    for (uint32_t node = 0; node < 7; node++) {
        char id[] = "SLURM_NODEID=0";
        id[sizeof id - 2] = (char)('0' + node);
        ENVIRONMENT("SLURM_JOB_CPUS_PER_NODE=16(x2),4,8(x3)", id);
        expect(expected[node], 0, 0, 0);
    }
    /* As under salloc, on a node that may be none of the job's. */
    ENVIRONMENT("SLURM_JOB_CPUS_PER_NODE=16(x2)");
    expect(0, 0, 0, 0);
}
END_TEST

START_TEST(the_end_and_restarts_are_told)
{
    ENVIRONMENT("SLURM_JOB_END_TIME=1795933325", "SLURM_RESTART_COUNT=3");
    expect(0, 0, 1795933325, 3);
}
END_TEST

START_TEST(what_is_no_number_says_nothing)
{
    ENVIRONMENT("SLURM_CPUS_ON_NODE=-1", "SLURM_JOB_CPUS_PER_NODE=4(y2),", "SLURM_NODEID=1",
                "SLURM_MEM_PER_NODE=12x", "SLURM_JOB_END_TIME=99999999999999999999999",
                "SLURM_RESTART_COUNT=");
    expect(0, 0, 0, 0);
    ENVIRONMENT("SLURM_MEM_PER_NODE=18446744073709551615", "SLURM_CPUS_ON_NODE=4294967296");
    expect(0, 0, 0, 0);
}
END_TEST

SUITE_MAIN("base/slurm", without_slurm_nothing_is_known,
           a_rank_under_mpirun_knows_its_share_of_the_node,
           memory_for_each_core_is_that_of_all_its_cores,
           a_list_of_nodes_is_read_where_the_node_itself_says_nothing,
           the_end_and_restarts_are_told, what_is_no_number_says_nothing)
