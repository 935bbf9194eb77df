/* Jobs that go wrong in ways that a user's program can: failing_job MODE [OUTPUT]
 *   body       a body reports an error at row 777 of 1,000
 *   flaky      the same, but only the first time
 *   changing   the same, with other words each time
 *   stuck      the first attempt at row 777 goes on until it is cancelled
 *   field      a function wants a field that the dataset does not have
 *   segv, bus, fpe, ill, abrt, stack
 *              a body that emits gets this signal at row 777, or uses up its stack
 *   once       the same as segv, but only in the first attempt
 *   killed     a body ends its process by SIGKILL at row 777, as the kernel does for want of memory
 *   map        a body without emit gets SIGSEGV there
 *   finalized  an action after barks_finalize
 *   twice      barks_finalize is called twice
 * The exit status is what barks_finalize says, as in any job; with "finalized" 0 if the late action
 * succeeded. */
#include <barks/barks.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

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

/* What the crashing body does; a setting of the process, since every rank has the same arguments.
 */
static const char *crash = "";

static void read_behind_the_end(void)
{
    FILE *empty = tmpfile();
    char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fileno(empty), 0);
    putchar(page[0]);
}

static int use_up(volatile int *depth)
{
    volatile int room[256];
    room[0] = *depth + 1;
    return *depth < 0 ? 0 : use_up(room) + room[0]; /* it never is */
}

/* Sanitizers would tell of it themselves. */
__attribute__((noinline, no_sanitize("undefined", "address", "thread"))) static void crash_now(void)
{
    volatile int zero = 0;
    volatile int *volatile nowhere = NULL;
    if (strcmp(crash, "segv") == 0 || strcmp(crash, "map") == 0 || strcmp(crash, "once") == 0)
        *nowhere = 1;
    if (strcmp(crash, "killed") == 0)
        (void)raise(SIGKILL);
    if (strcmp(crash, "bus") == 0)
        read_behind_the_end();
    if (strcmp(crash, "fpe") == 0)
        zero = 7 / zero;
    if (strcmp(crash, "ill") == 0)
        __builtin_trap();
    if (strcmp(crash, "abrt") == 0)
        abort();
    if (strcmp(crash, "stack") == 0)
        zero = use_up(&zero);
}

BARKS_FLAT_MAP(crash_at_one, number, text)
{
    if (in->value == REFUSED && (strcmp(crash, "once") != 0 || barks_task()->attempt == 0))
        crash_now();
    emit(.text = BARKS_STR_LITERAL("fine"));
}

BARKS_MAP(crash_in_map, number, text)
{
    if (in->value == REFUSED)
        crash_now();
    out->text = BARKS_STR_LITERAL("fine");
}

BARKS_MAP(refuse_once, number, text)
{
    if (in->value == REFUSED && barks_task()->attempt == 0)
        fail("row %lld is refused", (long long)in->value);
    out->text = BARKS_STR_LITERAL("fine");
}

BARKS_MAP(refuse_in_other_words, number, text)
{
    if (in->value == REFUSED)
        fail("row %lld is refused for reason %u", (long long)in->value, barks_task()->attempt);
    out->text = BARKS_STR_LITERAL("fine");
}

BARKS_MAP(stick_once, number, text)
{
    while (in->value == REFUSED && barks_task()->attempt == 0)
        if (barks_cancelled())
            fail("row %lld was cancelled", (long long)in->value);
    out->text = BARKS_STR_LITERAL("fine");
}

BARKS_MAP(name_of, named_number, text) { out->text = in->name; }

int main(int argc, char **argv)
{
    crash = argc > 1 ? argv[1] : ""; /* executors never come back from barks_init */
    barks_context *ctx = barks_init(&argc, &argv);
    const char *mode = argc > 1 ? argv[1] : "", *output = argc > 2 ? argv[2] : "unused";
    static struct number numbers[ROWS];
    for (int64_t i = 0; i < ROWS; i++)
        numbers[i].value = i;
    barks_rdd *rows = barks_parallelize(ctx, number, numbers, ROWS, PARTITIONS);
    if (strcmp(mode, "body") == 0)
        (void)barks_write_text(barks_map(rows, refuse_one, NULL), output);
    if (strcmp(mode, "flaky") == 0)
        (void)barks_write_text(barks_map(rows, refuse_once, NULL), output);
    if (strcmp(mode, "changing") == 0)
        (void)barks_write_text(barks_map(rows, refuse_in_other_words, NULL), output);
    if (strcmp(mode, "stuck") == 0)
        (void)barks_write_text(barks_map(rows, stick_once, NULL), output);
    if (strcmp(mode, "field") == 0)
        (void)barks_write_text(barks_map(rows, name_of, NULL), output);
    static const char *const crashes[] = {"segv", "bus",   "fpe",  "ill",
                                          "abrt", "stack", "once", "killed"};
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
        if (strcmp(mode, crashes[i]) == 0)
            (void)barks_write_text(barks_flat_map(rows, crash_at_one, NULL), output);
    if (strcmp(mode, "map") == 0)
        (void)barks_write_text(barks_map(rows, crash_in_map, NULL), output);
    int status = barks_finalize(ctx);
    if (strcmp(mode, "finalized") == 0)
        status = barks_count(rows) < 0 ? 1 : 0;
    if (strcmp(mode, "twice") == 0)
        status = barks_finalize(ctx);
    return status;
}
