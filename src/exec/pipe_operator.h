/* STEP_PIPE: texts: the program and its arguments, then, each after one of these words, what else
 * there is. */
#pragma once

/* texts[0 .. numbers[0]) are argv; the next numbers[1] are "NAME=value"; then, where numbers[2] is
 * 1, a directory. reals[0]: seconds that a partition may take; 0: any. */
enum { PIPE_STDERR_BYTES = 4096 }; /* of the last ones, for the error */
