#include "base/log.h"
#include "runtime/log_relay.h"
#include "support/faults.h"
#include "support/property.h"

#include <check.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

START_TEST(lines_come_out_as_they_went_in)
{
    struct log_relay *relay = NULL;
    enum log_level level = LEVEL_TRACE;
    ck_assert_ptr_null(log_relay_open(&relay));
    LOG(LEVEL_ERROR, "test", "first %d", 1);
    LOG(LEVEL_WARN, "test", "second");
    LOG(LEVEL_DEBUG, "test", "not logged at this level");
    char *line = log_relay_take(relay, &level);
    ck_assert(line != NULL && strstr(line, "first 1") != NULL && level == LEVEL_ERROR);
    free(line);
    line = log_relay_take(relay, &level);
    ck_assert(line != NULL && strstr(line, "second") != NULL && level == LEVEL_WARN);
    free(line);
    ck_assert_ptr_null(log_relay_take(relay, &level));
    log_relay_close(relay);
}
END_TEST

START_TEST(a_flood_is_cut_and_told)
{
    struct log_relay *relay = NULL;
    enum log_level level = LEVEL_TRACE;
    int count = 0;
    ck_assert_ptr_null(log_relay_open(&relay));
    for (int i = 0; i < LOG_RELAY_LINES_MAX + 5; i++)
        LOG(LEVEL_WARN, "test", "line %d", i);
    char *line, *last = NULL;
    while ((line = log_relay_take(relay, &level)) != NULL) {
        free(last);
        last = line;
        count++;
    }
    ck_assert_int_eq(count, LOG_RELAY_LINES_MAX + 1);
    ck_assert_ptr_nonnull(strstr(last, "5 lines of the log were dropped"));
    free(last);
    log_relay_close(relay);
}
END_TEST

START_TEST(an_error_without_memory_is_printed_at_once)
{
    struct log_relay *relay = NULL;
    enum log_level level = LEVEL_TRACE;
    char printed[1024] = "";
    FILE *errors = tmpfile();
    ck_assert_ptr_nonnull(errors);
    ck_assert_ptr_null(log_relay_open(&relay));
    (void)fflush(stderr);
    int kept = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(fileno(errors), STDERR_FILENO), 0);
    arm_faults("fail:call=allocation,n=1+");
    LOG(LEVEL_ERROR, "test", "the last words");
    LOG(LEVEL_WARN, "test", "a warning");
    disarm_faults();
    ck_assert_int_ge(dup2(kept, STDERR_FILENO), 0);
    (void)close(kept);
    rewind(errors);
    ck_assert_uint_gt(fread(printed, 1, sizeof printed - 1, errors), 0);
    (void)fclose(errors);
    ck_assert_ptr_nonnull(strstr(printed, "the last words\n"));
    ck_assert_ptr_null(strstr(printed, "a warning"));
    char *line = log_relay_take(relay, &level);
    ck_assert(line != NULL && strstr(line, "1 lines of the log were dropped") != NULL);
    free(line);
    log_relay_close(relay);
}
END_TEST

SUITE_MAIN("runtime/log_relay", lines_come_out_as_they_went_in, a_flood_is_cut_and_told,
           an_error_without_memory_is_printed_at_once)
