/* Sources and sinks of a job's own: rows against a loop, phases in pairs, failures in each. */
#include "rdd/cases.h"

#include <dirent.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- a source of numbered rows ---- */

BARKS_RECORD(numbered, (i64, id), (optional(f64), real), (str, text), (list(i32), digits));

struct numbers {
    int64_t count, rows_per_split;
    uint64_t bytes_per_split; /* 0: not said */
    int wrong_phase;          /* that fails, 0: none, in split wrong_split */
    uint32_t wrong_split;
    bool is_endless;
    bool emits, adds; /* in wrong_phase, instead of failing */
    char hosts[80];
};
struct number_range {
    int64_t next, end;
};
struct number_reader {
    struct number_range range;
    char *scratch;
};

enum { LONG_TEXT_BYTES = 5 << 20, LONG_TEXT_ID = 777 };
static atomic_int opened, closed;

static size_t text_bytes_of(int64_t id)
{
    return id == LONG_TEXT_ID ? LONG_TEXT_BYTES : (size_t)(id % 41);
}

static bool real_is_there(int64_t id) { return id % 3 != 0; }

static double real_of(int64_t id)
{
    return id % 7 == 1 ? (double)NAN : id % 7 == 2 ? -0.0 : (double)id / 4;
}

BARKS_SOURCE(number_source, numbered, struct number_reader, struct numbers)
{
    if (phase == env->wrong_phase && (split == NULL || split->index == env->wrong_split)) {
        if (phase == BARKS_OPEN)
            opened++;
        if (phase == BARKS_CLOSE) {
            closed++;
            free(state->scratch);
        }
        if (env->emits)
            emit(.id = -1);
        else if (env->adds)
            barks_add_split(env, 1);
        else
            fail("phase %d is wrong", phase);
        return;
    }
    switch (phase) {
    case BARKS_LIST_SPLITS:
        for (int64_t first = 0; first < env->count; first += env->rows_per_split) {
            int64_t left = env->count - first;
            struct number_range range = {
                first, first + (left < env->rows_per_split ? left : env->rows_per_split)};
            barks_add_split(&range, sizeof range, .bytes = env->bytes_per_split,
                            .hosts = env->hosts[0] != '\0' ? env->hosts : NULL);
        }
        break;
    case BARKS_OPEN:
        opened++;
        if (split->data_bytes != sizeof state->range || split->bytes != env->bytes_per_split)
            fail("split %u is not as it was listed", split->index);
        memcpy(&state->range, split->data, sizeof state->range);
        state->scratch = malloc(LONG_TEXT_BYTES);
        break;
    case BARKS_NEXT:
        for (int n = 0; n < 1500 && (state->range.next < state->range.end || env->is_endless);
             n++, state->range.next++) {
            int64_t id = state->range.next;
            size_t length = text_bytes_of(id);
            const int32_t digits[] = {(int32_t)(id % 10), (int32_t)(id / 10 % 10)};
            memset(state->scratch, 'a' + (int)(id % 26), length);
            emit(.id = id, .real = {.valid = real_is_there(id), .value = real_of(id)},
                 .text = barks_str_make(out, state->scratch, length),
                 .digits = {.items = digits, .count = (uint32_t)(id % 3)});
        }
        break;
    case BARKS_CLOSE:
        closed++;
        free(state->scratch);
        break;
    default:
        fail("phase %d is none of a source", phase);
    }
}

static void expect_numbered(const struct numbered *row, int64_t id)
{
    size_t length = text_bytes_of(id);
    ck_assert_int_eq(row->id, id);
    ck_assert_int_eq(row->real.valid, real_is_there(id));
    double real = real_is_there(id) ? real_of(id) : 0;
    ck_assert(memcmp(&row->real.value, &real, sizeof real) == 0 ||
              (isnan(real) && isnan(row->real.value)));
    ck_assert_uint_eq(row->text.length, length);
    for (size_t i = 0; i < length; i += 1 + length / 50)
        ck_assert_int_eq(barks_str_bytes(&row->text)[i], 'a' + (int)(id % 26));
    ck_assert_uint_eq(row->digits.count, (uint32_t)(id % 3));
    for (uint32_t i = 0; i < row->digits.count; i++)
        ck_assert_int_eq(row->digits.items[i], i == 0 ? id % 10 : id / 10 % 10);
}

