#include "support/faults.h"
#include "support/property.h"

#include <check.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void refused(const char *text, const char *wanted)
{
    barks_status *status = faults_arm(text, "environment BARKS_FAULT");
    ck_assert_msg(status != NULL, "'%s' was taken", text);
    ck_assert_int_eq(barks_status_code(status), BARKS_INVALID);
    ck_assert_msg(strstr(barks_status_text(status), wanted) != NULL, "'%s' is not in '%s'", wanted,
                  barks_status_text(status));
    ck_assert_ptr_nonnull(strstr(barks_status_text(status), "BARKS_FAULT"));
    barks_status_free(status);
    ck_assert(!faults_are_on);
}

START_TEST(what_is_wrong_in_the_text_is_named)
{
    refused("fial:call=read", "'fial' is no fault: it begins with one of fail, short");
    refused("fail", "'fail' needs call=..., calls or functions");
    refused("fail:call=reed", "'call=reed'");
    refused("fail:call=read+", "'call=read+'");
    refused("fail:call", "'call' says nothing of 'fail'");
    refused("fail:call=read,n=0", "'n=0' is no fault: it must be a number of at least 1");
    refused("fail:call=read,n=-1", "'n=-1'");
    refused("fail:call=read,n=1x", "'n=1x'");
    refused("fail:call=read,n=+", "'n='");
    refused("fail:call=read,at=round.begun",
            "'at=round.begun' says nothing of 'fail', which knows call");
    refused("fail:call=read,error=EWHAT", "'error=EWHAT'");
    refused("fail:call=read,executor=0",
            "'executor=0' is no fault: it must be a number of at least 1");
    refused("kill:at=nowhere", "'at=nowhere' is no fault: it must be a point");
    refused("kill:at=round.begun:0", "'at=0'");
    refused("kill:at=round.begun,signal=HUP", "'signal=HUP'");
    refused("kill:rank=1", "'kill' needs at=...");
    refused("stall:at=round.begun,for=soon", "'for=soon'");
    refused("drop:to=1", "'drop' needs n=...");
    refused("slow:factor=0", "'factor=0'");
    refused("count:n=1", "knows nothing");
    refused("fail:call=read;kill", "'kill' needs at");
    refused(
        "count;count;count;count;count;count;count;count;count;count;count;count;count;count;count;"
        "count;count",
        "more than 16 faults");
}
END_TEST

START_TEST(nothing_strikes_where_nothing_is_asked)
{
    disarm_faults();
    ck_assert(!faults_are_on);
    must(faults_arm("", "test"));
    must(faults_arm("help", "test"));
    ck_assert(!faults_are_on);
    ck_assert_int_eq(fault_effect(FAULT_malloc), FAULT_NONE);
    ck_assert_double_eq(fault_slowness(), 1);
}
END_TEST

START_TEST(the_nth_call_fails_once_or_from_then_on)
{
    arm_faults("fail:call=pread+close,n=3;fail:call=rename,n=2+,error=EROFS");
    bool strikes[2][6] = {0};
    int errors[2][6] = {0};
    for (int i = 1; i <= 5; i++) {
        errno = 0;
        strikes[0][i] = fault_strikes(i % 2 == 1 ? FAULT_pread : FAULT_close);
        errors[0][i] = errno;
        errno = 0;
        strikes[1][i] = fault_strikes(FAULT_renameat2);
        errors[1][i] = errno;
    }
    for (int i = 1; i <= 5; i++) {
        ck_assert_int_eq(strikes[0][i], i == 3);
        ck_assert_int_eq(errors[0][i], i == 3 ? EIO : 0);
        ck_assert_int_eq(strikes[1][i], i >= 2);
        ck_assert_int_eq(errors[1][i], i >= 2 ? EROFS : 0);
    }
    ck_assert_uint_eq(fault_struck(0), 1);
    ck_assert_uint_eq(fault_struck(1), 4);
    /* The same text goes on, any other begins anew. */
    must(faults_arm("fail:call=pread+close,n=3;fail:call=rename,n=2+,error=EROFS", "test"));
    ck_assert_uint_eq(fault_struck(1), 4);
    arm_faults("fail:call=any,n=2");
    bool first = fault_strikes(FAULT_mpi), second = fault_strikes(FAULT_fork);
    ck_assert(!first && second);
}
END_TEST

static void *never_run(void *argument) { return argument; }

