/* Jobs side by side: schedule_job MODE [ARGUMENT], each mode for a case of test_schedule.py.
 *   threads N       N threads run actions on one dataset, in pools of their own
 *   order           a long job and a short one: which ends first
 *   group, tag      two actions, one of which is cancelled by its group or tag
 *   end job, end stage, end task
 *                   a listener ends what it has just heard of
 *   deadline        an action may take half a second, those after it as long as they like
 *   named           a job with a group, a description and tags
 *   wrong           calls that are refused
 *   listen FILE     writes the events to FILE; a second listener is slow
 *   keep FILE       the same of datasets that are kept, for all of which there is no room
 *   skip FILE       the same of stages that need not run: of a dataset that is kept, of a join
 *                   without hot keys
 *   exclude FILE    the same of tasks that fail on executor 2
 *   overrun FIRST   tasks of attempts below FIRST do not end by themselves
 *   stuck [FIRST]   a task that does not ask whether it should end, in attempts below FIRST (all)
 *   again           likewise in its first attempt; then another action
 *   endless, idle   tasks, or main, go on for ever */
#include <barks/barks.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS = 20000, PARTITIONS = 40, KEYS = 7, ACTIONS = 1500 };

BARKS_RECORD(pair, (i64, key), (i64, value));
struct wait {
    int64_t partition;   /* whose rows wait; -1: all */
    uint32_t attempts;   /* only the first so many */
    int32_t is_deaf;     /* to barks_cancelled */
    int64_t nanoseconds; /* for each row; 0: for ever */
};

static void nap(int64_t nanoseconds)
{
    struct timespec time = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    nanosleep(&time, NULL);
}

BARKS_FILTER(wait_there, barks_number, struct wait)
{
    const barks_task_info *task = barks_task();
    bool is_meant = (env->partition < 0 || task->partition == (uint64_t)env->partition) &&
                    task->attempt < env->attempts;
    if (is_meant && env->nanoseconds > 0)
        nap(env->nanoseconds);
    while (is_meant && env->nanoseconds == 0 && (env->is_deaf || !barks_cancelled()))
        nap(1000000);
    return true;
}
BARKS_MAP(pair_of, barks_number, pair)
{
    out->key = in->value % KEYS;
    out->value = in->value;
}
BARKS_MAP(alone, barks_number, pair)
{
    out->key = in->value;
    out->value = in->value;
}
BARKS_REDUCE(add, pair) { acc->value += in->value; }

static barks_rdd *waiting(barks_context *context, int64_t rows, struct wait wait)
{
    return barks_filter(
        barks_range(context, 0, rows, 1, rows < PARTITIONS ? (uint32_t)rows : PARTITIONS),
        wait_there, &wait);
}

/* ---- threads ---- */

struct user {
    pthread_t thread;
    barks_context *context;
    barks_rdd *numbers, *sums;
    int index;
    char line[200];
};

static void *use(void *argument)
{
    struct user *user = argument;
    char group[20], total[20];
    int64_t count = 0, sum = 0, n = 0;
    snprintf(group, sizeof group, "user %d", user->index);
    bool is_well = barks_set_pool(user->context, user->index % 2 == 0 ? "even" : "odd") &&
                   barks_set_priority(user->context, user->index) &&
                   barks_set_job_group(user->context, group, group);
    for (int i = 0; i < 5 && is_well; i++) {
        struct pair *pairs = barks_collect(user->sums, pair, &n);
        is_well = pairs != NULL && barks_sum_i64(user->numbers, "value", &sum);
        for (int64_t at = 0; at < n; at++)
            count += pairs[at].value;
        barks_release(user->context, pairs);
        count += barks_count(user->numbers);
    }
    snprintf(total, sizeof total, "%d", is_well);
    snprintf(user->line, sizeof user->line, "%s %" PRId64 " %" PRId64 " %" PRId64, total, count,
             sum, n);
    return NULL;
}

static void run_threads(barks_context *context, int count)
{
    struct user *users = calloc((size_t)count, sizeof *users);
    barks_rdd *numbers = barks_range(context, 0, ROWS, 1, PARTITIONS);
    barks_rdd *sums = barks_reduce_by_key(barks_map(numbers, pair_of, NULL), "key", add);
    if (users == NULL)
        return;
    for (int i = 0; i < count; i++) {
        users[i] = (struct user){.context = context, .numbers = numbers, .sums = sums, .index = i};
        if (pthread_create(&users[i].thread, NULL, use, &users[i]) != 0)
            abort();
    }
    for (int i = 0; i < count; i++) {
        pthread_join(users[i].thread, NULL);
        printf("%s\n", users[i].line);
    }
    free(users);
}