SHAPES(rows_of_a_source_are_those_of_a_loop)
{
    uint64_t seed = property_seed();
    for (int run = 0; run < 6; run++) {
        static const int64_t counts[] = {0, 1, 700, 2048, 5000, 9000};
        struct numbers numbers = {.count = counts[run],
                                  .rows_per_split = 1 + (int64_t)(property_next(&seed) % 3000),
                                  .bytes_per_split = property_next(&seed) % 2 * 1000};
        int64_t count = 0;
        uint32_t splits =
            (uint32_t)((numbers.count + numbers.rows_per_split - 1) / numbers.rows_per_split);
        opened = closed = 0;
        if (run % 2 != 0) { /* a wish that nobody can fulfil, and one that somebody can */
            snprintf(numbers.hosts, sizeof numbers.hosts, "no-such-host.example,");
            gethostname(numbers.hosts + strlen(numbers.hosts), 50);
        }
        barks_rdd *rdd = barks_read_custom(context, number_source, &numbers);
        /* 1,000 bytes and 32 KiB each, into 64 KiB */
        ck_assert_uint_eq(barks_partition_count(rdd), splits);
        struct numbered *rows = barks_collect(rdd, numbered, &count);
        ck_assert_ptr_nonnull(rows);
        ck_assert_int_eq(count, numbers.count);
        for (int64_t i = 0; i < count; i++)
            expect_numbered(&rows[i], i);
        ck_assert_int_eq(opened, (int)splits);
        ck_assert_int_eq(closed, (int)splits);
        barks_release(context, rows);
    }
}

/* Neighbours share partitions up to --barks-split-bytes, 64 KiB here; order stays. */
SHAPES(small_splits_share_partitions)
{
    struct numbers numbers = {.count = 1000, .rows_per_split = 100, .bytes_per_split = 1};
    int64_t count = 0;
    ck_assert_uint_eq(barks_partition_count(barks_read_custom(context, number_source, &numbers)),
                      10);
    struct numbers large = {.count = 1000, .rows_per_split = 100, .bytes_per_split = UINT64_MAX};
    ck_assert_uint_eq(barks_partition_count(barks_read_custom(context, number_source, &large)), 10);
    barks_rdd *rdd = barks_coalesce(barks_read_custom(context, number_source, &numbers), 3);
    struct numbered *rows = barks_collect(barks_sort_by(rdd, "id desc"), numbered, &count);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(count, 1000);
    for (int64_t i = 0; i < count; i++)
        expect_numbered(&rows[i], 999 - i);
}

/* Whoever wants no more rows has the split closed. */
SHAPES(a_source_is_closed_early)
{
    struct numbers numbers = {.count = 1000, .rows_per_split = 100, .is_endless = true};
    int64_t count = 0;
    opened = closed = 0;
    struct numbered *rows =
        barks_take(barks_read_custom(context, number_source, &numbers), 50, numbered, &count);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(count, 50);
    expect_numbered(&rows[49], 49);
    ck_assert_int_gt(opened, 0);
    ck_assert_int_eq(opened, closed);
}

SHAPES(a_cancelled_source_is_closed)
{
    struct numbers numbers = {.count = 8, .rows_per_split = 1, .is_endless = true};
    opened = closed = 0;
    barks_future *future = barks_count_async(barks_read_custom(context, number_source, &numbers));
    ck_assert_ptr_nonnull(future);
    while (opened == 0)
        usleep(1000);
    barks_cancel(future);
    ck_assert(!barks_wait(future));
    barks_status_free(barks_take_error(context));
    ck_assert_int_eq(opened, closed);
}

static void expect_words(barks_context *context, const char *const *words)
{
    char text[2048];
    barks_status *error = barks_take_error(context);
    ck_assert_ptr_nonnull(error);
    barks_status_format(error, text, sizeof text);
    for (; *words != NULL; words++)
        ck_assert_msg(strstr(text, *words) != NULL, "no '%s' in: %s", *words, text);
    barks_status_free(error);
}
#define EXPECT_WORDS(context, ...) expect_words((context), (const char *const[]){__VA_ARGS__, NULL})

