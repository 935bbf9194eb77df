/* A crash of a function of the job's, told before the process ends by its signal; and the stack of
 * a thread that is stuck. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* From now on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT are told, and then go to who handled them
 * when this was first called, else end the process. MPI_Init takes handlers of its own, so it is
 * called again after it. Threads: one at a time. */
void crash_catch(void);

/* The calling thread gets a stack for handlers of its own, so that it can tell when it has used up
 * its stack; without memory for it the handler runs on the thread's. end before the thread ends. */
void crash_thread_begin(void);
void crash_thread_end(void);

/* From now on a thread that crashes amid a task waits a second at most for a reader, who is told of
 * it before the process ends. Threads: the reader. */
void crash_await_reader(void);
/* True once, where a thread has crashed amid a task: which, and how, without what would be
 * otherwise the next time. *out_text stays. Threads: the reader. */
bool crash_read(pthread_t *out_thread, const char **out_text);
void crash_was_told(void); /* the process may end */

/* What stands in the report where no task runs: "driver", or the executor's number. */
void crash_set_rank(uint32_t rank);

/* Writes the stack of another thread to the standard error, from that thread, wherever it is.
 * Returns a second later at the latest, or two where another stack is being shown. Threads: any. */
void crash_show_stack(pthread_t thread, const char *whose);
