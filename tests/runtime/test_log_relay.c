#include "base/log.h"
#include "runtime/log_relay.h"
#include "support/property.h"

#include <check.h>

#include <stdlib.h>
#include <string.h>

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

SUITE_MAIN("runtime/log_relay", lines_come_out_as_they_went_in, a_flood_is_cut_and_told)
