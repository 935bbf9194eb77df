/* A job that only waits: idle_bench SECONDS. What its processes then use is the cost of being
 * there. */
#include <barks/barks.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
    barks_context *ctx = barks_init(&argc, &argv);
    struct timespec rest = {.tv_sec = argc > 1 ? strtol(argv[1], NULL, 10) : 1};
    while (nanosleep(&rest, &rest) != 0)
        continue; /* a signal was delivered: sleep on */
    return barks_finalize(ctx);
}
