/* BARKS_ASSERT: what must hold in the control plane, checked in releases too. Hot loops use assert.
 */
#pragma once

/* Says which condition did not hold, and aborts. Only for our own mistakes: input, files, peers and
 * users get a status. */
#define BARKS_ASSERT(condition)                                                                    \
    ((condition) ? (void)0 : assertion_failed(#condition, __FILE__, __LINE__, __func__))

void assertion_failed(const char *condition, const char *file, int line, const char *function)
    __attribute__((noreturn, cold));
