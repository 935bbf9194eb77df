/* Counts words: wordcount INPUT... OUTPUT [--top N] [--overwrite]
 * A word is a maximal run of bytes other than space, \t, \n, \v, \f and \r. */
#include <barks/barks.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

BARKS_RECORD(line, (str, text));
BARKS_RECORD(word_count, (str, word), (i64, count));

BARKS_FLAT_MAP(split_words, line, word_count)
{
    barks_words words = barks_words_of(in->text);
    barks_str word;
    while (barks_next_word(&words, &word))
        emit(.word = word, .count = 1);
}

BARKS_REDUCE(add_counts, word_count) { acc->count += in->count; }

static const char usage[] =
    "usage: wordcount INPUT... OUTPUT [--top N] [--overwrite]\n"
    "Counts the words of text files into OUTPUT/part-*.csv (word,count).\n"
    "--top N also prints the N most frequent words; --barks-help lists what every job takes.\n";

int main(int argc, char **argv)
{
    barks_context *ctx = barks_init(&argc, &argv);
    int64_t top = 0, found = 0;
    bool overwrite = false, help = false;
    size_t path_count = 0; /* the paths are moved to the front of argv */
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            help = true;
        else if (strcmp(argv[i], "--overwrite") == 0)
            overwrite = true;
        else if (strcmp(argv[i], "--top") == 0 && i + 1 < argc)
            top = strtoll(argv[++i], NULL, 10);
        else
            argv[path_count++] = argv[i];
    }
    if (help || path_count < 2) {
        fputs(usage, help ? stdout : stderr);
        return barks_finalize(ctx) + (help ? 0 : 2);
    }
    barks_rdd *lines = barks_read_text_paths(ctx, argv, path_count - 1);
    barks_rdd *words = barks_flat_map(lines, split_words, NULL);
    barks_rdd *counts = barks_reduce_by_key(words, "word", add_counts);
    bool written = barks_write_csv(counts, argv[path_count - 1], .overwrite = overwrite);
    if (written && top > 0) {
        struct word_count *rows = barks_top(counts, top, "count desc, word", word_count, &found);
        for (int64_t i = 0; i < found; i++)
            printf("%10lld  " BARKS_STR_FORMAT "\n", (long long)rows[i].count,
                   BARKS_STR_ARG(rows[i].word));
    }
    return barks_finalize(ctx);
}
