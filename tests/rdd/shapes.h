/* Runs a test's body as a job on 1, 2 and 4 executors of this process. */
#pragma once

#include <check.h>

#undef fail /* check's old name of ck_abort_msg; here it is what a body calls */

#include "barks/barks.h"

#include <stddef.h>
#include <stdio.h>

/* A context with the given number of executors and small splits, so that little input makes many
 * partitions; finalised with the exit status that is expected. */
static inline void run_within(const char *memory_bytes, void (*body)(barks_context *context),
                              const char *executors, int expected_exit)
{
    char program[] = "test", quiet[] = "--barks-quiet", local[] = "--barks-local",
         splits[] = "--barks-split-bytes=64k",
         patience[] = "--barks-lost-deadline=60s"; /* of slow builds on a busy machine */
    char count[16], memory[64];
    snprintf(count, sizeof count, "%s", executors);
    snprintf(memory, sizeof memory, "--barks-memory=%s", memory_bytes);
    char *arguments[] = {program, quiet, local, count, splits, memory, patience, NULL};
    char **argv = arguments;
    int argc = 7;
    barks_context *context = barks_init(&argc, &argv);
    ck_assert_int_eq(argc, 1);
    body(context);
    ck_assert_int_eq(barks_finalize(context), expected_exit);
}

static inline void run_on(void (*body)(barks_context *context), const char *executors,
                          int expected_exit)
{
    run_within("256m", body, executors, expected_exit);
}

/* SHAPES(name) { uses context } defines the tests name_on_1, name_on_2 and name_on_4; the second
 * form for jobs that fail. */
#define SHAPES(name) SHAPES_EXIT(name, 0)
#define SHAPES_EXIT(name, expected_exit)                                                           \
    static void name(barks_context *context);                                                      \
    START_TEST(name##_on_1) { run_on(name, "1", expected_exit); }                                  \
    END_TEST                                                                                       \
    START_TEST(name##_on_2) { run_on(name, "2", expected_exit); }                                  \
    END_TEST                                                                                       \
    START_TEST(name##_on_4) { run_on(name, "4", expected_exit); }                                  \
    END_TEST                                                                                       \
    static void name(barks_context *context)
#define ON_SHAPES(name) name##_on_1, name##_on_2, name##_on_4
