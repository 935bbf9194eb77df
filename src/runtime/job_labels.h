/* What a thread has said of the jobs that it starts: whose workers they take, and what they are
 * called. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    LABEL_GROUP_BYTES = 128,
    LABEL_DESCRIPTION_BYTES = 256,
    LABEL_TAGS_BYTES = 512, /* of all tags of a job */
};

/* By value: who starts a job copies those of his thread. */
struct job_labels {
    uint32_t pool; /* index among the pool settings; UINT32_MAX: the default one */
    int32_t priority;
    uint64_t limit_ns;             /* of an action; 0: it takes as long as it takes */
    char group[LABEL_GROUP_BYTES]; /* "": none, as are the others */
    char description[LABEL_DESCRIPTION_BYTES];
    char tags[LABEL_TAGS_BYTES]; /* "one,two": each once */
};

/* Of the calling thread. */
struct job_labels *job_labels_mine(void);

/* False: there is no room, or it is no tag (empty, or with a comma); nothing has changed. */
bool job_labels_add_tag(struct job_labels *labels, const char *tag);
void job_labels_remove_tag(struct job_labels *labels, const char *tag);
bool job_labels_has_tag(const struct job_labels *labels, const char *tag);