/* ---- order ---- */

static void note_end(barks_future *future, bool is_well, void *user)
{
    (void)future;
    printf("%s %d\n", (const char *)user, is_well);
}

/* The long one has all workers when the short one comes. */
static void run_order(barks_context *context)
{
    struct wait wait = {.partition = -1, .attempts = 99, .nanoseconds = 50000000};
    barks_future *long_one = barks_count_async(waiting(context, PARTITIONS, wait));
    char long_name[] = "long", short_name[] = "short";
    barks_on_done(long_one, note_end, long_name);
    nap(200000000);
    barks_set_pool(context, "quick");
    barks_future *short_one = barks_count_async(waiting(context, 1, wait));
    barks_on_done(short_one, note_end, short_name);
    barks_future *both[] = {long_one, short_one};
    barks_wait_all(both, 2);
}

/* ---- cancelling ---- */

static void run_cancel(barks_context *context, bool by_tag)
{
    struct wait wait = {.partition = -1, .attempts = 99};
    barks_set_job_group(context, "slow", NULL);
    barks_add_job_tag(context, "first");
    barks_add_job_tag(context, "second");
    barks_future *slow = barks_count_async(waiting(context, 1, wait));
    barks_set_job_group(context, "fast", NULL);
    barks_remove_job_tag(context, "second");
    wait.attempts = 0;
    int64_t count = barks_count(waiting(context, ROWS, wait));
    int nobody = by_tag ? barks_cancel_tag(context, "sec") : barks_cancel_group(context, "fast");
    bool was_done = barks_is_done(slow);
    int told = by_tag ? barks_cancel_tag(context, "second") : barks_cancel_group(context, "slow");
    bool is_well = barks_wait(slow);
    barks_status *error = barks_take_error(context);
    printf("%" PRId64 " %d %d %d %d %d\n", count, nobody, was_done, told, is_well,
           error != NULL ? (int)barks_status_code(error) : 0);
    barks_status_free(error);
    printf("%d\n", barks_cancel_all(context)); /* nothing runs */
}

struct ender {
    barks_context *context;
    const char *what;
    uint64_t job;
    uint32_t stage, task;
    bool was_told;
};

static bool end_part(struct ender *ender)
{
    if (strcmp(ender->what, "job") == 0)
        return barks_cancel_job(ender->context, ender->job);
    if (strcmp(ender->what, "stage") == 0)
        return barks_cancel_stage(ender->context, ender->job, ender->stage);
    return barks_cancel_task(ender->context, ender->job, ender->stage, ender->task);
}

/* Of the task whose rows wait, in the thread of the listener. */
static void end_first(const barks_event *event, void *user)
{
    struct ender *ender = user;
    if (event->kind != BARKS_EVENT_TASK_STARTED || event->attempt > 0 ||
        event->first_partition > 1 || event->end_partition <= 1)
        return;
    ender->job = event->job;
    ender->stage = event->stage;
    ender->task = event->task;
    ender->was_told = end_part(ender);
}

BARKS_FILTER(fail_if_told, barks_number, struct wait)
{
    const barks_task_info *task = barks_task();
    bool is_meant = task->partition == 1 && task->attempt < env->attempts;
    while (is_meant && !barks_cancelled())
        nap(1000000);
    if (is_meant)
        fail("told to end at %" PRId64, in->value);
    return true;
}

/* What it leaves out then must not be missing. */
BARKS_FILTER(leave_out_if_told, barks_number, struct wait)
{
    const barks_task_info *task = barks_task();
    bool is_meant = task->partition == 1 && task->attempt < env->attempts;
    while (is_meant && !barks_cancelled())
        nap(1000000);
    return !is_meant;
}

static void run_end(barks_context *context, const char *what)
{
    static struct ender ender; /* the listener's, until the context has ended */
    bool is_task = strcmp(what, "task") == 0;
    struct wait wait = {.partition = 1, .attempts = is_task ? 1 : 99};
    ender = (struct ender){.context = context, .what = what};
    if (!barks_add_listener(context, end_first, &ender))
        exit(9);
    int64_t count = barks_count(waiting(context, ROWS, wait));
    barks_status *error = barks_take_error(context);
    printf("%" PRId64 " %d %d%d%d%d\n", count, error != NULL ? (int)barks_status_code(error) : 0,
           ender.was_told, end_part(&ender), barks_cancel_job(context, 99),
           barks_cancel_stage(context, ender.job, 99));
    if (error != NULL)
        printf("%s\n", barks_status_text(error));
    barks_status_free(error);
    barks_rdd *numbers = barks_range(context, 0, ROWS, 1, PARTITIONS);
    if (is_task) /* what it says when it is told does not count as a failure either */
        printf("%" PRId64 " %" PRId64 "\n", barks_count(barks_filter(numbers, fail_if_told, &wait)),
               barks_count(barks_cache(barks_filter(numbers, leave_out_if_told, &wait))));
}

