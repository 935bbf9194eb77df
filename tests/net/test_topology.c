#include "net/topology.h"
#include "support/property.h"

#include <check.h>

#include <dirent.h>
#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

/* However many executors a node has, its cores are shared out whole, each to one of them. */
START_TEST(every_core_has_exactly_one_owner)
{
    uint64_t seed = property_seed(), random = seed;
    for (int round = 0; round < 500; round++) {
        uint32_t core_count = 1 + (uint32_t)(property_next(&random) % 200);
        uint32_t executor_count = 1 + (uint32_t)(property_next(&random) % core_count);
        uint32_t next = 0;
        for (uint32_t i = 0; i < executor_count; i++) {
            uint32_t first = 0, count = 0;
            topology_share(core_count, executor_count, i, &first, &count);
            ck_assert_msg(first == next && count >= 1,
                          "executor %u of %u on %u cores; BARKS_TEST_SEED=%" PRIu64, i,
                          executor_count, core_count, seed);
            next = first + count;
        }
        ck_assert_uint_eq(next, core_count);
    }
}
END_TEST

START_TEST(more_executors_than_cores_get_one_each)
{
    for (uint32_t i = 0; i < 7; i++) {
        uint32_t first = 99, count = 0;
        topology_share(2, 7, i, &first, &count);
        ck_assert_uint_lt(first, 2);
        ck_assert_uint_eq(count, 1);
    }
}
END_TEST

START_TEST(four_sockets_are_counted_by_cores_not_by_threads)
{
    struct topology *topology = NULL;
    ck_assert_ptr_null(topology_load("pack:4 core:8 pu:2", &topology));
    ck_assert_uint_eq(topology_core_count(topology), 32);
    ck_assert_ptr_null(topology_bind_core(topology, 40));
    topology_destroy(topology);
}
END_TEST

START_TEST(a_description_that_is_none_is_an_error)
{
    struct topology *topology = NULL;
    barks_status *status = topology_load("four sockets, please", &topology);
    ck_assert_int_eq(barks_status_code(status), BARKS_INVALID);
    ck_assert_ptr_null(topology);
    barks_status_free(status);
}
END_TEST

START_TEST(this_machine_has_cores_memory_and_a_name)
{
    struct topology *topology = NULL;
    const char *origin = NULL;
    ck_assert_ptr_null(topology_load(NULL, &topology));
    ck_assert_uint_ge(topology_core_count(topology), 1);
    ck_assert_ptr_null(topology_bind_core(topology, 0));
    ck_assert_ptr_null(topology_unbind(topology));
    ck_assert_uint_le(topology_memory_budget(&origin), topology_memory_bytes());
    ck_assert_ptr_nonnull(strstr(origin, "80 %"));
    ck_assert_uint_eq(topology_node_id(), topology_node_id());
    topology_destroy(topology);
}
END_TEST

START_TEST(slurm_may_give_fewer_cores_than_there_are)
{
    struct topology *topology = NULL;
    ck_assert_int_eq(setenv("SLURM_CPUS_ON_NODE", "5", 1), 0);
    ck_assert_ptr_null(topology_load("pack:4 core:8 pu:2", &topology));
    ck_assert_uint_eq(topology_core_count(topology), 5);
    topology_destroy(topology);
    ck_assert_int_eq(setenv("SLURM_CPUS_ON_NODE", "64", 1), 0); /* it counts threads of cores */
    ck_assert_ptr_null(topology_load("pack:4 core:8 pu:2", &topology));
    ck_assert_uint_eq(topology_core_count(topology), 32);
    topology_destroy(topology);
}
END_TEST

/* Other jobs on the node would choose the same ones. */
START_TEST(a_worker_has_no_core_of_its_own_where_slurm_gave_none)
{
    struct topology *topology = NULL;
    cpu_set_t all, now;
    ck_assert_int_eq(sched_getaffinity(0, sizeof all, &all), 0);
    ck_assert_int_eq(setenv("SLURM_CPUS_ON_NODE", "1", 1), 0);
    ck_assert_ptr_null(topology_load(NULL, &topology));
    ck_assert_uint_eq(topology_core_count(topology), 1);
    ck_assert_ptr_null(topology_bind_core(topology, 0));
    ck_assert_int_eq(sched_getaffinity(0, sizeof now, &now), 0);
    ck_assert(CPU_EQUAL(&all, &now));
    topology_destroy(topology);
}
END_TEST

/* Open MPI tells that the user said something of binding; this process got all the same what its
 * parent has. */
/* All its threads: a sanitizer has one of its own. */
static void bind_process(const cpu_set_t *cores)
{
    DIR *threads = opendir("/proc/self/task");
    ck_assert_ptr_nonnull(threads);
    for (const struct dirent *one = readdir(threads); one != NULL; one = readdir(threads))
        if (one->d_name[0] != '.')
            ck_assert_int_eq(
                sched_setaffinity((pid_t)strtol(one->d_name, NULL, 10), sizeof *cores, cores), 0);
    closedir(threads);
}

START_TEST(a_rank_that_is_bound_to_nothing_is_not_bound)
{
    struct topology *topology = NULL;
    cpu_set_t one;
    ck_assert_int_eq(setenv("OMPI_MCA_hwloc_base_binding_policy", "none", 1), 0);
    ck_assert_int_eq(setenv("OMPI_MCA_rmaps_base_mapping_policy", "node", 1), 0);
    ck_assert_ptr_null(topology_load(NULL, &topology));
    ck_assert(!topology_user_bound(topology));
    uint32_t core_count = topology_core_count(topology);
    topology_destroy(topology);
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    bind_process(&one);
    ck_assert_ptr_null(topology_load(NULL, &topology));
    ck_assert_uint_eq(topology_core_count(topology), 1);
    ck_assert(topology_user_bound(topology) || core_count == 1);
    topology_destroy(topology);
}
END_TEST

SUITE_MAIN("net/topology", every_core_has_exactly_one_owner, more_executors_than_cores_get_one_each,
           four_sockets_are_counted_by_cores_not_by_threads, a_description_that_is_none_is_an_error,
           this_machine_has_cores_memory_and_a_name, slurm_may_give_fewer_cores_than_there_are,
           a_worker_has_no_core_of_its_own_where_slurm_gave_none,
           a_rank_that_is_bound_to_nothing_is_not_bound)
