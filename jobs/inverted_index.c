/* Which files hold a word, and how often: inverted_index INPUT OUTPUT
 * Words are runs of bytes other than spaces; a file is read as a whole. */
#include <barks/barks.h>
#include <stdio.h>
#include <string.h>

BARKS_RECORD(posting, (str, word), (str, path), (i64, count));

BARKS_FLAT_MAP(split_words, barks_file, posting)
{
    barks_words words = barks_words_of(in->content);
    barks_str word;
    while (barks_next_word(&words, &word))
        emit(.word = word, .path = in->path, .count = 1);
}

BARKS_REDUCE(add_counts, posting) { acc->count += in->count; }

int main(int argc, char **argv)
{
    barks_context *ctx = barks_init(&argc, &argv);
    if (argc != 3) {
        bool help = argc == 2 && strcmp(argv[1], "--help") == 0;
        fputs(
            "usage: inverted_index INPUT OUTPUT\nWrites a line of JSON for each word of the files "
            "to OUTPUT/part-*.json:\n{\"word\":...,\"path\":[...],\"count\":[...]}\n",
            help ? stdout : stderr);
        return barks_finalize(ctx) + (help ? 0 : 2);
    }
    barks_rdd *words =
        barks_flat_map(barks_read_whole(ctx, argv[1], .recursive = true), split_words, NULL);
    barks_rdd *counts = barks_reduce_by_key(words, "word, path", add_counts);
    barks_rdd *lists = barks_group_by_key(counts, "word", .order = "path");
    barks_write_json(barks_sort_by(lists, "word"), argv[2]);
    return barks_finalize(ctx);
}
