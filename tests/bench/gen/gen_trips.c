/* gen_trips BYTES SEED: CSV of ten columns as exports have them, until BYTES are written: two
 * integers, an identifier, a time, two decimals, a city, a flag, an optional integer, and a remark
 * that stands in quotes now and then. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t next(uint64_t *state)
{
    uint64_t x = (*state += UINT64_C(0x9e3779b97f4a7c15));
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

int main(int argc, char **argv)
{
    static const char *const cities[] = {"Berlin", "Hamburg",          "Koeln", "Frankfurt am Main",
                                         "Ulm",    "Garmisch-Partenk", "Bonn",  "Dresden"};
    static const char *const remarks[] = {
        "", "paid in cash", "\"late, as always\"", "ok", "\"said \"\"never again\"\"\"", "card",
        "", "none"};
    if (argc != 3)
        return fprintf(stderr, "usage: gen_trips BYTES SEED\n"), 2;
    uint64_t bytes_max = strtoull(argv[1], NULL, 0), random = strtoull(argv[2], NULL, 0);
    uint64_t bytes = 0;
    printf("id,vehicle,code,start,distance,fare,city,shared,passengers,remark\n");
    for (uint64_t id = 1; bytes < bytes_max; id++) {
        uint64_t a = next(&random), b = next(&random);
        char passengers[8] = "";
        if (b % 7 != 0)
            snprintf(passengers, sizeof passengers, "%u", (unsigned)(b % 5 + 1));
        int written = printf(
            "%" PRIu64 ",%u,T%08x,2024-%02u-%02u %02u:%02u:%02u,%u.%02u,%u.%u,%s,%s,%s,%s\n", id,
            (unsigned)(a % 100000), (unsigned)(a >> 32), (unsigned)(a % 12 + 1),
            (unsigned)(a % 28 + 1), (unsigned)(a % 24), (unsigned)(b % 60), (unsigned)(b % 59),
            (unsigned)(b % 90), (unsigned)(a % 100), (unsigned)(b % 300), (unsigned)(a % 10),
            cities[a >> 61], b % 2 ? "true" : "false", passengers, remarks[b >> 61]);
        if (written < 0)
            return 1;
        bytes += (uint64_t)written;
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
