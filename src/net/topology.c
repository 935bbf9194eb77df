#include "net/topology.h"

#include "base/hash.h"
#include "base/slurm.h"

#include <hwloc.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct topology {
    hwloc_topology_t machine;
    hwloc_bitmap_t allowed; /* logical processors that the job may use here */
    hwloc_bitmap_t *cores;  /* of each allowed core, its allowed processors; owned */
    uint32_t core_count;
    bool user_bound;
    bool is_synthetic; /* threads cannot be bound to it */
};

/* Whether Open MPI 4.1 tells this rank that the user said where ranks go (none of these is set
 * otherwise), and the rank has got less than its parent for it: "--bind-to none" and "--map-by
 * node" bind nothing. */
static bool user_chose_binding(hwloc_topology_t machine)
{
    if (getenv("OMPI_MCA_hwloc_base_binding_policy") == NULL &&
        getenv("OMPI_MCA_rmaps_base_mapping_policy") == NULL &&
        getenv("OMPI_MCA_hwloc_base_cpu_set") == NULL)
        return false;
    hwloc_bitmap_t own = hwloc_bitmap_alloc(), parent = hwloc_bitmap_alloc();
    bool is_bound =
        own == NULL || parent == NULL ||
        hwloc_get_cpubind(machine, own, HWLOC_CPUBIND_PROCESS) != 0 ||
        hwloc_get_proc_cpubind(machine, getppid(), parent, HWLOC_CPUBIND_PROCESS) != 0 ||
        !hwloc_bitmap_isequal(own, parent);
    hwloc_bitmap_free(own);
    hwloc_bitmap_free(parent);
    return is_bound;
}

/* The process's own binding, or under mpirun that of its parent: mpirun's default binds a rank to
 * one core, which nobody asked for. */
static int read_affinity(const struct topology *topology, hwloc_bitmap_t set)
{
    if (getenv("OMPI_COMM_WORLD_RANK") == NULL || topology->user_bound)
        return hwloc_get_cpubind(topology->machine, set, HWLOC_CPUBIND_PROCESS);
    return hwloc_get_proc_cpubind(topology->machine, getppid(), set, HWLOC_CPUBIND_PROCESS);
}

BARKS_CHECKED static barks_status *find_allowed(struct topology *topology)
{
    topology->allowed = hwloc_bitmap_dup(hwloc_topology_get_allowed_cpuset(topology->machine));
    hwloc_bitmap_t affinity = hwloc_bitmap_alloc();
    if (topology->allowed == NULL || affinity == NULL) {
        hwloc_bitmap_free(affinity);
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the cores of this node");
    }
    if (!topology->is_synthetic && read_affinity(topology, affinity) == 0 &&
        hwloc_bitmap_intersects(topology->allowed, affinity))
        hwloc_bitmap_and(topology->allowed, topology->allowed, affinity);
    hwloc_bitmap_free(affinity);
    return NULL;
}

/* Slurm has given the job fewer cores of this node than it may run on, and does not hold it to any
 * of them: as many workers as it gave, but on no core of their own, since other jobs here would
 * choose the same ones. */
static void limit_cores(struct topology *topology, uint32_t given)
{
    for (uint32_t i = given; i < topology->core_count; i++)
        hwloc_bitmap_free(topology->cores[i]);
    topology->core_count = given;
    for (uint32_t i = 0; i < given; i++)
        hwloc_bitmap_copy(topology->cores[i], topology->allowed);
}

/* A core counts when one of its processors is allowed; a machine that shows no cores has processors
 * instead. */
