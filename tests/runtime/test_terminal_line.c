/* Where live lines go when there is no terminal, and how they are drawn. */
#include "runtime/terminal_line.h"
#include "support/property.h"

#include <check.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* terminal_find while the standard error is a pipe. */
static int find_behind_a_pipe(bool always, int out_ends[2])
{
    int kept = dup(STDERR_FILENO);
    ck_assert_int_ge(kept, 0);
    ck_assert_int_eq(pipe(out_ends), 0);
    ck_assert_int_eq(dup2(out_ends[1], STDERR_FILENO), STDERR_FILENO);
    int terminal = terminal_find(always);
    ck_assert_int_eq(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    close(kept);
    return terminal;
}

START_TEST(a_pipe_is_no_terminal_unless_lines_are_wanted_always)
{
    int ends[2];
    ck_assert_int_eq(unsetenv("OMPI_COMM_WORLD_RANK"), 0);
    ck_assert_int_eq(find_behind_a_pipe(false, ends), -1);
    close(ends[0]);
    close(ends[1]);
    int terminal = find_behind_a_pipe(true, ends);
    ck_assert_int_ge(terminal, 0);
    terminal_release(terminal);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(under_another_starter_than_mpirun_there_is_no_terminal)
{
    int ends[2];
    ck_assert_int_eq(setenv("OMPI_COMM_WORLD_RANK", "0", 1), 0);
    ck_assert_int_eq(find_behind_a_pipe(false, ends), -1);
    ck_assert_int_eq(unsetenv("OMPI_COMM_WORLD_RANK"), 0);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(lines_are_cut_to_the_width_and_erased_by_going_up)
{
    int ends[2];
    char seen[128] = "";
    int terminal = find_behind_a_pipe(true, ends);
    ck_assert_uint_eq(terminal_width(terminal), 80);
    terminal_put_line(terminal, "0123456789", 6);
    terminal_erase(terminal, 3);
    terminal_release(terminal);
    close(ends[1]);
    ck_assert_int_gt(read(ends[0], seen, sizeof seen - 1), 0);
    ck_assert_str_eq(seen, "01234\033[K\r\n\033[3A\033[J");
    close(ends[0]);
}
END_TEST

SUITE_MAIN("runtime/terminal_line", a_pipe_is_no_terminal_unless_lines_are_wanted_always,
           under_another_starter_than_mpirun_there_is_no_terminal,
           lines_are_cut_to_the_width_and_erased_by_going_up)
