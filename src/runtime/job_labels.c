#include "runtime/job_labels.h"

#include <stddef.h>
#include <string.h>

struct job_labels *job_labels_mine(void)
{
    static _Thread_local struct job_labels mine = {.pool = UINT32_MAX};
    return &mine;
}

/* NULL: it is not there. */
static const char *find_tag(const struct job_labels *labels, const char *tag)
{
    size_t length = strlen(tag);
    for (const char *at = labels->tags; *at != '\0'; at += strspn(at, ",")) {
        size_t here = strcspn(at, ",");
        if (here == length && memcmp(at, tag, length) == 0)
            return at;
        at += here;
    }
    return NULL;
}

bool job_labels_has_tag(const struct job_labels *labels, const char *tag)
{
    return find_tag(labels, tag) != NULL;
}

bool job_labels_add_tag(struct job_labels *labels, const char *tag)
{
    size_t length = strlen(tag), used = strlen(labels->tags);
    if (length == 0 || strchr(tag, ',') != NULL)
        return false;
    if (job_labels_has_tag(labels, tag))
        return true;
    size_t comma = used > 0;
    if (length + comma + used >= sizeof labels->tags)
        return false;
    if (comma > 0)
        labels->tags[used++] = ',';
    memcpy(labels->tags + used, tag, length + 1);
    return true;
}

void job_labels_remove_tag(struct job_labels *labels, const char *tag)
{
    char *at = labels->tags + (find_tag(labels, tag) != NULL ? find_tag(labels, tag) - labels->tags
                                                             : (ptrdiff_t)strlen(labels->tags));
    if (*at == '\0')
        return;
    const char *rest = at + strlen(tag);
    if (*rest == ',')
        rest++;
    else if (at > labels->tags)
        at--; /* the last one takes the comma before it along */
    memmove(at, rest, strlen(rest) + 1);
}