SHAPES(errors_of_a_source_say_split_and_row)
{
    struct numbers numbers = {.count = 6000, .rows_per_split = 1000, .wrong_split = 4};
    static const struct {
        int phase;
        const char *words;
    } phases[] = {
        {BARKS_LIST_SPLITS, "listing its splits"},
        {BARKS_OPEN, "opening split 4 after 0 of its rows"},
        {BARKS_NEXT, "reading split 4 after 0 of its rows"},
        {BARKS_CLOSE, "closing split 4 after 1000 of its rows"},
    };
    for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++) {
        char wrong[40];
        opened = closed = 0;
        numbers.wrong_phase = phases[i].phase;
        snprintf(wrong, sizeof wrong, "phase %d is wrong", numbers.wrong_phase);
        ck_assert_int_eq(barks_count(barks_read_custom(context, number_source, &numbers)), -1);
        EXPECT_WORDS(context, phases[i].words, "'number_source'", "test_custom.c:", wrong);
        ck_assert_int_eq(opened, closed);
    }
    numbers.wrong_phase = BARKS_OPEN;
    numbers.emits = true;
    ck_assert_int_eq(barks_count(barks_read_custom(context, number_source, &numbers)), -1);
    EXPECT_WORDS(context, "it emits rows while opening", "BARKS_NEXT");
    numbers.emits = false;
    numbers.adds = true;
    ck_assert_int_eq(barks_count(barks_read_custom(context, number_source, &numbers)), -1);
    EXPECT_WORDS(context, "barks_add_split works in BARKS_LIST_SPLITS only");
    ck_assert_int_eq(barks_count(barks_read_custom(context, number_source, NULL)), -1);
    EXPECT_WORDS(context, "'number_source' wants an env");
    ck_assert_int_eq(opened, closed);
}

BARKS_MAP(fail_at, numbered, numbered)
{
    *out = *in;
    if (in->id == 1700)
        fail("row 1700");
}

SHAPES(errors_of_functions_say_where_a_source_stands)
{
    struct numbers numbers = {.count = 6000, .rows_per_split = 2000};
    opened = closed = 0;
    barks_rdd *rdd = barks_map(barks_read_custom(context, number_source, &numbers), fail_at, NULL);
    ck_assert_int_eq(barks_count(rdd), -1);
    EXPECT_WORDS(context, "rows from number 1500 on of split 0 of 'number_source'", "row 1700");
    ck_assert_int_eq(opened, closed);
}

struct no_state {
    char unused;
};

BARKS_SOURCE(much_source, numbered, struct no_state)
{
    if (phase == BARKS_LIST_SPLITS)
        barks_add_split(split, (size_t)BARKS_SPLIT_BYTES_MAX + 1);
}

SHAPES(a_split_is_described_by_few_bytes)
{
    ck_assert_int_eq(barks_count(barks_read_custom(context, much_source, NULL)), -1);
    EXPECT_WORDS(context, "split 0 is described by 16777217 bytes; the limit is 16777216");
}

/* ---- a sink of files ---- */

BARKS_RECORD(kept_number, (i64, id), (str, text));

struct folder {
    char path[200];
    int wrong_phase; /* that fails, in partition wrong_partition */
    uint32_t wrong_partition;
};
struct folder_part {
    FILE *file;
    char path[400];
};
static atomic_int begun, parts_opened, parts_committed, parts_aborted, jobs_committed, jobs_aborted;

static void remove_files(const char *path)
{
    char name[600];
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.') {
            snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
            unlink(name);
        }
    if (folder != NULL)
        closedir(folder);
}

BARKS_SINK(folder_sink, kept_number, struct folder_part, struct folder)
{
    char path[400];
    snprintf(path, sizeof path, "%.200s/%s", env->path, part->name != NULL ? part->name : "all");
    begun += phase == BARKS_BEGIN_JOB;
    parts_opened += phase == BARKS_OPEN;
    if (phase == env->wrong_phase &&
        (part->name == NULL || part->partition == env->wrong_partition))
        fail("phase %d is wrong", phase);
    switch (phase) {
    case BARKS_BEGIN_JOB:
        if (mkdir(env->path, 0777) != 0)
            fail("cannot make '%s'", env->path);
        break;
    case BARKS_OPEN:
        snprintf(state->path, sizeof state->path, "%.200s/.%s", env->path, part->attempt_name);
        state->file = fopen(state->path, "wx"); /* no other attempt ever has this name */
        if (state->file == NULL)
            fail("cannot write '%s'", state->path);
        break;
    case BARKS_BATCH:
        for (uint32_t i = 0; i < batch->row_count; i++)
            fprintf(state->file, "%lld %.*s\n", (long long)batch->id[i], (int)batch->text[i].length,
                    barks_str_bytes(&batch->text[i]));
        break;
    case BARKS_CLOSE: {
        FILE *file = state->file;
        state->file = NULL;
        if (fclose(file) != 0)
            fail("cannot write '%s'", state->path);
        break;
    }
    case BARKS_COMMIT:
        parts_committed++;
        if (rename(state->path, path) != 0)
            fail("cannot rename '%s'", state->path);
        break;
    case BARKS_ABORT:
        parts_aborted++;
        if (state->file != NULL)
            fclose(state->file);
        if (state->path[0] != '\0')
            unlink(state->path);
        unlink(path);
        break;
    case BARKS_COMMIT_JOB: {
        FILE *file = fopen(path, "w");
        for (uint32_t i = 0; i < part->committed_count; i++)
            fprintf(file, "%u %llu\n", part->committed[i].partition,
                    (unsigned long long)part->committed[i].row_count);
        fclose(file);
        jobs_committed++;
        break;
    }
    case BARKS_ABORT_JOB:
        jobs_aborted++;
        remove_files(env->path);
        rmdir(env->path);
        break;
    default:
        fail("phase %d is none of a sink", phase);
    }
}

