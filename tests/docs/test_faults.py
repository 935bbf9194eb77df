#!/usr/bin/env python3
"""What BARKS_FAULT knows is what its page says and the source has: test_faults.py BUILD"""
import os
import re
import subprocess
import tempfile

from compiling import BUILD, ROOT, run
from tap import Skip, run_cases  # found by compiling

HEADER = (ROOT / "src/base/fault.h").read_text().replace("\\\n", " ")
POINTS = dict(re.findall(r'\bPOINT\((\w+), "([\w.]+)",\s+"[^"]+"\)', HEADER))
CALLS = dict(re.findall(r'\bCALL\((\w+), "(\w+)", \w+\)', HEADER))
FUNCTIONS = dict(re.findall(r"\bFUNCTION\((\w+), (\w+)\)", HEADER))
FOLDERS = ("src", "shuffle", "scheduler")
# Functions that may fail, of which barks must have none that a fault cannot reach.
FALLIBLE = set("""malloc calloc realloc reallocarray aligned_alloc posix_memalign memalign valloc strdup strndup asprintf
    vasprintf open_memstream realpath read readv pread preadv fread readdir getline getdelim write writev pwrite pwritev
    fwrite fflush sendfile splice copy_file_range open openat creat fopen fdopen freopen opendir fdopendir pipe pipe2
    socket accept accept4 eventfd memfd_create epoll_create1 dup dup2 dup3 mkdir mkdirat mkdtemp mkstemp mkostemp symlink
    symlinkat link linkat close fclose closedir fsync fdatasync sync_file_range rename renameat renameat2 unlink unlinkat
    rmdir remove stat lstat fstat fstatat statx mmap mremap munmap ftruncate truncate posix_fallocate pthread_create
    fork vfork posix_spawn posix_spawnp""".split()) - {"closedir", "ftruncate", "dup2"}


def help_text():
    with tempfile.TemporaryDirectory() as empty:
        done = run([BUILD / "jobs/wordcount", "--barks-fault=help"], cwd=empty,
                   env={**os.environ, "HOME": empty, "XDG_CONFIG_HOME": empty})
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout


def tables_were_read():
    assert len(POINTS) > 30 and len(CALLS) == 15 and len(FUNCTIONS) > 35, (POINTS, CALLS, FUNCTIONS)


def every_point_stands_in_the_source():
    used = set()
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.c"):
            used.update(re.findall(r"\bfault_point\(POINT_(\w+)\)", path.read_text()))
    assert used == set(POINTS), used ^ set(POINTS)


def page_and_help_list_every_point_call_and_function():
    page = (ROOT / "docs/man/barks_fault.7").read_text()
    printed = help_text()
    listed = page[page.index(".Ss Points"):page.index(".Sh EXAMPLES")]
    assert re.findall(r"^\.It Cm (\S+)$", listed, re.MULTILINE) == list(POINTS.values()), listed
    listed = page[page.index(".Ss Calls"):page.index(".Ss Points")]
    assert re.findall(r"^\.It Cm (\S+)$", listed, re.MULTILINE) == list(CALLS.values()), listed
    named = set(re.findall(r"^\.Fn (\w+)", listed, re.MULTILINE)) | {"mpi", "message"}
    assert named == set(FUNCTIONS), named ^ set(FUNCTIONS)
    for name in [*POINTS.values(), *CALLS.values()]:
        assert re.search(rf"^{re.escape(name)} ", printed, re.MULTILINE), name


def page_and_help_list_every_action_and_key():
    source = (ROOT / "src/base/fault_spec.c").read_text()
    page = (ROOT / "docs/man/barks_fault.7").read_text()
    printed = help_text()
    actions = re.findall(r'\{"(\w+)",\s+ACTION_', source)
    keys = re.findall(r'\{"(\w+)", KEY_', source)
    assert len(actions) == 9 and len(keys) == 12, (actions, keys)
    listed = page[page.index(".Ss Actions"):page.index(".Ss Keys")]
    assert re.findall(r"^\.It Cm (\w+)$", listed, re.MULTILINE) == actions
    for key in keys:
        assert re.search(rf"^\.It .*\bIc {key} Ns = Ns Ar", page, re.MULTILINE), key
    for name in actions + keys:
        assert re.search(rf"^{name} ", printed, re.MULTILINE), name


def no_call_that_may_fail_is_out_of_reach():
    """Of what the objects of the layers ask of other libraries."""
    libraries = sorted(path for path in BUILD.glob("libbarks_*.a"))
    done = subprocess.run(["nm", "-u", *libraries], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Skip("nm cannot read the layers")
    asked = set(re.findall(r"^ +U (\w+)$", done.stdout, re.MULTILINE))
    assert "malloc" in asked or "calloc" in asked, done.stdout[:500]
    missing = {name for name in asked if name.removesuffix("64") in FALLIBLE - set(FUNCTIONS)}
    assert not missing, f"{sorted(missing)}: add them to FAULT_FUNCTIONS, fault_calls.c and src/base/meson.build"


def a_wrong_text_ends_the_job_with_status_2():
    with tempfile.TemporaryDirectory() as empty:
        done = run([BUILD / "jobs/wordcount", "x", "y"], cwd=empty,
                   env={**os.environ, "HOME": empty, "XDG_CONFIG_HOME": empty, "BARKS_FAULT": "kill:at=nowhere"})
    assert done.returncode == 2 and "environment BARKS_FAULT: 'at=nowhere' is no fault" in done.stderr, done


run_cases(tables_were_read, every_point_stands_in_the_source, page_and_help_list_every_point_call_and_function,
          page_and_help_list_every_action_and_key, no_call_that_may_fail_is_out_of_reach,
          a_wrong_text_ends_the_job_with_status_2)
