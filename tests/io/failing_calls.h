/* Calls of the system that can be made to fail: rename, renameat2, write, fsync, close, mkdir and
 * fopen, in a program that is linked with --wrap for each of them. */
#pragma once

#include <stdbool.h>

/* The call number fail_at fails, counted from 1; 0: none does. */
extern int call_count;
extern int fail_at;
extern bool without_renameat2; /* as on a file system that lacks it */
