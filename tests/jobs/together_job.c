/* Jobs whose tasks run together: together_job MODE PARTITIONS
 *   gather    tasks tell each other the sums of their rows
 *   shuffled  the same of rows that come through an exchange, cached the same of rows that are kept
 *   mpi       MPI_Allreduce and MPI_Exscan of the sums, on an executor each
 *   take      the first row alone is asked for
 *   flaky     task 1 fails the first time, behind a barrier; failing always
 *   late      task 0 does not come to a barrier in time
 *   left      task 0 ends before a barrier
 *   mixed     task 0 comes to an all-gather, the others to a barrier
 *   outside   a barrier in a body whose task runs alone
 *   stuck     task 0 fails while the others wait for it inside of MPI
 *   held      an action that keeps all workers busy runs meanwhile; crowded: again and again, until
 *             that one is done or has left no room in time
 * Prints a line for each task: its index, how many there are, its sum, that of all, and of those
 * before it, its attempt. */
#include <mpi.h>

#include <barks/barks.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS = 1000 };

BARKS_TASKS_USE_MPI;

BARKS_RECORD(number, (i64, value));
BARKS_RECORD(sums, (i64, task), (i64, count), (i64, own), (i64, all), (i64, before), (i64, attempt),
             (i64, hosts));

struct mode {
    char name[16];
};
struct total {
    int64_t sum;
};

static bool is(const struct mode *mode, const char *name) { return strcmp(mode->name, name) == 0; }

static void wait_ms(long ms)
{
    struct timespec nap = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&nap, NULL);
}

BARKS_INLINE barks_str bytes_of(const int64_t *number)
{
    return barks_str_of((const char *)number, sizeof *number);
}

static int64_t number_of(const barks_str *text)
{
    int64_t number = 0;
    memcpy(&number, barks_str_bytes(text), sizeof number);
    return number;
}

/* What all tasks have, and those before this one. */
static bool add_up(int64_t own, int64_t *all, int64_t *before)
{
    const barks_peers *peers = barks_peers_here();
    const barks_str *texts = barks_all_gather(bytes_of(&own), 30);
    for (uint32_t i = 0; texts != NULL && i < peers->count; i++) {
        *all += number_of(&texts[i]);
        *before += i < peers->index ? number_of(&texts[i]) : 0;
    }
    return texts != NULL;
}

static bool add_up_by_mpi(int64_t own, int64_t *all, int64_t *before)
{
    const barks_peers *peers = barks_peers_here();
    MPI_Comm communicator = MPI_COMM_NULL, again = MPI_COMM_NULL;
    int rank = -1, size = -1;
    if (!barks_communicator(&communicator, 30) || !barks_communicator(&again, 30))
        return false;
    MPI_Comm_rank(communicator, &rank);
    MPI_Comm_size(communicator, &size);
    if (again != communicator || (uint32_t)rank != peers->index || (uint32_t)size != peers->count)
        return false;
    MPI_Allreduce(&own, all, 1, MPI_INT64_T, MPI_SUM, communicator);
    MPI_Exscan(&own, before, 1, MPI_INT64_T, MPI_SUM, communicator);
    if (rank == 0)
        *before = 0;
    return true;
}

static bool go_wrong(const struct mode *mode, const char **error)
{
    const barks_peers *peers = barks_peers_here();
    uint32_t task = peers->index, attempt = barks_task()->attempt;
    MPI_Comm communicator = MPI_COMM_NULL;
    if (is(mode, "left") && task == 0)
        return false;
    if (is(mode, "mixed") && task == 0)
        return barks_all_gather(BARKS_STR_LITERAL("x"), 30) != NULL;
    if (is(mode, "late") && task == 0)
        while (!barks_cancelled())
            wait_ms(1);
    if (is(mode, "stuck")) {
        int one = 1, all = 0;
        if (!barks_communicator(&communicator, 30))
            return false;
        if (task == 0)
            *error = "task 0 has left the others in MPI";
        else
            MPI_Allreduce(&one, &all, 1, MPI_INT, MPI_SUM, communicator);
    } else if (!barks_barrier(is(mode, "late") ? 0.3 : 30)) {
        return false;
    }
    if ((is(mode, "flaky") && task == 1 && attempt == 0) || (is(mode, "failing") && task == 1))
        *error = attempt == 0 ? "the first time it fails" : "then too";
    return *error == NULL;
}

BARKS_MAP_PARTITIONS(meet, number, sums, struct total, struct mode)
{
    const char *error = NULL;
    for (uint32_t row = 0; phase == BARKS_BATCH && row < batch->row_count; row++)
        state->sum += batch->value[row];
    if (phase != BARKS_CLOSE)
        return;
    const barks_peers *peers = barks_peers_here();
    int64_t all = 0, before = 0, hosts = 0;
    if (!go_wrong(env, &error)) {
        if (error != NULL)
            fail("%s", error);
        return;
    }
    if (is(env, "mpi") ? !add_up_by_mpi(state->sum, &all, &before)
                       : !add_up(state->sum, &all, &before))
        return;
    for (uint32_t i = 0; i < peers->count; i++)
        hosts += peers->hosts[i][0] != '\0' && peers->executors[i] > 0;
    emit(.task = peers->index, .count = peers->count, .own = state->sum, .all = all,
         .before = before, .attempt = barks_task()->attempt, .hosts = hosts);
}

BARKS_FOREACH(meet_alone, number)
{
    if (in->value == 0 && barks_barrier(1))
        fail("a task that runs alone has met somebody");
}

BARKS_MAP(dawdle, number, number)
{
    wait_ms(1);
    out->value = in->value;
}

BARKS_REDUCE(keep_one, number) { (void)acc, (void)in; }

static void print(struct sums *rows, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        printf("%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64
               "\n",
               rows[i].task, rows[i].count, rows[i].own, rows[i].all, rows[i].before,
               rows[i].attempt, rows[i].hosts);
}

int main(int argc, char **argv)
{
    barks_context *ctx = barks_init(&argc, &argv);
    struct mode mode = {""};
    snprintf(mode.name, sizeof mode.name, "%s", argc > 1 ? argv[1] : "gather");
    uint32_t partitions = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 2;
    static struct number rows[ROWS];
    for (int i = 0; i < ROWS; i++)
        rows[i].value = i;
    barks_rdd *numbers = barks_parallelize(ctx, number, rows, ROWS, partitions);
    barks_future *busy = NULL;
    if (is(&mode, "shuffled"))
        numbers = barks_reduce_by_key(numbers, "value", keep_one, .partitions = partitions);
    if (is(&mode, "cached") && barks_count(barks_cache(numbers)) != ROWS)
        return 1;
    if (is(&mode, "outside")) {
        barks_foreach(numbers, meet_alone, NULL);
        return barks_finalize(ctx);
    }
    if (is(&mode, "held") || is(&mode, "crowded"))
        busy = barks_count_async(
            barks_map(barks_parallelize(ctx, number, rows, ROWS, 40), dawdle, NULL));
    bool spread = is(&mode, "mpi") || is(&mode, "stuck");
    barks_rdd *met = barks_map_partitions_together(numbers, meet, &mode, .spread = spread);
    int64_t count = 0;
    struct sums *sums = NULL;
    do {
        sums =
            is(&mode, "take") ? barks_take(met, 1, sums, &count) : barks_collect(met, sums, &count);
    } while (is(&mode, "crowded") && sums != NULL && !barks_is_done(busy));
    if (sums != NULL)
        print(sums, count);
    if (busy != NULL)
        printf("busy %" PRId64 "\n", barks_future_count(busy));
    return barks_finalize(ctx);
}
