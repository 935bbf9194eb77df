#include "base/units.h"

#include "base/checked.h"
#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct unit {
    const char *name;
    uint64_t size;
};

static const struct unit byte_units[] = {
    {"t", UINT64_C(1) << 40},
    {"g", UINT64_C(1) << 30},
    {"m", UINT64_C(1) << 20},
    {"k", UINT64_C(1) << 10},
    {"", 1},
};
static const struct unit duration_units[] = {
    {"d", 86400 * NS_PER_S},
    {"h", 3600 * NS_PER_S},
    {"m", 60 * NS_PER_S},
    {"s", NS_PER_S},
    {"ms", NS_PER_MS},
    {"us", NS_PER_US},
    {"ns", 1},
};

struct units_text units_bytes(uint64_t bytes)
{
    static const char *const names[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    struct units_text out;
    if (bytes < 1024) {
        snprintf(out.text, sizeof out.text, "%" PRIu64 " B", bytes);
        return out;
    }
    double value = (double)bytes / 1024;
    size_t name_index = 0;
    /* 1023.95 would be written as 1024.0. */
    while (value >= 1023.95 && name_index + 1 < sizeof names / sizeof *names) {
        value /= 1024;
        name_index++;
    }
    snprintf(out.text, sizeof out.text, "%.1f %s", value, names[name_index]);
    return out;
}

struct units_text units_duration(uint64_t ns)
{
    struct units_text out;
    uint64_t seconds = ns / NS_PER_S + (ns % NS_PER_S >= NS_PER_S / 2);
    if (ns < NS_PER_US)
        snprintf(out.text, sizeof out.text, "%" PRIu64 " ns", ns);
    else if (ns < 999950)
        snprintf(out.text, sizeof out.text, "%.1f us", (double)ns / 1e3);
    else if (ns < 999950000)
        snprintf(out.text, sizeof out.text, "%.1f ms", (double)ns / 1e6);
    else if (ns < UINT64_C(59950) * NS_PER_MS)
        snprintf(out.text, sizeof out.text, "%.1f s", (double)ns / 1e9);
    else if (seconds < 3600)
        snprintf(out.text, sizeof out.text, "%" PRIu64 " m %02" PRIu64 " s", seconds / 60,
                 seconds % 60);
    else
        snprintf(out.text, sizeof out.text, "%" PRIu64 " h %02" PRIu64 " m", seconds / 3600,
                 seconds / 60 % 60);
    return out;
}

/* A whole number and whatever follows it in *out_rest. */
static bool parse_number(const char *text, uint64_t *out_number, const char **out_rest)
{
    uint64_t number = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (ckd_mul(&number, number, UINT64_C(10)) ||
            ckd_add(&number, number, (uint64_t)(*at - '0')))
            return false;
    }
    if (at == text)
        return false;
    *out_number = number;
    *out_rest = *at == ' ' ? at + 1 : at;
    return true;
}

bool units_parse_bytes(const char *text, uint64_t *out_bytes)
{
    uint64_t number = 0;
    const char *rest = NULL;
    if (!parse_number(text, &number, &rest))
        return false;
    for (size_t unit_index = 0; unit_index < sizeof byte_units / sizeof *byte_units; unit_index++) {
        const struct unit *unit = &byte_units[unit_index];
        size_t name_length = strlen(unit->name);
        if (strncasecmp(rest, unit->name, name_length) != 0)
            continue;
        const char *tail = rest + name_length;
        bool is_whole = *tail == '\0' || strcasecmp(tail, "b") == 0 ||
                        (name_length > 0 && strcasecmp(tail, "ib") == 0);
        return is_whole && !ckd_mul(out_bytes, number, unit->size);
    }
    return false;
}

bool units_parse_duration(const char *text, uint64_t *out_ns)
{
    uint64_t number = 0;
    const char *rest = NULL;
    if (!parse_number(text, &number, &rest))
        return false;
    for (size_t unit_index = 0; unit_index < sizeof duration_units / sizeof *duration_units;
         unit_index++) {
        const struct unit *unit = &duration_units[unit_index];
        if (strcmp(rest, unit->name) == 0)
            return !ckd_mul(out_ns, number, unit->size);
    }
    return number == 0 && *rest == '\0' && (*out_ns = 0, true);
}

/* In the largest unit of which value is a multiple. */
static struct units_text exact(uint64_t value, const struct unit *units, size_t unit_count)
{
    struct units_text out;
    size_t unit_index = 0;
    while (unit_index + 1 < unit_count && value % units[unit_index].size != 0)
        unit_index++;
    if (value == 0)
        snprintf(out.text, sizeof out.text, "0");
    else
        snprintf(out.text, sizeof out.text, "%" PRIu64 "%s", value / units[unit_index].size,
                 units[unit_index].name);
    return out;
}

struct units_text units_exact_bytes(uint64_t bytes)
{
    return exact(bytes, byte_units, sizeof byte_units / sizeof *byte_units);
}

struct units_text units_exact_duration(uint64_t ns)
{
    return exact(ns, duration_units, sizeof duration_units / sizeof *duration_units);
}
