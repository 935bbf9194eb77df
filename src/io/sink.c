#include "io/sink.h"

#include <stddef.h>
#include <string.h>

const struct sink_format *sink_format_find(const char *name)
{
    static const struct sink_format *const formats[] = {&csv_format, &text_format, &json_format,
                                                        &fixed_format, &batches_format};
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
    return NULL;
}