static void make_folder(struct folder *folder)
{
    *folder = (struct folder){0};
    snprintf(folder->path, sizeof folder->path, "custom-%ld-%llx", (long)getpid(),
             (unsigned long long)property_seed());
    begun = parts_opened = parts_committed = parts_aborted = jobs_committed = jobs_aborted = 0;
}

/* The file of a partition is that of a loop; returns its rows. */
static int64_t expect_part(const struct folder *folder, uint32_t partition, int64_t first,
                           int64_t end)
{
    char path[300], *line = NULL;
    size_t capacity = 0;
    int64_t id = first;
    snprintf(path, sizeof path, "%s/part-%05u", folder->path, partition);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "no %s", path);
    while (getline(&line, &capacity, file) > 0) {
        char *rest = NULL;
        ck_assert_int_eq(strtoll(line, &rest, 10), id);
        ck_assert_uint_eq(strlen(rest), text_bytes_of(id) + 2);
        id++;
    }
    ck_assert_int_eq(id, end);
    free(line);
    fclose(file);
    return id - first;
}

SHAPES(a_sink_gets_every_partition_once)
{
    struct numbers numbers = {.count = 7000, .rows_per_split = 1000};
    struct folder folder;
    char line[100], path[300], expected[100];
    make_folder(&folder);
    ck_assert(barks_write_custom(barks_read_custom(context, number_source, &numbers), folder_sink,
                                 &folder));
    snprintf(path, sizeof path, "%s/all", folder.path);
    FILE *all = fopen(path, "r");
    ck_assert_ptr_nonnull(all);
    for (uint32_t p = 0; p < 7; p++) {
        int64_t count = expect_part(&folder, p, 1000 * (int64_t)p, 1000 * (int64_t)p + 1000);
        snprintf(expected, sizeof expected, "%u %lld\n", p, (long long)count);
        ck_assert_ptr_nonnull(fgets(line, sizeof line, all));
        ck_assert_str_eq(line, expected);
    }
    ck_assert_ptr_null(fgets(line, sizeof line, all));
    fclose(all);
    ck_assert_int_eq(begun, 1);
    ck_assert_int_eq(parts_opened, 7);
    ck_assert_int_eq(parts_committed, 7);
    ck_assert_int_eq(parts_aborted + jobs_aborted, 0);
    ck_assert_int_eq(jobs_committed, 1);
    remove_files(folder.path);
    rmdir(folder.path);
}

/* Also what comes of an exchange, empty partitions, and none at all. */
SHAPES(a_sink_gets_empty_partitions)
{
    for (int64_t count = 0; count < 2; count++) {
        struct numbers numbers = {.count = count, .rows_per_split = 1};
        struct folder folder;
        make_folder(&folder);
        barks_rdd *rdd = barks_read_custom(context, number_source, &numbers);
        ck_assert(barks_write_custom(rdd, folder_sink, &folder));
        ck_assert_int_eq(parts_committed, (int)count);
        remove_files(folder.path);
        rmdir(folder.path);
        make_folder(&folder);
        barks_rdd *spread = barks_sort_by(rdd, "id", .partitions = 5);
        barks_future *future = barks_write_custom_async(spread, folder_sink, &folder);
        ck_assert(barks_wait(future));
        ck_assert_int_eq(parts_committed, 5);
        ck_assert_int_eq(jobs_committed, 1);
        remove_files(folder.path);
        rmdir(folder.path);
    }
}