START_TEST(calls_of_the_library_are_reached)
{
    char bytes[9] = "12345678", path[] = "/tmp/barks-test-fault-XXXXXX";
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    arm_faults(
        "short:call=write;spoil:call=read;fail:call=open,error=ENOENT;fail:call=allocation,n=2");
    ssize_t written = write(file, bytes, 8), rewritten = write(file, bytes, 8);
    off_t begin = lseek(file, 0, SEEK_SET);
    ssize_t got = read(file, bytes, 8);
    int opened = open(path, O_RDONLY), open_error = errno;
    void *first = malloc(8), *second = calloc(1, 8), *third = malloc(8);
    disarm_faults();
    ck_assert(written == 4 && rewritten == 8 && begin == 0 && got == 8);
    ck_assert_str_eq(bytes, "12340234"); /* '1' with a bit changed */
    ck_assert_int_eq(opened, -1);
    ck_assert_int_eq(open_error, ENOENT);
    ck_assert(first != NULL && second == NULL && third != NULL);
    free(first);
    free(third);
    arm_faults("fail:call=close;fail:call=thread");
    int closed = close(file), close_error = errno;
    pthread_t thread;
    int started = pthread_create(&thread, NULL, never_run, NULL);
    disarm_faults();
    ck_assert_int_eq(closed, -1);
    ck_assert_int_eq(close_error, EDQUOT);
    ck_assert_int_eq(started, EAGAIN);
    ck_assert_int_eq(close(file), -1); /* it was closed */
    ck_assert_int_eq(errno, EBADF);
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(a_rank_is_chosen)
{
    ck_assert_int_eq(setenv("OMPI_COMM_WORLD_RANK", "2", 1), 0);
    arm_faults("fail:call=read,rank=2,n=1+;slow:executor=3,factor=5");
    bool strikes = fault_strikes(FAULT_read);
    double slowness = fault_slowness();
    fault_enter_rank(3);
    bool strikes_third = fault_strikes(FAULT_read);
    double slowness_of_third = fault_slowness();
    disarm_faults();
    ck_assert(strikes && !strikes_third);
    ck_assert_double_eq(slowness, 1);
    ck_assert_double_eq(slowness_of_third, 5);
}
END_TEST

START_TEST(lots_are_drawn_by_their_seed)
{
    static int drawn[2][1000];
    int count[2] = {0}, same = 0;
    for (int run = 0; run < 2; run++) {
        arm_faults("fail:call=fstat,one_in=10,seed=%d", run);
        for (int i = 0; i < 1000; i++)
            count[run] += drawn[run][i] = fault_strikes(FAULT_fstat);
        ck_assert(count[run] > 50 && count[run] < 170);
    }
    arm_faults("fail:call=fstat,one_in=10,seed=0");
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(fault_strikes(FAULT_fstat), drawn[0][i]);
        same += drawn[0][i] && drawn[1][i];
    }
    ck_assert_int_lt(same, count[0]);
}
END_TEST

START_TEST(messages_are_chosen_by_receiver)
{
    uint64_t delay_ns = 0;
    arm_faults("drop:n=2,to=1;delay:for=30ms,to=2");
    ck_assert_int_eq(fault_message_now(1, &delay_ns), FAULT_NONE);
    ck_assert_int_eq(fault_message_now(2, &delay_ns), FAULT_DELAYED);
    ck_assert_uint_eq(delay_ns, 30000000);
    ck_assert_int_eq(fault_message_now(1, &delay_ns), FAULT_DROPPED);
}
END_TEST

/* How a process ends that passes a point three times. */
static int end_of_passing(const char *text)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        (void)signal(SIGBUS, SIG_DFL); /* sanitizers have handlers */
        arm_faults("%s", text);
        for (int i = 0; i < 3; i++)
            fault_point(POINT_ROUND_ENDED);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

START_TEST(a_point_kills)
{
    ck_assert_int_eq(end_of_passing("kill:at=round.ended:3"), SIGKILL);
    ck_assert_int_eq(end_of_passing("kill:at=round.ended:3,signal=BUS"), SIGBUS);
    ck_assert_int_eq(end_of_passing("kill:at=round.ended:4"), 0);
    ck_assert_int_eq(end_of_passing("kill:at=round.begun"), 0);
    ck_assert_int_eq(end_of_passing("kill:at=round.ended,executor=1"), 0);
    ck_assert_int_eq(end_of_passing("stall:at=round.ended,for=1ms"), 0);
}
END_TEST

SUITE_MAIN("base/fault", what_is_wrong_in_the_text_is_named, nothing_strikes_where_nothing_is_asked,
           the_nth_call_fails_once_or_from_then_on, calls_of_the_library_are_reached,
           a_rank_is_chosen, lots_are_drawn_by_their_seed, messages_are_chosen_by_receiver,
           a_point_kills)
