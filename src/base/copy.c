#include "base/copy.h"

#include <stdlib.h>
#include <string.h>

barks_status *copy_bytes(const void *source, size_t size_bytes, void **out_copy)
{
    void *copy = calloc(1, size_bytes + 1);
    if (copy == NULL)
        BARKS_FAIL(BARKS_NO_MEMORY, "no memory for %zu bytes of a copy", size_bytes);
    if (source != NULL && size_bytes > 0)
        memcpy(copy, source, size_bytes);
    *out_copy = copy;
    return NULL;
}

barks_status *copy_text(const char *source, char **out_copy)
{
    *out_copy = NULL;
    if (source == NULL)
        return NULL;
    void *copy = NULL;
    BARKS_TRY(copy_bytes(source, strlen(source), &copy));
    *out_copy = copy;
    return NULL;
}
