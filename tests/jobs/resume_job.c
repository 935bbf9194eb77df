/* A job of several stages and actions, which dies where it is told to: resume_job INPUT OUTPUT
 * FACTOR
 *
 * Where a file DIE-PLACE lies in the directory of the input, whoever comes by PLACE removes it and
 * kills its own process: "split", "weigh", "sort", "write" on an executor, in the stages of these
 * names; "first", "second" on the driver, after the first and the second action. So each dies once.
 */
#include <barks/barks.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 512 };

BARKS_RECORD(line, (str, text));
BARKS_RECORD(word_count, (str, word), (i64, count));
BARKS_RECORD(weight, (i64, length), (i64, weight), (i64, words));
BARKS_RECORD(weighed, (str, word), (i64, count), (i64, length));

struct tools {
    char directory[PATH_BYTES];
    int64_t factor;
    barks_accumulator words, lengths;
    barks_broadcast least; /* words with a smaller count are no words */
};

static void die_at(const char *directory, const char *place)
{
    char path[PATH_BYTES + 64];
    snprintf(path, sizeof path, "%s/die-%s", directory, place);
    if (unlink(path) == 0)
        kill(getpid(), SIGKILL);
}

BARKS_FLAT_MAP(split_words, line, word_count, struct tools)
{
    barks_words words = barks_words_of(in->text);
    barks_str word;
    die_at(env->directory, "split");
    while (barks_next_word(&words, &word)) {
        barks_add(env->words, 1);
        emit(.word = word, .count = 1);
    }
}
BARKS_REDUCE(add_counts, word_count) { acc->count += in->count; }
BARKS_FLAT_MAP(weigh, word_count, weight, struct tools)
{
    int64_t count = 0;
    const struct word_count *least = barks_shared_rows(env->least, word_count, &count);
    die_at(env->directory, "weigh");
    if (count == 1 && in->count >= least->count)
        emit(.length = (int64_t)in->word.length, .weight = in->count * env->factor, .words = 1);
}
BARKS_REDUCE(add_weights, weight)
{
    acc->weight += in->weight;
    acc->words += in->words;
}
BARKS_MAP(measure, word_count, weighed, struct tools)
{
    die_at(env->directory, "sort");
    barks_add(env->lengths, (int64_t)in->word.length);
    out->word = in->word;
    out->count = in->count;
    out->length = (int64_t)in->word.length;
}

BARKS_FILTER(is_written, weighed, struct tools)
{
    (void)in;
    die_at(env->directory, "write");
    return true;
}

#ifdef WITH_VERSIONS
BARKS_VERSION(split_words, "1")
BARKS_VERSION(add_counts, "1")
BARKS_VERSION(weigh, "1")
BARKS_VERSION(add_weights, "1")
BARKS_VERSION(measure, "1")
BARKS_VERSION(is_written, "1")
#endif

int main(int argc, char **argv)
{
    struct tools tools = {.factor = argc > 3 ? strtoll(argv[3], NULL, 10) : 1};
    barks_context *context = barks_init(&argc, &argv);
    const char *slash = argc > 2 ? strrchr(argv[1], '/') : NULL;
    if (slash == NULL)
        return barks_finalize(context) + 2;
    snprintf(tools.directory, sizeof tools.directory, "%.*s", (int)(slash - argv[1]), argv[1]);
    tools.words = barks_counter(context, "words");
    tools.lengths = barks_counter(context, "lengths");
    barks_rdd *lines = barks_read_text(context, argv[1]);
    barks_rdd *counts =
        barks_reduce_by_key(barks_flat_map(lines, split_words, &tools), "word", add_counts);
    int64_t distinct = barks_count(counts);
    printf("%" PRId64 " distinct words of %" PRId64 "\n", distinct,
           barks_counter_value(context, tools.words));
    die_at(tools.directory, "first");
    struct word_count least = {.count = 2};
    tools.least = barks_broadcast_rows(context, word_count, &least, 1);
    barks_rdd *weights =
        barks_reduce_by_key(barks_flat_map(counts, weigh, &tools), "length", add_weights);
    int64_t found = 0;
    struct weight *rows = barks_top(weights, 5, "weight desc, length", weight, &found);
    for (int64_t i = 0; i < found; i++)
        printf("length %" PRId64 ": %" PRId64 " of %" PRId64 " words\n", rows[i].length,
               rows[i].weight, rows[i].words);
    die_at(tools.directory, "second");
    barks_rdd *measured = barks_map(counts, measure, &tools);
    barks_rdd *joined = barks_join(measured, barks_rename(weights, "words as others"), "length");
    barks_rdd *sorted = barks_sort_by(joined, "count desc, word");
    barks_write_csv(barks_filter(sorted, is_written, &tools), argv[2]);
    printf("lengths %" PRId64 "\n", barks_counter_value(context, tools.lengths));
    return barks_finalize(context);
}
