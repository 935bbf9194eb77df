/* What executors offer: what they see is divided, what is said is each one's. */
#include "base/config.h"
#include "runtime/hello.h"
#include "runtime/offers.h"
#include "runtime/visible_devices.h"
#include "support/property.h"

#include <check.h>

#include <stdlib.h>
#include <string.h>

enum { EXECUTORS = 4 };

/* Executors 0 to 2 on a node, 3 on another. */
struct seen {
    const char *devices[EXECUTORS];
};

static void make(const struct seen *seen, const char *setting, struct name_counts *resources,
                 struct executor_offer offers[EXECUTORS])
{
    struct hello hellos[EXECUTORS] = {0};
    struct config config = {0};
    memset(offers, 0, EXECUTORS * sizeof *offers);
    ck_assert_ptr_null(config_init(&config));
    ck_assert_ptr_null(config_set(&config, CONFIG_RESOURCES, setting, "a test"));
    for (uint32_t i = 0; i < EXECUTORS; i++) {
        hellos[i].node_id = i < 3 ? 1 : 2;
        hellos[i].devices = seen->devices[i] != NULL ? strdup(seen->devices[i]) : NULL;
    }
    ck_assert_ptr_null(offers_make(hellos, EXECUTORS, &config, resources, offers));
    for (uint32_t i = 0; i < EXECUTORS; i++)
        free(hellos[i].devices);
    config_drop(&config);
}

static void expect_units(const struct executor_offer offers[EXECUTORS], uint32_t kind, uint64_t a,
                         uint64_t b, uint64_t c, uint64_t d)
{
    ck_assert_uint_eq(offers[0].units[kind], a);
    ck_assert_uint_eq(offers[1].units[kind], b);
    ck_assert_uint_eq(offers[2].units[kind], c);
    ck_assert_uint_eq(offers[3].units[kind], d);
}

START_TEST(what_a_node_sees_is_divided_among_its_executors)
{
    struct name_counts resources;
    struct executor_offer offers[EXECUTORS];
    static const char four[] = "a=0,b=1,c=2,d=3";
    make(&(struct seen){{four, four, four, four}}, "auto", &resources, offers);
    ck_assert_uint_eq(resources.count, 1);
    ck_assert_str_eq(resources.items[0].name, "gpu");
    expect_units(offers, 0, 3, 4, 8, 15);
    make(&(struct seen){{"x=5", "x=5", "x=5", NULL}}, "auto", &resources, offers);
    expect_units(offers, 0, 32, 0, 0, 0);
    /* Each sees its own, and one what another has as well. */
    make(&(struct seen){{"a=0", "b=0", "a=0,c=1", NULL}}, "auto", &resources, offers);
    expect_units(offers, 0, 1, 1, 2, 0);
    make(&(struct seen){{NULL}}, "auto", &resources, offers);
    ck_assert_uint_eq(resources.count, 0);
}
END_TEST

START_TEST(what_is_said_is_each_ones_by_other_indices)
{
    struct name_counts resources;
    struct executor_offer offers[EXECUTORS];
    make(&(struct seen){{"a=0", NULL}}, "licence:2", &resources, offers);
    ck_assert_uint_eq(resources.count, 2);
    expect_units(offers, 0, 3, 12, 48, 3);
    expect_units(offers, 1, 1, 0, 0, 0);
    make(&(struct seen){{"a=0", NULL}}, "gpu:1, licence:64", &resources, offers);
    ck_assert_uint_eq(resources.count, 2);
    expect_units(offers, 0, 1, 2, 4, 1);
    ck_assert_uint_eq(offers[1].units[1], UINT64_MAX);
    make(&(struct seen){{"a=0", NULL}}, "none", &resources, offers);
    ck_assert_uint_eq(resources.count, 0);
}
END_TEST

static void expect_devices(const char *variable, const char *value, const char *expected)
{
    static const char *const all[] = {"CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
                                      "SLURM_STEP_GPUS", "SLURM_JOB_GPUS", "SLURM_GPUS_ON_NODE"};
    char *text = NULL;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        unsetenv(all[i]);       /* NOLINT(concurrency-mt-unsafe): the program has one thread */
    setenv(variable, value, 1); /* NOLINT(concurrency-mt-unsafe): likewise */
    ck_assert_ptr_null(visible_devices(&text));
    if (expected == NULL)
        ck_assert_ptr_null(text);
    else
        ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(devices_are_found_in_the_environment)
{
    expect_devices("CUDA_VISIBLE_DEVICES", "4,GPU-1f, 6", "4=0,GPU-1f=1,6=2");
    expect_devices("CUDA_VISIBLE_DEVICES", "0,-1,1", "0=0");
    expect_devices("CUDA_VISIBLE_DEVICES", "", NULL);
    expect_devices("CUDA_VISIBLE_DEVICES", "NoDevFiles", NULL);
    expect_devices("ROCR_VISIBLE_DEVICES", "2", "2=0");
    expect_devices("SLURM_STEP_GPUS", "0-1,7", "0=0,1=1,7=7");
    expect_devices("SLURM_JOB_GPUS", "3", "3=3");
    expect_devices("SLURM_GPUS_ON_NODE", "2", "0=0,1=1");
    expect_devices("SLURM_GPUS_ON_NODE", "x", NULL);
}
END_TEST

SUITE_MAIN("runtime/offers", what_a_node_sees_is_divided_among_its_executors,
           what_is_said_is_each_ones_by_other_indices, devices_are_found_in_the_environment)
