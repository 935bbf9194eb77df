/* The pages with most errors in each hour of web server logs: log_analysis INPUT... OUTPUT
 * Lines are in the common or combined format: HOST - USER [10/Oct/2000:13:55:36 -0700] "GET /page
 * HTTP/1.0" 404 2326; status 400 and above is an error. */
#include <barks/barks.h>
#include <stdio.h>
#include <string.h>

enum { TOP = 10, HOUR_BYTES = 14 }; /* of "10/Oct/2000:13" */

BARKS_RECORD(line, (str, text));
BARKS_RECORD(page_errors, (str, hour), (str, page), (i64, errors));

/* What stands between two marks, from *at on; *at moves to the second one. */
static bool between(barks_str text, size_t *at, char open, char close, barks_str *out)
{
    const char *bytes = barks_str_bytes(&text), *end = bytes + text.length;
    const char *first = memchr(bytes + *at, open, text.length - *at);
    const char *last = first != NULL ? memchr(first + 1, close, (size_t)(end - first) - 1) : NULL;
    if (last == NULL)
        return false;
    *out = barks_str_slice(text, (size_t)(first + 1 - bytes), (size_t)(last - first) - 1);
    *at = (size_t)(last - bytes);
    return true;
}

BARKS_FLAT_MAP(find_errors, line, page_errors)
{
    size_t at = 0, in_request = 0;
    barks_str time, request, status, page;
    int64_t code = 0;
    bool good = between(in->text, &at, '[', ']', &time) && time.length >= HOUR_BYTES &&
                between(in->text, &at, '"', '"', &request) &&
                between(in->text, &at, ' ', ' ', &status) && barks_str_to_i64(status, &code);
    if (good && code >= 400 && between(request, &in_request, ' ', ' ', &page))
        emit(.hour = barks_str_slice(time, 0, HOUR_BYTES), .page = page, .errors = 1);
}

BARKS_REDUCE(add_errors, page_errors) { acc->errors += in->errors; }

BARKS_GROUP(keep_first, page_errors, page_errors)
{
    struct page_errors row;
    for (int i = 0; i < TOP && barks_next_row(rows, &row); i++)
        emit(.hour = row.hour, .page = row.page, .errors = row.errors);
}

int main(int argc, char **argv)
{
    barks_context *ctx = barks_init(&argc, &argv);
    if (argc < 3) {
        bool help = argc == 2 && strcmp(argv[1], "--help") == 0;
        fputs("usage: log_analysis INPUT... OUTPUT\nWrites the ten pages with most errors in each "
              "hour of web server logs to OUTPUT/part-*.csv.\n",
              help ? stdout : stderr);
        return barks_finalize(ctx) + (help ? 0 : 2);
    }
    barks_rdd *lines = barks_read_text_paths(ctx, argv + 1, (size_t)argc - 2);
    barks_rdd *errors =
        barks_reduce_by_key(barks_flat_map(lines, find_errors, NULL), "hour, page", add_errors);
    barks_rdd *top = barks_group_with(errors, "hour", keep_first, .order = "errors desc, page");
    barks_write_csv(barks_sort_by(top, "hour, errors desc, page"), argv[argc - 1]);
    return barks_finalize(ctx);
}
