/* Lines that are drawn again and again at the bottom of a terminal. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A descriptor of the terminal that the person watches, or -1: stderr where it is one; under
 * mpirun, which puts a pipe between, the stderr of mpirun itself, when it runs on this node and
 * that is a terminal. always: stderr whatever it is, where there is no terminal. */
int terminal_find(bool always);
void terminal_release(int terminal); /* -1 is fine */

uint32_t terminal_width(int terminal);

/* Writes one line, cut to width columns, with its end. */
void terminal_put_line(int terminal, const char *text, uint32_t width);
/* Goes up line_count lines and clears from there. */
void terminal_erase(int terminal, uint32_t line_count);
