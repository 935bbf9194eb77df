#include "runtime/visible_devices.h"

#include "base/buffer.h"
#include "base/scope.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEVICES_MAX = 64, TEXT_BYTES_MAX = 1 << 14 };

BARKS_CHECKED static barks_status *add(struct buffer *out, const char *name, size_t length,
                                       uint32_t index)
{
    char text[192];
    int bytes = snprintf(text, sizeof text, "%s%.*s=%" PRIu32, out->size_bytes > 0 ? "," : "",
                         (int)length, name, index);
    if (bytes <= 0 || (size_t)bytes >= sizeof text)
        return NULL; /* no device has such a name */
    return buffer_append(out, text, (size_t)bytes);
}

/* CUDA sees no device behind one that is none, "-1"; Slurm says so in words. */
static bool is_no_device(const char *name, size_t length)
{
    return length == 0 || name[0] == '-' || strncmp(name, "NoDevFiles", length) == 0;
}

BARKS_CHECKED static barks_status *add_places(struct buffer *out, const char *list)
{
    for (uint32_t place = 0; place < DEVICES_MAX; place++) {
        list += strspn(list, " ");
        size_t length = strcspn(list, ", ");
        if (is_no_device(list, length))
            return NULL;
        BARKS_TRY(add(out, list, length, place));
        list += length;
        list += strspn(list, ", ");
    }
    return NULL;
}

BARKS_CHECKED static barks_status *add_number(struct buffer *out, uint32_t number)
{
    char name[16];
    int length = snprintf(name, sizeof name, "%" PRIu32, number);
    return add(out, name, length > 0 ? (size_t)length : 0, number);
}

BARKS_CHECKED static barks_status *add_numbers(struct buffer *out, const char *list)
{
    while (*list >= '0' && *list <= '9') {
        char *end = NULL;
        unsigned long first = strtoul(list, &end, 10), last = first;
        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        for (unsigned long number = first; number <= last && number < DEVICES_MAX; number++)
            BARKS_TRY(add_number(out, (uint32_t)number));
        list = end + (*end == ',');
    }
    return NULL;
}

BARKS_CHECKED static barks_status *add_all(struct buffer *out)
{
    static const char *const places[] = {"CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"};
    static const char *const numbers[] = {"SLURM_STEP_GPUS", "SLURM_JOB_GPUS"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (getenv(places[i]) != NULL)
            return add_places(out, getenv(places[i]));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (getenv(numbers[i]) != NULL)
            return add_numbers(out, getenv(numbers[i]));
    const char *count = getenv("SLURM_GPUS_ON_NODE");
    unsigned long limit = count != NULL ? strtoul(count, NULL, 10) : 0;
    for (uint32_t number = 0; number < limit && number < DEVICES_MAX; number++)
        BARKS_TRY(add_number(out, number));
    return NULL;
}

barks_status *visible_devices(char **out_text)
{
    BARKS_AUTO(buffer) text = {.limit_bytes = TEXT_BYTES_MAX};
    *out_text = NULL;
    BARKS_TRY(add_all(&text));
    if (text.size_bytes == 0)
        return NULL;
    *out_text = strndup((const char *)text.data, text.size_bytes);
    if (*out_text == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for the names of devices");
    return NULL;
}
