/* Jobs that go wrong in ways that a user's program can: failing_job MODE [OUTPUT]
 *   body       a body reports an error at row 777 of 1,000
 *   field      a function wants a field that the dataset does not have
 *   finalized  an action after barks_finalize
 *   twice      barks_finalize is called twice
 * The exit status is what barks_finalize says, as in any job; with "finalized" 0 if the late action
 * succeeded. */
#include <barks/barks.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 1000, PARTITIONS = 10, REFUSED = 777 };

BARKS_RECORD(number, (i64, value));
BARKS_RECORD(named_number, (i64, value), (str, name));
BARKS_RECORD(text, (str, text));

BARKS_MAP(refuse_one, number, text)
{
    if (in->value == REFUSED)
        fail("row %lld is refused", (long long)in->value);
    out->text = BARKS_STR_LITERAL("fine");
}

BARKS_MAP(name_of, named_number, text) { out->text = in->name; }

int main(int argc, char **argv)
{
    barks_context *ctx = barks_init(&argc, &argv);
    const char *mode = argc > 1 ? argv[1] : "", *output = argc > 2 ? argv[2] : "unused";
    static struct number numbers[ROWS];
    for (int64_t i = 0; i < ROWS; i++)
        numbers[i].value = i;
    barks_rdd *rows = barks_parallelize(ctx, number, numbers, ROWS, PARTITIONS);
    if (strcmp(mode, "body") == 0)
        (void)barks_write_text(barks_map(rows, refuse_one, NULL), output);
    if (strcmp(mode, "field") == 0)
        (void)barks_write_text(barks_map(rows, name_of, NULL), output);
    int status = barks_finalize(ctx);
    if (strcmp(mode, "finalized") == 0)
        status = barks_count(rows) < 0 ? 1 : 0;
    if (strcmp(mode, "twice") == 0)
        status = barks_finalize(ctx);
    return status;
}