SHAPES(a_sink_that_fails_leaves_nothing)
{
    static const struct {
        int phase;
        const char *words;
    } phases[] = {
        {BARKS_BEGIN_JOB, "beginning the job"},
        {BARKS_OPEN, "opening part 3 after 0 of its rows"},
        {BARKS_BATCH, "writing part 3 after 0 of its rows"},
        {BARKS_CLOSE, "closing part 3 after 1000 of its rows"},
        {BARKS_COMMIT, "committing part 3 after 1000 of its rows"},
        {BARKS_COMMIT_JOB, "committing the job"},
    };
    struct numbers numbers = {.count = 7000, .rows_per_split = 1000};
    barks_rdd *rdd = barks_read_custom(context, number_source, &numbers);
    for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++) {
        struct folder folder;
        char wrong[40];
        make_folder(&folder);
        folder.wrong_phase = phases[i].phase;
        folder.wrong_partition = 3;
        snprintf(wrong, sizeof wrong, "phase %d is wrong", folder.wrong_phase);
        ck_assert(!barks_write_custom(rdd, folder_sink, &folder));
        EXPECT_WORDS(context, phases[i].words, "'folder_sink'", "test_custom.c:", wrong);
        ck_assert_int_eq(jobs_committed, 0);
        ck_assert_int_eq(jobs_aborted, 1);
        bool is_of_job =
            folder.wrong_phase == BARKS_BEGIN_JOB || folder.wrong_phase == BARKS_COMMIT_JOB;
        ck_assert_int_eq(parts_aborted > 0, !is_of_job);
        ck_assert_int_ge(parts_aborted + parts_committed, parts_opened);
        ck_assert_int_ne(access(folder.path, F_OK), 0);
    }
}

/* A failure anywhere before the sink aborts it. */
SHAPES(a_job_that_fails_aborts_its_sink)
{
    struct numbers numbers = {.count = 7000, .rows_per_split = 1000};
    struct folder folder;
    make_folder(&folder);
    barks_rdd *rdd = barks_map(barks_read_custom(context, number_source, &numbers), fail_at, NULL);
    ck_assert(!barks_write_custom(rdd, folder_sink, &folder));
    EXPECT_WORDS(context, "row 1700");
    ck_assert_int_eq(jobs_aborted, 1);
    ck_assert_int_gt(parts_aborted, 0);
    ck_assert_int_ne(access(folder.path, F_OK), 0);
    ck_assert(!barks_write_custom(barks_rename(rdd, "text as words"), folder_sink, &folder));
    EXPECT_WORDS(context, "folder_sink wants a field 'text'");
    ck_assert(!barks_write_custom(rdd, folder_sink, NULL));
    EXPECT_WORDS(context, "'folder_sink' wants an env");
    ck_assert_int_eq(begun, 1);
}

/* Whose aborting fails: the first reason is what is told. */
BARKS_SINK(sink_that_cannot_abort, kept_number, struct no_state)
{
    if (phase == BARKS_CLOSE)
        fail("the first reason");
    if (phase == BARKS_ABORT || phase == BARKS_ABORT_JOB)
        fail("another reason");
}

SHAPES(a_failure_of_aborting_hides_no_other)
{
    struct numbers numbers = {.count = 10, .rows_per_split = 10};
    ck_assert(!barks_write_custom(barks_read_custom(context, number_source, &numbers),
                                  sink_that_cannot_abort, NULL));
    EXPECT_WORDS(context, "the first reason");
}

SUITE_MAIN("rdd/custom", ON_SHAPES(rows_of_a_source_are_those_of_a_loop),
           ON_SHAPES(small_splits_share_partitions), ON_SHAPES(a_source_is_closed_early),
           ON_SHAPES(a_cancelled_source_is_closed), ON_SHAPES(errors_of_a_source_say_split_and_row),
           ON_SHAPES(errors_of_functions_say_where_a_source_stands),
           ON_SHAPES(a_split_is_described_by_few_bytes),
           ON_SHAPES(a_sink_gets_every_partition_once), ON_SHAPES(a_sink_gets_empty_partitions),
           ON_SHAPES(a_sink_that_fails_leaves_nothing), ON_SHAPES(a_job_that_fails_aborts_its_sink),
           ON_SHAPES(a_failure_of_aborting_hides_no_other))
