#!/usr/bin/env python3
"""Each public header stands alone in C17, and in C++ where it says so: test_headers.py BUILD"""
import pathlib
import shutil
import tempfile

from compiling import BUILD, ROOT, job_command, run
from tap import Skip, run_cases  # found by compiling

HEADERS = sorted(path.name for path in (ROOT / "include/barks").glob("*.h"))
IN_CPP = {"api.h", "context.h", "listener.h", "schedule.h", "each.h", "status.h"}
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", f"-I{ROOT}/include"]
CPP_JOB = r"""
#include <barks/context.h>
#include <barks/status.h>

int main()
{
    barks_status *status = barks_status_new(BARKS_LIMIT, nullptr, BARKS_HERE, "%d rows", 3);
    int exit_code = barks_exit_code(status);
    barks_status_free(status);
    return exit_code;
}
"""


def compilers(*names):
    found = [name for name in names if shutil.which(name)]
    if not found:
        raise Skip(f"none of {', '.join(names)} is here")
    return found


def compile_text(compiler, language, standard, text):
    return run([compiler, f"-std={standard}", *WARNINGS, "-x", language, "-"], input=text)


def each_header_compiles_alone_as_c17():
    for compiler in compilers("gcc", "clang"):
        for header in HEADERS:
            done = compile_text(compiler, "c", "c17", f"#include <barks/{header}>\nint used;\n")
            assert done.returncode == 0, (compiler, header, done.stderr)


def each_header_may_be_included_twice_and_after_any_other():
    for compiler in compilers("gcc", "clang"):
        for order in (HEADERS, HEADERS[::-1]):
            text = "".join(f"#include <barks/{header}>\n" for header in order) * 2
            done = compile_text(compiler, "c", "c17", text)
            assert done.returncode == 0, (compiler, order, done.stderr)


def headers_are_cpp_or_say_that_they_are_not():
    for compiler in compilers("g++", "clang++"):
        for header in HEADERS:
            done = compile_text(compiler, "c++", "c++17", f"#include <barks/{header}>\nint used;\n")
            if header in IN_CPP:
                assert done.returncode == 0, (compiler, header, done.stderr)
            else:
                errors = [line for line in done.stderr.splitlines() if "error" in line]
                assert errors and "jobs are C17" in errors[0], (compiler, header, done.stderr)


def cpp_program_links():
    _, flags = job_command()
    sanitizers = [flag for flag in flags if flag.startswith("-fsanitize")]
    (compiler, *_) = compilers("g++", "clang++")
    if sanitizers:
        raise Skip("a sanitized library wants its own compiler")
    with tempfile.TemporaryDirectory(prefix="barks docs ") as folder:
        program = pathlib.Path(folder, "job")
        pathlib.Path(folder, "job.cpp").write_text(CPP_JOB)
        done = run([compiler, "-std=c++17", f"-I{ROOT}/include", pathlib.Path(folder, "job.cpp"), "-o", program,
                    f"-L{BUILD}", "-lbarks", f"-Wl,-rpath,{BUILD}"])
        assert done.returncode == 0, done.stderr
        assert run([program]).returncode == 4


run_cases(each_header_compiles_alone_as_c17, each_header_may_be_included_twice_and_after_any_other,
          headers_are_cpp_or_say_that_they_are_not, cpp_program_links)
