#!/usr/bin/env python3
"""A job outside the tree builds and runs with what `meson install` gives: test_install.py BUILD PREFIX LIBDIR"""
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
from tap import Skip, run_cases  # noqa: E402

BUILD, PREFIX, LIBDIR = sys.argv[1:4]
JOB = r"""
#include <barks/status.h>

#include <stdio.h>

static barks_status *fail(void) { BARKS_FAIL(BARKS_LIMIT, "%d rows", 3); }

static barks_status *work(void)
{
    BARKS_TRY_DOING(fail(), "count");
    return NULL;
}

int main(void)
{
    char text[50];
    barks_status *status = work();
    barks_status_format(status, text, sizeof text);
    printf("%s: %s\n", barks_code_name(barks_status_code(status)), text);
    barks_status_free(status);
    return 0;
}
"""
# No space in its name: pkg-config does not quote the folder that it puts before paths.
folder = tempfile.TemporaryDirectory(prefix="barks_install_")
destdir = pathlib.Path(folder.name)
library_folder = destdir / LIBDIR.lstrip("/")
include_folder = destdir / PREFIX.lstrip("/") / "include"


def run(command, **environment):
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder.name,
                          env={**os.environ, **environment})
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def pkg_config(*options):
    if shutil.which("pkg-config") is None:
        raise Skip("no pkg-config")
    output = run(["pkg-config", *options, "barks"],
                 PKG_CONFIG_LIBDIR=str(library_folder / "pkgconfig"),
                 PKG_CONFIG_SYSROOT_DIR=str(destdir))
    return shlex.split(output)


def installs_headers_library_and_pc_file():
    run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", str(destdir)])
    for path in (include_folder / "barks/status.h", library_folder / "libbarks.so", destdir / PREFIX.lstrip("/") / "bin/barks",
                 library_folder / "pkgconfig/barks.pc"):
        assert path.exists(), path


def installed_scripts_find_each_other():
    scripts = destdir / PREFIX.lstrip("/") / "bin"
    made = run([scripts / "barks-submit", "--tries=2", "--dry-run", "true"])
    assert f"{scripts}/barks-run-until-done --tries 2 -- mpirun" in made, made
    run([scripts / "barks-run-until-done", "true"])


def job_outside_the_tree_builds_and_runs():
    (destdir / "job.c").write_text(JOB)
    run(["cc", "-Wall", "-Wextra", "-Werror", "job.c", "-o", "job",
         *pkg_config("--cflags", "--libs")])
    output = run(["./job"], LD_LIBRARY_PATH=str(library_folder))
    assert output == "limit: count: 3 rows\n", output


def jobs_of_the_tree_build_outside_of_it_and_count_words():
    flags = pkg_config("--cflags", "--libs")
    for source in sorted((ROOT / "jobs").glob("*.c")):
        copy = destdir / source.name
        copy.write_bytes(source.read_bytes())
        run(["cc", "-Wall", "-Wextra", "-Werror", source.name, "-o", source.stem, *flags])
    (destdir / "text").write_text("to be or not to be")
    run(["./wordcount", "--barks-quiet", "text", "counts"], LD_LIBRARY_PATH=str(library_folder))
    parts = sorted((destdir / "counts").glob("part-*.csv"))
    lines = [line for part in parts for line in part.read_text().splitlines()[1:]]
    assert sorted(lines) == ["be,2", "not,1", "or,1", "to,2"], lines


def flags_ask_for_nothing_of_mpi():
    flags = " ".join(pkg_config("--cflags", "--libs"))
    assert "mpi" not in flags.replace(folder.name, "").lower(), flags


def each_public_header_compiles_alone():
    flags = pkg_config("--cflags")
    for header in sorted((include_folder / "barks").glob("*.h")):
        source = destdir / "alone.c"
        source.write_text(f"#include <barks/{header.name}>\n")
        run(["cc", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", *flags, str(source)])


def library_exports_nothing_but_barks():
    symbols = run(["nm", "-D", "--defined-only", "--format=posix", str(library_folder / "libbarks.so")])
    names = [line.split()[0] for line in symbols.splitlines()]
    assert "barks_status_new" in names, names
    others = [name for name in names if not name.startswith("barks_")]
    assert not others, others


run_cases(installs_headers_library_and_pc_file, installed_scripts_find_each_other, job_outside_the_tree_builds_and_runs,
          jobs_of_the_tree_build_outside_of_it_and_count_words, flags_ask_for_nothing_of_mpi, each_public_header_compiles_alone,
          library_exports_nothing_but_barks)
