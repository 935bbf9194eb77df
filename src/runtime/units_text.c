#include "runtime/units_text.h"

#include <stdio.h>

static void scale(double value, double step, const char *const *names, size_t name_count, char *out,
                  size_t out_bytes)
{
    size_t name = 0;
    for (; value >= step && name + 1 < name_count; name++)
        value /= step;
    snprintf(out, out_bytes, name == 0 ? "%.0f%s" : "%.3g%s", value, names[name]);
}

void text_of_count(double count, char *out, size_t out_bytes)
{
    static const char *const names[] = {"", " thousand", " M", " G", " T"};
    scale(count, 1000, names, sizeof names / sizeof *names, out, out_bytes);
}

void text_of_bytes(double bytes, char *out, size_t out_bytes)
{
    static const char *const names[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB"};
    scale(bytes, 1024, names, sizeof names / sizeof *names, out, out_bytes);
}