BARKS_CHECKED static barks_status *find_cores(struct topology *topology)
{
    hwloc_obj_type_t type = hwloc_get_nbobjs_by_type(topology->machine, HWLOC_OBJ_CORE) > 0
                                ? HWLOC_OBJ_CORE
                                : HWLOC_OBJ_PU;
    int object_count = hwloc_get_nbobjs_by_type(topology->machine, type);
    uint32_t given = slurm_allocation().core_count;
    topology->cores =
        calloc((size_t)(object_count > 0 ? object_count : 1), sizeof *topology->cores);
    if (topology->cores == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %d cores", object_count);
    for (int i = 0; i < object_count; i++) {
        hwloc_obj_t core = hwloc_get_obj_by_type(topology->machine, type, (unsigned)i);
        if (core == NULL || !hwloc_bitmap_intersects(core->cpuset, topology->allowed))
            continue;
        hwloc_bitmap_t set = hwloc_bitmap_dup(core->cpuset);
        if (set == NULL)
            BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %d cores", object_count);
        hwloc_bitmap_and(set, set, topology->allowed);
        topology->cores[topology->core_count++] = set;
    }
    if (topology->core_count == 0)
        BARKS_FAIL(
            BARKS_INVALID,
            "this process may not use any core of its node; look at its cpuset and `taskset -p`");
    if (given > 0 && given < topology->core_count && !topology->user_bound)
        limit_cores(topology, given);
    return NULL;
}

BARKS_CHECKED static barks_status *load(struct topology *topology, const char *synthetic)
{
    if (hwloc_topology_init(&topology->machine) != 0) {
        topology->machine = NULL;
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the topology of this node");
    }
    if (synthetic != NULL && hwloc_topology_set_synthetic(topology->machine, synthetic) != 0)
        BARKS_FAIL(BARKS_INVALID, "'%s' is no synthetic topology of hwloc", synthetic);
    if (hwloc_topology_load(topology->machine) != 0)
        BARKS_FAIL(BARKS_IO, "hwloc cannot read the topology of this node: %s",
                   strerrordesc_np(errno));
    topology->user_bound = synthetic == NULL && user_chose_binding(topology->machine);
    BARKS_TRY(find_allowed(topology));
    return find_cores(topology);
}

barks_status *topology_load(const char *synthetic, struct topology **out_topology)
{
    struct topology *topology = calloc(1, sizeof *topology);
    if (topology == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the topology of this node");
    topology->is_synthetic = synthetic != NULL;
    barks_status *status = load(topology, synthetic);
    if (status != NULL) {
        topology_destroy(topology);
        return status;
    }
    *out_topology = topology;
    return NULL;
}

void topology_destroy(struct topology *topology)
{
    if (topology == NULL)
        return;
    for (uint32_t i = 0; i < topology->core_count; i++)
        hwloc_bitmap_free(topology->cores[i]);
    free(topology->cores);
    hwloc_bitmap_free(topology->allowed);
    if (topology->machine != NULL)
        hwloc_topology_destroy(topology->machine);
    free(topology);
}

uint32_t topology_core_count(const struct topology *topology) { return topology->core_count; }
bool topology_user_bound(const struct topology *topology) { return topology->user_bound; }

uint64_t topology_node_id(void)
{
    char name[320] = "";
    size_t length = 0;
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (file != NULL) {
        length = fread(name, 1, 64, file);
        fclose(file);
    }
    /* Containers and network namespaces share the boot and may be told apart by their names. */
    if (gethostname(name + length, sizeof name - length - 1) == 0)
        length += strlen(name + length);
    return hash_bytes(name, length);
}

void topology_share(uint32_t core_count, uint32_t executor_count, uint32_t index,
                    uint32_t *out_first, uint32_t *out_count)
{
    if (executor_count >= core_count) {
        *out_first = index % core_count;
        *out_count = 1;
        return;
    }
    uint32_t each = core_count / executor_count, more = core_count % executor_count;
    *out_first = index * each + (index < more ? index : more);
    *out_count = each + (index < more ? 1 : 0);
}

/* ---- binding ---- */

BARKS_CHECKED static barks_status *bind_thread(const struct topology *topology,
                                               hwloc_const_bitmap_t set)
{
    if (topology->is_synthetic)
        return NULL;
    if (hwloc_set_cpubind(topology->machine, set, HWLOC_CPUBIND_THREAD) != 0)
        BARKS_FAIL(BARKS_IO, "cannot bind a thread: %s", strerrordesc_np(errno));
    return NULL;
}

barks_status *topology_bind_core(const struct topology *topology, uint32_t core)
{
    return bind_thread(topology, topology->cores[core % topology->core_count]);
}

barks_status *topology_bind_cores(const struct topology *topology, uint32_t first, uint32_t count)
{
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    if (set == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory to bind a thread");
    bool is_right = true;
    for (uint32_t i = 0; i < count && i < topology->core_count && is_right; i++)
        is_right =
            hwloc_bitmap_or(set, set, topology->cores[(first + i) % topology->core_count]) == 0;
    barks_status *status = is_right ? bind_thread(topology, set)
                                    : barks_status_new(BARKS_NO_MEMORY, NULL, BARKS_HERE,
                                                       "no memory to bind a thread");
    hwloc_bitmap_free(set);
    return status;
}

barks_status *topology_unbind(const struct topology *topology)
{
    return bind_thread(topology, topology->allowed);
}

/* ---- memory ---- */

uint64_t topology_memory_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
    return pages > 0 && page_bytes > 0 ? (uint64_t)pages * (uint64_t)page_bytes : UINT64_MAX;
}

static uint64_t read_limit(const char *path)
{
    unsigned long long bytes = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return UINT64_MAX;
    int found = fscanf(file, "%llu", &bytes); /* "max" is no number: no limit */
    fclose(file);
    return found == 1 ? bytes : UINT64_MAX;
}

/* The smallest limit of a control group and those above it. */
static uint64_t group_limit(const char *root, char *group, const char *file)
{
    uint64_t smallest = UINT64_MAX;
    for (;;) {
        char path[1400];
        snprintf(path, sizeof path, "%s%s/%s", root, group, file);
        uint64_t limit = read_limit(path);
        smallest = limit < smallest ? limit : smallest;
        char *slash = strrchr(group, '/');
        if (slash == NULL)
            return smallest;
        *slash = '\0';
    }
}

static uint64_t cgroup_limit(void)
{
    char line[1024];
    uint64_t smallest = UINT64_MAX;
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (file == NULL)
        return smallest;
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *names = strchr(line, ':'), *group = names != NULL ? strchr(names + 1, ':') : NULL;
        if (group == NULL)
            continue;
        *group++ = '\0';
        uint64_t limit = UINT64_MAX;
        if (names[1] == '\0')
            limit = group_limit("/sys/fs/cgroup", group, "memory.max");
        else if (strstr(names + 1, "memory") != NULL)
            limit = group_limit("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes");
        smallest = limit < smallest ? limit : smallest;
    }
    fclose(file);
    return smallest;
}

uint64_t topology_memory_budget(const char **out_origin)
{
    uint64_t budget = topology_memory_bytes();
    uint64_t group = cgroup_limit(), slurm = slurm_allocation().memory_bytes;
    *out_origin = "80 % of physical memory";
    if (group < budget) {
        budget = group;
        *out_origin = "80 % of the control group's limit";
    }
    if (slurm > 0 && slurm < budget) {
        budget = slurm;
        *out_origin = "80 % of Slurm's limit";
    }
    return budget / 10 * 8; /* the rest is for MPI, the program and the page cache */
}
