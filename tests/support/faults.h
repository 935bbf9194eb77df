/* Faults in tests: base/fault.h with must.
 *
 * A test program is linked as barks is, and check into it: where a test asserts, check makes calls
 * that fail too. So what is looked at while a call may fail is asserted later. */
#pragma once

#include "base/fault.h"
#include "support/must.h"

#include <stdarg.h>
#include <stdio.h>

/* From now on faults strike as the text says, written as BARKS_FAULT is; counts begin anew. */
__attribute__((format(printf, 1, 2))) static inline void arm_faults(const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    must(faults_arm(NULL, "test"));
    barks_status *status = faults_arm(text, "test");
    if (status != NULL)
        must(status);
}

static inline void disarm_faults(void) { must(faults_arm(NULL, "test")); }
