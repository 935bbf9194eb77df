/* What a test does must go well. */
#pragma once

#include "barks/status.h"

#include <check.h>

/* Fails, at the place of the call, with the words of a status that is none. */
#define must(made)                                                                                 \
    do {                                                                                           \
        const barks_status *must_status = (made);                                                  \
        ck_assert_msg(must_status == NULL, "%s", must_words(must_status));                         \
    } while (0)

static inline const char *must_words(const barks_status *status)
{
    static _Thread_local char words[500];
    (void)barks_status_format(status, words, sizeof words); /* cut where it is long */
    return words;
}