static void run_deadline(barks_context *context)
{
    struct wait wait = {.partition = 1, .attempts = 99};
    printf("%d", barks_set_deadline(context, 0.5));
    printf(" %" PRId64, barks_count(waiting(context, ROWS, wait)));
    barks_status *error = barks_take_error(context);
    printf(" %d %s\n", error != NULL ? (int)barks_status_code(error) : 0,
           error != NULL ? barks_status_text(error) : "");
    barks_status_free(error);
    barks_future *slow = barks_count_async(waiting(context, ROWS, wait));
    barks_set_deadline(context, 0); /* of those after it */
    wait = (struct wait){.partition = 1, .attempts = 99, .nanoseconds = 2000000};
    printf("%" PRId64, barks_count(waiting(context, ROWS, wait)));
    printf(" %d", barks_wait(slow));
    barks_status_free(barks_take_error(context));
    printf(" %d%d\n", barks_set_deadline(context, -1), barks_set_deadline(context, NAN));
    barks_status_free(barks_take_error(context));
}

static void run_wrong(barks_context *context)
{
    char long_text[300];
    memset(long_text, 'x', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    printf("%d%d%d%d%d%d", barks_set_pool(context, "evn"), barks_set_priority(context, 40000),
           barks_set_job_group(context, long_text, NULL),
           barks_set_job_group(context, NULL, long_text), barks_add_job_tag(context, "a,b"),
           barks_add_job_tag(context, ""));
    barks_status_free(barks_take_error(context));
    printf("%d\n", barks_set_pool(context, NULL));
}

/* ---- listening ---- */

struct slow_listener {
    uint64_t heard, lost;
    bool has_ended;
};

static const char *const kinds[] = {
    "",           "executor",    "job started",   "stage started", "task started",
    "task ended", "stage ended", "job ended",     "memory",        "trouble",
    "lost",       "end",         "executor lost", "recovered",     "kept",
    "evicted",    "excluded",    "skipped"};

static void write_event(const barks_event *event, void *user)
{
    fprintf(user, "%s\t%" PRIu64 "\t%u\t%u\t%u\t%" PRIu64 "\t%d\t%s\t%s\n", kinds[event->kind],
            event->job, event->stage, event->task, event->executor, event->count, event->exit_code,
            event->group != NULL ? event->group : "", event->host != NULL ? "host" : "");
}

static void write_block(const barks_event *event, void *user)
{
    if (event->kind == BARKS_EVENT_KEPT || event->kind == BARKS_EVENT_EVICTED)
        fprintf(user, "block %d %u %" PRIu64 " %u %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
                event->kind == BARKS_EVENT_KEPT, event->executor, event->dataset,
                event->first_partition, event->count, event->memory_bytes, event->spilled_bytes);
    if (event->kind == BARKS_EVENT_EXCLUDED)
        fprintf(user, "excluded %u %" PRIu64 " %" PRId64 " %d %s\n", event->executor, event->job,
                event->stage != UINT32_MAX ? (int64_t)event->stage : -1,
                event->until_ns > event->time_ns, event->error);
    if (event->kind == BARKS_EVENT_STAGE_SKIPPED)
        fprintf(user, "skipped %" PRIu64 " %" PRId64 " %s\n", event->job,
                event->stage != UINT32_MAX ? (int64_t)event->stage : -1, event->error);
}

/* Twice the sums of a shuffle that is read where they are kept, then a join. */
static int64_t count_skipping(barks_context *context)
{
    barks_rdd *pairs = barks_map(barks_range(context, 0, ROWS, 1, PARTITIONS), pair_of, NULL);
    barks_rdd *sums = barks_cache(barks_reduce_by_key(pairs, "key", add));
    int64_t count = barks_count(sums) + barks_count(sums);
    barks_rdd *rows = barks_map(barks_range(context, 0, ROWS, 1, PARTITIONS), alone, NULL);
    barks_rdd *others = barks_rename(rows, "value as other");
    return count + barks_count(barks_join(rows, others, "key", .broadcast = BARKS_NEVER));
}

BARKS_FILTER(refuse_on_two, barks_number)
{
    if (barks_task()->executor == 2)
        fail("executor 2 refuses %" PRId64, in->value);
    nap(20000); /* so that both get some */
    return true;
}

static void run_heard(barks_context *context, const char *mode, const char *path)
{
    FILE *file = fopen(path, "w");
    if (file == NULL || !barks_add_listener(context, write_block, file))
        exit(9);
    int64_t count = 0;
    if (strcmp(mode, "exclude") == 0)
        count = barks_count(
            barks_filter(barks_range(context, 0, ROWS, 1, PARTITIONS), refuse_on_two, NULL));
    for (int i = 0; i < 5 && strcmp(mode, "keep") == 0; i++)
        count += barks_count(barks_cache(barks_range(context, i, 1000000, 1, 10)));
    if (strcmp(mode, "skip") == 0)
        count = count_skipping(context);
    int status = barks_finalize(context);
    fclose(file);
    printf("%" PRId64 "\n", count);
    exit(status);
}

static void be_slow(const barks_event *event, void *user)
{
    struct slow_listener *listener = user;
    listener->has_ended = event->kind == BARKS_EVENT_END;
    if (event->kind == BARKS_EVENT_LOST)
        listener->lost += event->count;
    else
        listener->heard++;
    if (event->kind == BARKS_EVENT_JOB_STARTED)
        nap(event->job < 100 ? 50000000 : 0);
}

static void run_listen(barks_context *context, const char *path)
{
    static struct slow_listener slow; /* is read when the context has ended */
    FILE *file = fopen(path, "w");
    if (file == NULL || !barks_add_listener(context, write_event, file) ||
        !barks_add_listener(context, be_slow, &slow))
        exit(9);
    barks_set_job_group(context, "heard", NULL);
    int64_t count = 0;
    for (int i = 0; i < ACTIONS; i++)
        count += barks_count(barks_range(context, 0, 10, 1, 2));
    int status = barks_finalize(context);
    fclose(file);
    printf("%" PRId64 " %" PRIu64 " %" PRIu64 " %d\n", count, slow.heard, slow.lost,
           slow.has_ended);
    exit(status);
}

/* ---- limits ---- */

static void run_limited(barks_context *context, const char *mode, const char *argument)
{
    struct wait wait = {.partition = 1, .attempts = 99};
    bool is_again = strcmp(mode, "again") == 0;
    if (argument[0] >= '0' && argument[0] <= '9')
        wait.attempts = (uint32_t)strtoul(argument, NULL, 10);
    if (is_again)
        wait.attempts = 1;
    wait.is_deaf = strcmp(mode, "stuck") == 0 || is_again;
    if (strcmp(mode, "idle") == 0)
        nap(100000000000);
    printf("%" PRId64 "\n", barks_count(waiting(context, ROWS, wait)));
    if (is_again)
        printf("%" PRId64 "\n",
               barks_count(barks_reduce_by_key(
                   barks_map(barks_range(context, 0, ROWS, 1, PARTITIONS), pair_of, NULL), "key",
                   add)));
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    barks_context *context = barks_init(&argc, &argv);
    const char *mode = argc > 1 ? argv[1] : "", *argument = argc > 2 ? argv[2] : "";
    if (strcmp(mode, "threads") == 0)
        run_threads(context, (int)strtol(argument, NULL, 10));
    else if (strcmp(mode, "order") == 0)
        run_order(context);
    else if (strcmp(mode, "group") == 0 || strcmp(mode, "tag") == 0)
        run_cancel(context, strcmp(mode, "tag") == 0);
    else if (strcmp(mode, "end") == 0)
        run_end(context, argument);
    else if (strcmp(mode, "deadline") == 0)
        run_deadline(context);
    else if (strcmp(mode, "wrong") == 0)
        run_wrong(context);
    else if (strcmp(mode, "listen") == 0)
        run_listen(context, argument);
    else if (strcmp(mode, "keep") == 0 || strcmp(mode, "exclude") == 0 || strcmp(mode, "skip") == 0)
        run_heard(context, mode, argument);
    else if (strcmp(mode, "named") == 0) {
        barks_set_job_group(context, "night", "nightly report");
        barks_add_job_tag(context, "one");
        barks_add_job_tag(context, "two");
        barks_set_priority(context, -3);
        printf("%" PRId64 "\n", barks_count(barks_range(context, 0, ROWS, 1, PARTITIONS)));
    } else
        run_limited(context, mode, argument);
    return barks_finalize(context);
}
